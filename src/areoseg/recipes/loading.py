"""Reading recipes: by name or file, with overrides, and with every fault at its place."""

import warnings
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from areoseg.data.augmentation.policies import POLICIES
from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.recipes.faults import describe_fault
from areoseg.recipes.schema import SHORT_FORMS, Recipe

Tree = dict[str, Any]

SUFFIXES = (".yaml", ".yml")


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
        AreosegError: One line for each fault, with its place in the file.
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
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise AreosegError(f"{source}: not YAML: {one_line(error)}") from None
    if not isinstance(tree, dict):
        raise AreosegError(f"{source}: a recipe is a mapping; `areoseg recipes show unet` is one")
    given = list(overrides)
    for override in given:
        _override(tree, override)
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        faults = [describe_fault(fault, Recipe, source, node, given) for fault in error.errors()]
        raise AreosegError("\n".join(faults)) from None


def dump_recipe(recipe: Recipe) -> str:
    """The YAML text of a recipe with every value spelled out.

    Loss terms and transforms that are not used are left out, but for those that the recipe took
    out of its augmentation policy.
    """
    tree = recipe.model_dump(mode="json", by_alias=True)
    tree["loss"] = {name: term for name, term in tree["loss"].items() if term is not None}
    in_policy = {name for name, *_ in POLICIES[recipe.augment.policy].transforms}
    tree["augment"] = {
        name: value
        for name, value in tree["augment"].items()
        if value is not None or name in in_policy
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def check_model(recipe: Recipe, *, source: str = "recipe") -> None:
    """Build the recipe's model without memory for its weights, to see that it can be built.

    Raises:
        AreosegError: There is no such model, or it has no such option or value, or nothing that
            the section `network` could change.
    """
    import torch

    from areoseg.models import create_model
    from areoseg.models.adjust import adjust_network

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
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise AreosegError(f"override {override!r}: the value is not YAML") from None
    *parents, last = dotted.split(".")
    for key in parents:
        child = tree.get(key, {})
        if isinstance(child, str) and key in SHORT_FORMS:
            child = {SHORT_FORMS[key]: child}
        if not isinstance(child, dict):
            raise AreosegError(f"override {override!r}: {key!r} holds no further values")
        tree[key] = child
        tree = child
    tree[last] = value
