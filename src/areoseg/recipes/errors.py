"""What pydantic finds wrong with a YAML file, as one line an error with its place in the file."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import get_args

import yaml
from pydantic import BaseModel
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core import InitErrorDetails
from pydantic_core import PydanticCustomError

from areoseg.errors import did_you_mean

Place = Sequence[str | int]
"""The way to a value: keys of mappings, and positions in lists."""


def describe_error(
    detail: ErrorDetails,
    schema: type[BaseModel],
    source: str,
    node: yaml.Node | None,
    overrides: Sequence[str] = (),
) -> str:
    """One line: where the error is, what it is, and what would be right.

    Args:
        detail: One of a validation error's.
        schema: What the file was checked against.
        source: What the file is called.
        node: The file's content with its line numbers.
        overrides: The `key=value` pairs that changed the content before it was checked.
    """
    place, _ = _follow(schema, detail["loc"])
    if detail["type"] == "union_tag_invalid":
        place.append(detail["ctx"]["discriminator"].strip("'"))
    dotted = ".".join(str(part) for part in place)
    keys = [override.partition("=")[0] for override in overrides]
    # An override may hold the place, as a list its third value, or lie within it.
    if any(f"{dotted}.".startswith(f"{key}.") or key.startswith(f"{dotted}.") for key in keys):
        where = f"override {dotted}"
    else:
        where = f"{source}:{line_of(node, place)}: {dotted or 'the whole'}"
    if detail["msg"].startswith("no such value: "):  # the options suggest a name themselves
        return f"{where}: {detail['msg']}"
    if detail["type"] == "extra_forbidden":
        _, known = _follow(schema, detail["loc"][:-1])
        return f"{where}: no such value: {did_you_mean(str(place[-1]), known)}"
    if detail["type"] == "union_tag_invalid":
        tag, expected = detail["ctx"]["tag"], detail["ctx"]["expected_tags"]
        known_tags = [each.strip("'") for each in expected.split(", ")]
        return f"{where}: no such {place[-2]} as {tag!r}: {did_you_mean(tag, known_tags)}"
    if detail["type"] == "missing":
        return f"{where}: missing: it has no default"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] in ("model_type", "model_attributes_type"):
        message = "input should be a mapping of values by their names"
    given = "" if isinstance(detail["input"], (dict, Mapping)) else f" (got {detail['input']!r})"
    return f"{where}: {message[0].lower()}{message[1:]}{given}"


def check_values(errors: Mapping[tuple[str | int, ...], str]) -> None:
    """Within a validator of pydantic: refuse values inside the one that it validates.

    Args:
        errors: What is wrong, by the place inside; where there is nothing, nothing is refused.
    """
    if errors:
        raise ValidationError.from_exception_data(
            "recipe",
            [
                InitErrorDetails(
                    type=PydanticCustomError("refused", "{message}", {"message": message}),
                    loc=place,
                    input={},  # which is not told
                )
                for place, message in errors.items()
            ],
        )


def line_of(node: yaml.Node | None, place: Place) -> int:
    """The line of the deepest part of `place` that the file has, from 1."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if str(part) not in pairs:
                break
            key, node = pairs[str(part)]
            line = key.start_mark.line + 1
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _follow(schema: Any, place: Place) -> tuple[list[str | int], dict[str, FieldInfo]]:
    """The place in the file, and the fields of the section there by the names in the file.

    Where the name in a section chooses its kind, pydantic puts that name into the place, and the
    file does not.
    """
    in_file: list[str | int] = []
    fields, kinds = _fields(schema), None
    for part in place:
        if kinds is not None:
            fields, kinds = _fields(kinds, named=str(part)), None
            continue
        in_file.append(part)
        if isinstance(part, str):  # a position in a list leads to no other fields
            field = fields.get(part)
            fields = _fields(field.annotation) if field else {}
            kinds = field.annotation if field and field.discriminator else None
    return in_file, fields


def _fields(kind: Any, named: str | None = None) -> dict[str, FieldInfo]:
    """The fields of the first section in a type, such as `Section | None` or a list of them.

    Args:
        kind: The type.
        named: Only a section of this name will do.
    """
    for each in _types_in(kind):
        if isinstance(each, type) and issubclass(each, BaseModel):
            fields = each.model_fields
            if named is None or fields["name"].default == named:
                return {field.alias or name: field for name, field in fields.items()}
    return {}


def _types_in(kind: Any) -> Iterator[Any]:
    yield kind
    for argument in get_args(kind):
        yield from _types_in(argument)
