"""Reading recipes: by name or file, with overrides, and with every error at its place."""

import warnings
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.errors import one_line
from areoseg.recipes.errors import describe_error
from areoseg.recipes.schema import Recipe
from areoseg.recipes.short_forms import expand_short_form
from areoseg.recipes.yaml_text import describe_repeats
from areoseg.recipes.yaml_text import read_yaml
from areoseg.recipes.yaml_text import repeated_keys
from areoseg.transforms.policies import POLICIES

Tree = dict[str, Any]

SUFFIXES = (".yaml", ".yml")

UNTRAINED = ("random", "majority", "logistic-regression")
"""The baselines, which people may take for recipes."""

GIVEN_TO_MODELS = {"classes", "in_channels"}
"""What a model is told by the data, and no recipe may."""


def recipe_names() -> tuple[str, ...]:
    """The names of the recipes that come with areoseg."""
    folder = resources.files("areoseg.recipes")
    return tuple(
        sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


def recipe_text(name: str) -> str:
    """The YAML text of the recipe called `name`.

    Raises:
        AreosegError: There is none; the message names the nearest.
    """
    names = recipe_names()
    if name in UNTRAINED:
        raise AreosegError(
            f"{name!r} is a baseline, which has no recipe: `areoseg baseline {name} --data DATA`"
            " scores it, and a row of a study may say `baseline: " + name + "`"
        )
    if name not in names:
        hint = did_you_mean(name, names, otherwise="`areoseg recipes` lists them")
        raise AreosegError(f"there is no recipe {name!r}, neither by name nor as a file: {hint}")
    return (resources.files("areoseg.recipes") / f"{name}.yaml").read_text(encoding="utf-8")


def load_recipe(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read, override and check a recipe.

    Args:
        name_or_path: The name of a recipe that comes with areoseg, or a YAML file.
        overrides: `key=value` pairs, such as `"optimizer.lr=1e-3"` or `"model.widths=[8, 16]"`;
            values are YAML.

    Raises:
        AreosegError: One line for each error, with its place in the file.
    """
    text = read_recipe(name_or_path)
    return parse_recipe(text, source=str(name_or_path), overrides=overrides)


def read_recipe(name_or_path: str | Path) -> str:
    """The YAML text of a recipe, by its name or else from its file, unchecked.

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


def parse_recipe(text: str, *, source: str = "recipe", overrides: Iterable[str] = ()) -> Recipe:
    """Check the YAML text of a recipe; see `load_recipe`."""
    tree, node = read_yaml(text, source)
    if not isinstance(tree, dict):
        raise AreosegError(f"{source}: a recipe is a mapping; `areoseg recipes show unet` is one")
    given = list(overrides)
    for override in given:
        _override(tree, override)
    errors = describe_repeats(node, source)
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        errors += [describe_error(detail, Recipe, source, node, given) for detail in error.errors()]
    if errors:
        raise AreosegError("\n".join(errors))
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """The YAML text of a recipe with every value spelled out.

    Loss terms and transforms that are not used are left out, but for those that the recipe took
    out of its augmentation policy. A stage has the sections in which it differs from the recipe.
    """
    tree = _without_unused(recipe.model_dump(mode="json", by_alias=True))
    stages = [_without_unused(stage) for stage in tree.pop("stages")]
    if stages:
        tree["stages"] = [
            {name: value for name, value in stage.items() if value != tree.get(name)}
            for stage in stages
        ]
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _without_unused(sections: Tree) -> Tree:
    """The sections of a dump without loss terms and transforms that are not used."""
    in_policy = {name for name, *_ in POLICIES[sections["augment"]["policy"]].transforms}
    return {
        **sections,
        "loss": {name: term for name, term in sections["loss"].items() if term is not None},
        "augment": {
            name: value
            for name, value in sections["augment"].items()
            if value is not None or name in in_policy
        },
    }


def check_model(recipe: Recipe, *, source: str = "recipe") -> None:
    """Build the recipe's model without memory for its weights, to see that it can be built.

    Raises:
        AreosegError: There is no such model, or it has no such option or value, or nothing that
            the section `network` could change.
    """
    import torch

    from areoseg.models import create_model
    from areoseg.models.adjust import adjust_network

    for name in GIVEN_TO_MODELS & recipe.model.options.keys():
        raise AreosegError(f"{source}: model.{name}: the data say this: leave it away")
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is raised
            network = create_model(recipe.model.name, **recipe.model.options)
    except AreosegError as error:
        raise AreosegError(f"{source}: model: {error}") from None
    try:
        adjust_network(network, **recipe.network.model_dump())
    except AreosegError as error:
        raise AreosegError(f"{source}: {error}") from None


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
    for name, _, _ in repeated_keys(node):
        raise AreosegError(f"override {dotted}.{name}: there twice: leave one away")
    *parents, last = dotted.split(".")
    holder: Any = tree
    within = ""
    for key in parents:
        place = _place(holder, key, override)
        child = holder.get(key, {}) if isinstance(holder, dict) else holder[place]
        child = expand_short_form(key, child, within=within)
        if not isinstance(child, dict | list):
            raise AreosegError(f"override {override!r}: {key!r} holds no further values")
        holder[place] = child.copy()  # an alias may be in two places
        holder, within = holder[place], key
    holder[_place(holder, last, override)] = value


def _place(holder: Tree | list[Any], key: str, override: str) -> str | int:
    """What a part of a dotted name stands for in a mapping, or in a list."""
    if isinstance(holder, dict):
        return key
    if key.isdecimal() and int(key) < len(holder):
        return int(key)
    raise AreosegError(
        f"override {override!r}: there is no {key!r}: {len(holder)} entries are counted from 0"
    )
