"""Loads recipes by name or file, with overrides, and reports all errors at once."""

import shutil
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.recipes.schema import Recipe
from areoseg.recipes.stages import expand_short_form
from areoseg.recipes.yaml_text import (
    describe_duplicates,
    describe_errors,
    duplicate_keys,
    line_of,
    read_yaml,
)
from areoseg.transforms.policies import POLICIES
from areoseg.utils.files import write_text
from areoseg.utils.plugins import load_plugin

Tree = dict[str, Any]

SUFFIXES = (".yaml", ".yml")

BASELINES = ("random", "majority", "logistic-regression")
"""The baselines, which may be mistaken for recipes."""

PLUGINS = "plugins"
"""The folder of a run that contains copies of its recipe's plugins."""

PluginPolicy = Literal["run", "if-allowed", "ignore"]
"""Run the plugin files of a recipe; run them only if plugins are allowed or they were run before
(see `utils.plugins`); or ignore them and everything that may depend on them: the model is not
checked, and the sections used only in training have their defaults."""

TRAINING_SECTIONS = ("loss", "augment", "optimizer", "schedule", "stages")
"""The sections that may refer to a component of a plugin and are used only in training."""


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with areoseg."""
    folder = resources.files("areoseg.recipes")
    return tuple(
        sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


def recipe_text(name: str) -> str:
    """Return the YAML text of a recipe that comes with areoseg.

    Raises:
        AreosegError: There is no such recipe; the message suggests the closest name.
    """
    names = recipe_names()
    if name in BASELINES:
        raise AreosegError(
            f"{name!r} is a baseline, which has no recipe: `areoseg baseline {name} --data DATA`"
            " scores it, and a row of a study may say `baseline: " + name + "`"
        )
    if name not in names:
        hint = did_you_mean(name, names, otherwise="`areoseg recipes` lists them")
        raise AreosegError(f"there is no recipe {name!r}, neither by name nor as a file: {hint}")
    return (resources.files("areoseg.recipes") / f"{name}.yaml").read_text(encoding="utf-8")


def recipe_summaries() -> list[dict[str, str]]:
    """Return the name, the model and the summary of each recipe that comes with areoseg."""
    rows = []
    for name in recipe_names():
        tree, _ = read_yaml(recipe_text(name), name)
        model = expand_short_form("model", tree["model"])["name"]
        rows.append({"name": name, "model": model, "summary": tree["summary"]})
    return rows


def load_recipe(
    name_or_path: str | Path, overrides: Iterable[str] = (), *, plugins: PluginPolicy = "run"
) -> Recipe:
    """Load and validate a recipe; its plugins, which are Python files that it names, are run.

    Args:
        name_or_path: The name of a recipe that comes with areoseg, or a YAML file.
        overrides: `key=value` pairs, such as `"optimizer.lr=1e-3"` or `"model.widths=[8, 16]"`;
            values are YAML.
        plugins: Whether to run the plugins of the recipe.

    Raises:
        AreosegError: One line per error, with its location in the file.

    Examples:
        >>> recipe = load_recipe("unet", ["optimizer.lr=1e-3"])
        >>> recipe.optimizer.lr
        0.001
    """
    text = read_recipe(name_or_path)
    folder = Path.cwd() if str(name_or_path) in recipe_names() else Path(name_or_path).parent
    return parse_recipe(
        text, source=str(name_or_path), overrides=overrides, folder=folder, plugins=plugins
    )


def read_recipe(name_or_path: str | Path) -> str:
    """Return the unvalidated YAML text of a recipe, given its name or file.

    Raises:
        AreosegError: There is no such recipe, or the file cannot be read.
    """
    path = Path(name_or_path)
    if str(name_or_path) in recipe_names() or not (path.suffix in SUFFIXES or path.is_file()):
        return recipe_text(str(name_or_path))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(f"{path}: cannot read this recipe: {one_line(error)}") from None


def parse_recipe(
    text: str,
    *,
    source: str = "recipe",
    overrides: Iterable[str] = (),
    folder: Path | None = None,
    plugins: PluginPolicy = "run",
) -> Recipe:
    """Validate the YAML text of a recipe; see `load_recipe`.

    Args:
        text: The text.
        source: The name of the text in messages.
        overrides: See `load_recipe`.
        folder: The folder that plugin paths in the text are relative to; None: the current one.
            Plugin paths in overrides are relative to the current folder.
        plugins: Whether and when to run the plugins.
    """
    tree, node = read_yaml(text, source)
    if not isinstance(tree, dict):
        raise AreosegError(f"{source}: a recipe is a mapping; `areoseg recipes show unet` is one")
    _resolve_plugins(tree, folder or Path.cwd())
    given = list(overrides)
    for override in given:
        _override(tree, override)
    _resolve_plugins(tree, Path.cwd())
    if plugins == "ignore" and tree.get("plugins"):
        tree = {name: value for name, value in tree.items() if name not in TRAINING_SECTIONS}
    elif plugins != "ignore":
        try:
            for path in tree.get("plugins") or ():
                load_plugin(path, trusted=plugins == "run")
        except AreosegError as error:
            raise AreosegError(
                f"{source}:{line_of(node, ['plugins'])}: plugins: {error}"
            ) from error
    errors = describe_duplicates(node, source)
    try:
        recipe = Recipe.model_validate(tree, context={"check_model": plugins != "ignore"})
    except ValidationError as error:
        errors += describe_errors(error, source, node, given)
    if errors:
        raise AreosegError("\n".join(errors))
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """Return the YAML text of a recipe with all values.

    Transforms that are not used are omitted, except those that the recipe removed from its
    augmentation policy. A stage contains only the sections in which it differs from the recipe.
    """
    tree = _without_unused(recipe.model_dump(mode="json", by_alias=True))
    if not tree["plugins"]:
        del tree["plugins"]
    stages = [_without_unused(stage) for stage in tree.pop("stages")]
    if stages:
        tree["stages"] = [
            {name: value for name, value in stage.items() if value != tree.get(name)}
            for stage in stages
        ]
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with all values, and copies of its plugins into a folder beside it.

    Therefore a run can be opened from any folder, on any machine, and after a plugin was edited.
    """
    copies: list[str] = []
    for number, plugin in enumerate(recipe.plugins):
        name = Path(plugin).name
        if any(Path(copy).name == name for copy in copies):
            name = f"{number}_{name}"
        copy = path.parent / PLUGINS / name
        if not (copy.exists() and copy.samefile(plugin)):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(plugin, copy)
        copies.append(f"{PLUGINS}/{name}")
    write_text(path, dump_recipe(recipe.model_copy(update={"plugins": tuple(copies)})))


