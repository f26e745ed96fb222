"""Editable templates of recipes: their own values, and all defaults as comments."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from areoseg.recipes.loading import dump_recipe, load_recipe, recipe_text
from areoseg.recipes.schema import Recipe
from areoseg.recipes.stages import expand_short_form
from areoseg.recipes.yaml_text import read_yaml
from areoseg.utils.options import Location

HEADER = """\
# A copy of the recipe {name!r}.
# Lines that start with "# " are defaults. Remove the "# " to change a value, and the "# " of the
# section around it. `areoseg components` lists losses, optimizers, schedules and transforms.

"""

MAX_WIDTH = 96
"""Maximum length of a line including its comment."""


def recipe_template(name: str) -> str:
    """Return the YAML text of a recipe that comes with areoseg, with all defaults as comments.

    Args:
        name: The name of the recipe.

    Raises:
        AreosegError: There is no such recipe.
    """
    text = recipe_text(name)
    given, node = read_yaml(text, name)
    given = {key: expand_short_form(key, value) for key, value in given.items()}
    if "loss" in given:
        given["loss"] = {
            term: expand_short_form(term, value, within="loss")
            for term, value in given["loss"].items()
        }
    recipe = load_recipe(name)
    values = yaml.safe_load(dump_recipe(recipe))
    values["model"] = {"name": recipe.model.name, **_model_defaults(recipe), **values["model"]}
    if "stages" in given:
        values["stages"] = given["stages"]
    lines = _render(values, given, recipe, (), _comments(text, node))
    return HEADER.format(name=name) + "\n".join(lines) + "\n"


def _render(
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    options: Any,
    location: Location,
    comments: Mapping[Location, str],
) -> Iterator[str]:
    """Yield the lines of a section, with default values as comments.

    Args:
        values: All values of the section.
        given: The values that the recipe's own text sets.
        options: The section as options, which provide the descriptions.
        location: Location of the section.
        comments: The comments in the recipe's own text, by location.
    """
    indent = "  " * len(location)
    for key, value in values.items():
        here = (*location, key)
        own = given.get(key) not in ({}, None) or (key in given and value is None)
        mark = "" if own else "# "
        if isinstance(value, dict) and value and len(here) < 3:
            comment = f"  # {comments[here]}" if here in comments else ""
            yield f"{mark}{indent}{key}:{comment}"
            inner = _render(
                value, given[key] if own else {}, _options_of(options, key), here, comments
            )
            yield from inner
            continue
        line = f"{mark}{indent}{key}: {_flow(value)}"
        comment = comments.get(here) or _description(options, key)
        if comment and len(line) + len(comment) > MAX_WIDTH:
            yield f"{mark}{indent}## {comment}"
            yield line
        else:
            yield f"{line}  # {comment}" if comment else line


def _comments(text: str, node: yaml.Node | None) -> dict[Location, str]:
    """Return the comments after keys that begin a line of a recipe's text, by location."""
    lines = text.splitlines()
    found: dict[Location, str] = {}

    def collect(node: yaml.Node | None, location: Location) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            line = lines[key.start_mark.line]
            comment = re.search(r"\s#\s(.+)$", line)
            if comment and not line[: key.start_mark.column].strip():
                found[(*location, key.value)] = comment[1]
            collect(value, (*location, key.value))

    collect(node, ())
    return found


def _description(options: Any, key: str) -> str:
    """Return the first sentence of the description of an option, on one line."""
    field = getattr(type(options), "model_fields", {}).get(key)
    if field is None or not field.description or key in ("summary", "name"):
        return ""
    text = " ".join(field.description.split())
    return re.split(r"(?<=[^.][.;])\s", text)[0].rstrip(".;")


def _options_of(options: Any, key: str) -> Any:
    """Return the options of a section, or of a term or transform within it."""
    if isinstance(options, BaseModel) and key in type(options).model_fields:
        return getattr(options, key)
    return (getattr(options, "root", None) or getattr(options, "model_extra", None) or {}).get(key)


def _model_defaults(recipe: Recipe) -> dict[str, Any]:
    """Return the options of the recipe's model with the defaults that YAML can represent."""
    from areoseg.models import record

    parameters = inspect.signature(record(recipe.model.name).build).parameters
    return {
        name: list(default) if isinstance(default, tuple) else default
        for name in record(recipe.model.name).options
        if isinstance(default := parameters[name].default, int | float | str | tuple | None)
        or default is None
    }


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
