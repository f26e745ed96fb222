"""Sections that a bare word stands for, such as `optimizer: lion` or `loss: report`."""

from collections.abc import Mapping
from typing import Any

from areoseg.losses.terms import NAMED_LOSSES
from areoseg.recipes.optimizers import AdamW
from areoseg.recipes.schedules import Cosine

SHORT_FORMS = {
    "model": "name",
    "split": "strategy",
    "class_weights": "scheme",
    "augment": "policy",
    "optimizer": "name",
    "schedule": "name",
}
"""The value that a bare word stands for, by section. It names the kind of the section."""

DEFAULT_NAMES = {"optimizer": AdamW().name, "schedule": Cosine().name}
"""The name that a section has where the recipe says none."""


def expand_short_form(name: str, value: Any, *, within: str = "") -> Any:
    """What a value stands for where it is written as a bare word or weight; others as they are.

    `model: unet` is `model: {name: unet}`, by `SHORT_FORMS`; `loss: dice` is `loss: {dice: 1.0}`;
    and in a loss `dice: 1.0` is `dice: {weight: 1.0}`.

    Args:
        name: What the value is called.
        value: As a recipe has it.
        within: The section that it is in, or nothing.
    """
    if within == "loss" and isinstance(value, int | float):
        return {"weight": value}
    if not isinstance(value, str):
        return value
    if name == "loss":
        return NAMED_LOSSES.get(value, value)
    return {SHORT_FORMS[name]: value} if name in SHORT_FORMS else value


def expand_short_forms(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections with those that are a bare word written out; see `expand_short_form`."""
    return {name: expand_short_form(name, value) for name, value in sections.items()}


def fill_in_names(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections with the default optimizer and schedule named where they have no name."""
    return {
        name: {"name": DEFAULT_NAMES[name], **value}
        if name in DEFAULT_NAMES and isinstance(value, dict)
        else value
        for name, value in sections.items()
    }