def _without_unused(sections: Tree) -> Tree:
    """Return the sections of a dump without transforms that are not used."""
    in_policy = {name for name, *_ in POLICIES[sections["augment"]["policy"]].transforms}
    augment = {
        name: value
        for name, value in sections["augment"].items()
        if value is not None or name in in_policy
    }
    return {**sections, "augment": augment}


def _resolve_plugins(tree: Tree, folder: Path) -> None:
    """Make the paths of plugins absolute, in place; skip values that are not a list of names."""
    names = tree.get("plugins")
    if isinstance(names, str):
        names = [names]
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        tree["plugins"] = [str((folder / name).resolve()) for name in names]


def _override(tree: Tree, override: str) -> None:
    """Set one dotted value of `tree` in place."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise AreosegError(
            f"override {override!r}: write it as key=value, such as optimizer.lr=1e-3"
        )
    try:
        value, node = read_yaml(text, dotted)
    except AreosegError:
        raise AreosegError(f"override {override!r}: the value is not YAML") from None
    for name, _, _ in duplicate_keys(node):
        raise AreosegError(f"override {dotted}.{name}: duplicate key; remove one")
    *parents, last = dotted.split(".")
    parent: Any = tree
    within = ""
    for name in parents:
        key = _key(parent, name, override)
        child = parent.get(name, {}) if isinstance(parent, dict) else parent[key]
        child = expand_short_form(name, child, within=within)
        if not isinstance(child, dict | list):
            raise AreosegError(f"override {override!r}: {name!r} has no values inside")
        parent[key] = child.copy()  # an alias may be used in two places
        parent, within = parent[key], name
    parent[_key(parent, last, override)] = value


def _key(parent: Tree | list[Any], name: str, override: str) -> str | int:
    """Return the key of a mapping or the position in a list that is named in an override."""
    if isinstance(parent, dict):
        return name
    if name.isdecimal() and int(name) < len(parent):
        return int(name)
    raise AreosegError(
        f"override {override!r}: there is no {name!r}: {len(parent)} entries are counted from 0"
    )
