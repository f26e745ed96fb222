"""Reading YAML text: values, lines, and keys that are there twice."""

from collections.abc import Iterator
from typing import Any

import yaml

from areoseg.errors import AreosegError
from areoseg.errors import one_line


def read_yaml(text: str, source: str) -> tuple[Any, yaml.Node | None]:
    """The values of a YAML text, and its nodes with their line numbers.

    Args:
        text: The text.
        source: What it is called.

    Raises:
        AreosegError: It is not YAML.
    """
    try:
        return yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that there is not
        raise AreosegError(f"{source}: not YAML: {one_line(error)}") from None


def repeated_keys(node: yaml.Node | None) -> list[tuple[str, int, int]]:
    """The dotted name of each key that a mapping has twice, and the lines of both, from 1.

    YAML itself would silently take the last.
    """
    return list(_repeated(node, (), frozenset()))


def describe_repeats(node: yaml.Node | None, source: str) -> list[str]:
    """One line for each key that a mapping of the text has twice.

    Args:
        node: The content of the text.
        source: What the text is called.
    """
    return [
        f"{source}:{line}: {name}: there already in line {first}: leave one away"
        for name, first, line in repeated_keys(node)
    ]


def _repeated(
    node: yaml.Node | None, place: tuple[str, ...], around: frozenset[int]
) -> Iterator[tuple[str, int, int]]:
    """As `repeated_keys`. `around` are the nodes that hold this one: an alias may hold itself."""
    if node is None or id(node) in around:
        return
    inside = around | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            yield from _repeated(entry, (*place, str(number)), inside)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            here = (*place, str(key.value))
            if here[-1] in first:
                yield ".".join(here), first[here[-1]], line
            first.setdefault(here[-1], line)
            yield from _repeated(value, here, inside)
