"""The models by name: register, list and build them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.errors import one_line
from areoseg.utils.plugins import load_entry_points


@dataclass(frozen=True)
class ModelRecord:
    """What the registry knows of a model.

    Attributes:
        name: What a recipe calls it.
        build: Makes the network; takes `in_channels`, `classes` and the model's own options, all
            keyword-only.
        summary: One line on what it is.
        paper: Where it comes from.
    """

    name: str
    build: Callable[..., nn.Module]
    summary: str
    paper: str

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the model's own options."""
        return tuple(
            name
            for name in inspect.signature(self.build).parameters
            if name not in ("in_channels", "classes")
        )


_records: dict[str, ModelRecord] = {}


def register(
    name: str, *, summary: str, paper: str
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Enter a model class, or a function that builds one, into the registry."""

    def enter(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        other = _records.get(name)
        # A cell or a file that runs again may register its own model again.
        if other is not None and other.build.__module__ != build.__module__:
            raise ValueError(f"two models are called {name!r}")
        _records[name] = ModelRecord(name=name, build=build, summary=summary, paper=paper)
        return build

    return enter


def records() -> tuple[ModelRecord, ...]:
    """All registered models, in order of registration; installed plugins are loaded first."""
    load_entry_points()
    return tuple(_records.values())


def record(name: str) -> ModelRecord:
    """The model called `name`.

    Raises:
        AreosegError: There is none; the message names the nearest.
    """
    if name not in _records:
        load_entry_points()
    if name not in _records:
        hint = did_you_mean(name, _records, otherwise="`areoseg models` lists them")
        raise AreosegError(f"there is no model {name!r}: {hint}")
    return _records[name]


def create_model(name: str, *, in_channels: int = 1, classes: int = 5, **options: Any) -> nn.Module:
    """Build a registered model with fresh weights.

    Args:
        name: A registered name, such as `"unet-l"`.
        in_channels: Channels of the input image.
        classes: Channels of the logits.
        **options: The model's own options; `record(name).options` lists them.

    Raises:
        AreosegError: No such model, an option that it does not have, or a value that does not fit.
    """
    chosen = record(name)
    for option in options:
        if option not in chosen.options:
            hint = did_you_mean(option, chosen.options)
            raise AreosegError(f"model {name!r} has no option {option!r}: {hint}")
    try:
        return chosen.build(in_channels=in_channels, classes=classes, **options)
    except (TypeError, ValueError, ArithmeticError, RuntimeError, IndexError) as error:
        given = ", ".join(f"{option}={value!r}" for option, value in options.items())
        raise AreosegError(
            f"model {name!r} cannot be built with {given}: {one_line(error)}"
        ) from error
