"""Reads YAML and describes its errors: one line per error, with its location."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from areoseg.errors import AreosegError, one_line
from areoseg.utils.options import error_message

MAX_NODES = 100_000
"""Largest number of values in a file, each alias written out."""


def read_yaml(text: str, source: str) -> tuple[Any, yaml.Node | None]:
    """Parse YAML into values and nodes with line numbers.

    Args:
        text: The text.
        source: The name of its file.

    Raises:
        AreosegError: The text is not YAML, or far too large for a file of this kind.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if _expanded_size(node, {}) > MAX_NODES:
            raise AreosegError(
                f"{source}: more than {MAX_NODES} values with its aliases: write fewer"
            )
        return yaml.safe_load(text), node
    except RecursionError:
        raise AreosegError(f"{source}: nested too deeply: use fewer levels") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        raise AreosegError(f"{source}: not YAML: {one_line(error)}") from None


def _expanded_size(node: yaml.Node | None, sizes: dict[int, int]) -> int:
    """Return the number of nodes if each alias were written out; an endless alias counts once.

    A few lines of nested aliases may stand for more values than any memory holds.
    """
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = 1  # an alias inside of itself
        children = (
            [each for pair in node.value for each in pair]
            if isinstance(node, yaml.MappingNode)
            else node.value
        )
        sizes[id(node)] = 1 + sum(_expanded_size(child, sizes) for child in children)
    return sizes[id(node)]


def describe_errors(
    error: ValidationError, source: str, node: yaml.Node | None, overrides: Sequence[str] = ()
) -> list[str]:
    """Describe each validation error on one line: location, problem and valid values.

    Args:
        error: The errors.
        source: The name of the file.
        node: The content of the file with its line numbers.
        overrides: The `key=value` pairs that changed the content before it was validated.
    """
    keys = [override.partition("=")[0] for override in overrides]
    lines = []
    for detail in error.errors():
        dotted = ".".join(map(str, detail["loc"]))
        # An override may set the location itself, a parent of it, or a value within it.
        if any(f"{dotted}.".startswith(f"{key}.") or key.startswith(f"{dotted}.") for key in keys):
            place = f"override {dotted}"
        else:
            place = f"{source}:{line_of(node, detail['loc'])}: {dotted or 'the file'}"
        message = error_message(detail)
        given = (
            "" if _is_told(detail["type"], detail["input"]) else f" (got {_shown(detail['input'])})"
        )
        lines.append(f"{place}: {message[0].lower()}{message[1:]}{given}")
    return lines


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _is_told(kind: str, value: Any) -> bool:
    """Return whether a message is complete without the input."""
    return kind in ("extra_forbidden", "missing") or isinstance(value, Mapping)


def line_of(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """Return the line, from 1, of the deepest part of a location that the file has."""
    line = 1
    for key in location:
        if isinstance(node, yaml.MappingNode):
            pairs = {name.value: (name, value) for name, value in node.value}
            if str(key) not in pairs:
                break
            name, node = pairs[str(key)]
            line = name.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        else:
            break
    return line


def describe_duplicates(node: yaml.Node | None, source: str) -> list[str]:
    """Describe each duplicate key of a mapping; YAML would silently use the last value.

    Args:
        node: The content of the file.
        source: The name of the file.
    """
    return [
        f"{source}:{line}: {name}: duplicate key (first defined on line {first}); remove one"
        for name, first, line in duplicate_keys(node)
    ]


def duplicate_keys(node: yaml.Node | None) -> list[tuple[str, int, int]]:
    """List the dotted name of each key that a mapping has twice, and both lines, from 1."""
    return list(_duplicates(node, (), frozenset()))


def _duplicates(
    node: yaml.Node | None, location: tuple[str, ...], parents: frozenset[int]
) -> Iterator[tuple[str, int, int]]:
    """Yield `duplicate_keys`, skipping nodes in `parents`, as an alias may contain itself."""
    if node is None or id(node) in parents:
        return
    inside = parents | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            yield from _duplicates(entry, (*location, str(number)), inside)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            here = (*location, str(key.value))
            if here[-1] in first:
                yield ".".join(here), first[here[-1]], line
            first.setdefault(here[-1], line)
            yield from _duplicates(value, here, inside)
