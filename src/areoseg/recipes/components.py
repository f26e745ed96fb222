"""The components that a recipe can combine: losses, optimizers, schedules and augmentation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from areoseg.losses import LOSS_PRESETS, LOSSES
from areoseg.losses.class_weights import WEIGHT_SCHEMES
from areoseg.optim import OPTIMIZERS, SCHEDULES
from areoseg.transforms.policies import POLICIES
from areoseg.transforms.registry import order_of_application


@dataclass(frozen=True)
class Entry:
    """A component that a recipe can use.

    Attributes:
        name: The name that recipes use.
        summary: One line that describes it.
        options: The component's options with their defaults.
    """

    name: str
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ComponentList:
    """The components available in one section of a recipe.

    Attributes:
        place: The section of a recipe, or `loss.TERM` and `augment.TRANSFORM`.
        example: Example of their use in a recipe.
        entries: The components.
    """

    place: str
    example: str
    entries: tuple[Entry, ...]


def components() -> tuple[ComponentList, ...]:
    """List everything that a recipe can choose by name, except models."""
    return (
        ComponentList(
            "loss",
            "loss: backpropagators",
            tuple(
                Entry(name, "a whole loss of several terms", terms)
                for name, terms in LOSS_PRESETS.items()
            ),
        ),
        ComponentList("loss.TERM", "loss: {ce: 1.0, dice: 0.5}", _entries(LOSSES.values())),
        ComponentList(
            "class_weights",
            "class_weights: {scheme: inverse, cap: 10}",
            tuple(Entry(name, summary) for name, summary in WEIGHT_SCHEMES.items()),
        ),
        ComponentList(
            "optimizer", "optimizer: {name: sgd, lr: 0.1}", _entries(OPTIMIZERS.values())
        ),
        ComponentList(
            "schedule", "schedule: {name: cosine, end: 0.1}", _entries(SCHEDULES.values())
        ),
        ComponentList(
            "augment",
            "augment: mild",
            tuple(
                Entry(name, policy.summary, {"original": policy.original})
                for name, policy in POLICIES.items()
            ),
        ),
        ComponentList(
            "augment.TRANSFORM",
            "augment: {policy: mild, gamma: {probability: 0.3}}",
            _entries(order_of_application()),
        ),
    )


def _entries(records: Iterable[Any]) -> tuple[Entry, ...]:
    """Return the entries of the components of a registry."""
    return tuple(
        Entry(
            record.name,
            record.summary,
            {  # as YAML has them
                name: list(value) if isinstance(value, tuple) else value
                for name, value in record.defaults.items()
            },
        )
        for record in records
    )
