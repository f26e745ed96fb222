"""What a recipe can be put together from, for people to choose from; nothing here imports torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from pydantic import BaseModel

from areoseg.losses.terms import REPORT_TERMS
from areoseg.losses.terms import TERMS
from areoseg.losses.terms import WEIGHT_SCHEMES
from areoseg.recipes.optimizers import OPTIMIZER_SETTINGS
from areoseg.recipes.schedules import SCHEDULE_SETTINGS
from areoseg.transforms.policies import POLICIES
from areoseg.transforms.registry import order_of_application


@dataclass(frozen=True)
class Part:
    """One thing that a recipe can choose.

    Attributes:
        name: What a recipe calls it.
        summary: One line on what it is.
        options: Its values with their defaults.
    """

    name: str
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """What there is to choose from in one place of a recipe.

    Attributes:
        place: The section of a recipe.
        example: How a recipe chooses.
        parts: What there is.
    """

    place: str
    example: str
    parts: tuple[Part, ...]


def choices() -> tuple[Choice, ...]:
    """All that a recipe can choose by name, but for models."""
    policies = (
        Part(name, policy.summary, {"original": policy.original})
        for name, policy in POLICIES.items()
    )
    transforms = (
        Part(transform.name, transform.summary, transform.defaults)
        for transform in order_of_application()
    )
    return (
        Choice(
            "loss",
            "loss: report",
            (Part("report", "the five terms of the homework report's text", REPORT_TERMS),),
        ),
        Choice("loss.TERM", "loss: {ce: 1.0, dice: 0.5}", _by_schema(TERMS)),
        Choice(
            "class_weights",
            "class_weights: {scheme: inverse, cap: 10}",
            tuple(Part(name, summary) for name, summary in WEIGHT_SCHEMES.items()),
        ),
        Choice("optimizer", "optimizer: {name: sgd, lr: 0.1}", _by_schema(OPTIMIZER_SETTINGS)),
        Choice("schedule", "schedule: {name: cosine, end: 0.1}", _by_schema(SCHEDULE_SETTINGS)),
        Choice("augment", "augment: mild", tuple(policies)),
        Choice(
            "augment.TRANSFORM",
            "augment: {policy: mild, gamma: {probability: 0.3}}",
            tuple(transforms),
        ),
    )


def _by_schema(kinds: Mapping[str, Any]) -> tuple[Part, ...]:
    """Parts whose schema has a summary."""
    return tuple(Part(name, kind.summary, _defaults(kind)) for name, kind in kinds.items())


def _defaults(kind: type[BaseModel]) -> dict[str, Any]:
    """The values of a schema with their defaults, as YAML would have them."""
    return {
        name: list(info.default) if isinstance(info.default, tuple) else info.default
        for name, info in kind.model_fields.items()
        if name != "name"
    }
