"""Options: validated values with ranges and defaults, and errors that name the invalid option."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from areoseg.errors import did_you_mean

Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]
"""The decay of a moving average: the weight of the old value."""
Count = Annotated[int, Field(gt=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]

Location = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


class Options(BaseModel):
    """Base class of options: immutable; unknown names are errors that suggest a known one."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _suggest_names(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            names = [field.alias or name for name, field in cls.model_fields.items()]
            raise located_error(
                (detail["loc"], _suggested(detail, names), detail["type"], detail["input"])
                for detail in error.errors()
            ) from None


def _suggested(detail: ErrorDetails, names: list[str]) -> str:
    """Return the message of an error, with a suggestion if the name of an option is unknown."""
    if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
        return f"no such value: {did_you_mean(str(detail['loc'][0]), names)}"
    return error_message(detail)


def error_message(detail: ErrorDetails) -> str:
    """Return the message of one pydantic error, without pydantic's own prefixes."""
    if detail["type"] == "missing":
        return "missing: it has no default"
    if detail["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "input should be a mapping of values by their names"
    return detail["msg"].removeprefix("Value error, ")


def located_error(errors: Iterable[tuple[Location, str, str, Any]]) -> ValidationError:
    """Combine several errors in a `ValidationError`; raised in a validator, it merges with others.

    Args:
        errors: Location, message, pydantic's error type, and invalid input of each error.
    """
    return ValidationError.from_exception_data(
        "options",
        [
            InitErrorDetails(
                type=PydanticCustomError(kind, "{message}", {"message": message}),
                loc=location,
                input=value,
            )
            for location, message, kind, value in errors
        ],
    )


def check_values(errors: Mapping[Location, str]) -> None:
    """Raise the given errors by location of the invalid value; do nothing if there are none."""
    if errors:
        raise located_error(
            (location, message, "value_error", {}) for location, message in errors.items()
        )


def validate_items(
    values: Mapping[str, Any], validate: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """Validate each item of a mapping and collect the errors of all of them.

    Args:
        values: Values by name.
        validate: Returns the validated value for a name, or raises a `ValidationError` or a
            `ValueError`.

    Raises:
        ValidationError: At least one item is invalid.
    """
    valid: dict[str, Any] = {}
    errors: list[tuple[Location, str, str, Any]] = []
    for name, value in values.items():
        try:
            valid[name] = validate(name, value)
        except ValidationError as error:
            errors += [
                ((name, *detail["loc"]), error_message(detail), detail["type"], detail["input"])
                for detail in error.errors()
            ]
        except ValueError as error:
            errors.append(((name,), str(error), "value_error", {}))
    if errors:
        raise located_error(errors)
    return valid
