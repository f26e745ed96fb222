"""The models by name: register, list and build them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.utils.plugins import load_entry_points

T = TypeVar("T")

FROM_DATA = ("classes", "in_channels", "gate_class")
"""Options of a model that follow from the data."""


@dataclass(frozen=True)
class ModelRecord:
    """A registered model.

    Attributes:
        name: Name in recipes and on the command line.
        build: Builds the network; accepts `in_channels`, `classes` and the model's own options,
            all keyword-only.
        summary: Description of at most 60 characters, so that tables fit a terminal.
        paper: Source of the model.
    """

    name: str
    build: Callable[..., nn.Module]
    summary: str
    paper: str

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the model's own options."""
        return tuple(
            name for name in inspect.signature(self.build).parameters if name not in FROM_DATA
        )


_records: dict[str, ModelRecord] = {}


def register(
    name: str, *, summary: str, paper: str
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Register a model class, or a function that builds a model.

    Args:
        name: The name in recipes and on the command line.
        summary: Description of at most 60 characters, so that tables fit a terminal.
        paper: Source of the model: authors, year, title or journal, arXiv number.

    Raises:
        ValueError: Another module has registered a model with this name.

    Example::

        @register("linear", summary="One 1x1 convolution", paper="none")
        def linear(*, in_channels: int = 1, classes: int = 5) -> nn.Module:
            return nn.Conv2d(in_channels, classes, 1)
    """

    def enter(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        other = _records.get(name)
        # A cell or a file that runs again may register its own model again.
        if other is not None and other.build.__module__ != build.__module__:
            raise ValueError(f"two models are called {name!r}")
        _records[name] = ModelRecord(name=name, build=build, summary=summary, paper=paper)
        return build

    return enter


def records() -> tuple[ModelRecord, ...]:
    """List all registered models, in order of registration; loads installed plugins first."""
    load_entry_points()
    return tuple(_records.values())


def record(name: str) -> ModelRecord:
    """Return the record of the model called `name`.

    Raises:
        AreosegError: There is none; the message suggests the closest name.
    """
    if name not in _records:
        load_entry_points()
    if name not in _records:
        hint = did_you_mean(name, _records, otherwise="`areoseg models` lists them")
        raise AreosegError(f"there is no model {name!r}: {hint}")
    return _records[name]


def create_model(name: str, *, in_channels: int = 1, classes: int = 5, **options: Any) -> nn.Module:
    """Build a registered model with newly initialized weights.

    Args:
        name: A registered name, for example `"unet-l"`.
        in_channels: Channels of the input image.
        classes: Channels of the logits.
        **options: The model's own options; `record(name).options` lists them.

    Raises:
        AreosegError: There is no such model or option, or a value is invalid.

    Examples:
        >>> model = create_model("unet", widths=(16, 32, 64))
        >>> model.size_divisor
        4
    """
    model = record(name)
    for option in options:
        if option not in (*model.options, *FROM_DATA):
            hint = did_you_mean(option, model.options)
            raise AreosegError(f"model {name!r} has no option {option!r}: {hint}")
    try:
        return model.build(in_channels=in_channels, classes=classes, **options)
    except (TypeError, ValueError, ArithmeticError, RuntimeError, IndexError) as error:
        given = ", ".join(f"{option}={value!r}" for option, value in options.items())
        raise AreosegError(
            f"model {name!r} cannot be built with {given}: {one_line(error)}"
        ) from error


def choose_variant(model: str, variants: Mapping[str, T], variant: str) -> T:
    """Return the entry of `variants` called `variant`, for models with an option of that name.

    Raises:
        AreosegError: There is none; the message lists those that exist.
    """
    if variant not in variants:
        raise AreosegError(
            f"model {model!r} has no variant {variant!r}: choose from {', '.join(variants)}"
        )
    return variants[variant]
