"""Sections that a bare word stands for, such as `optimizer: lion`."""

from collections.abc import Mapping
from typing import Any

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


def expand_short_forms(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections with `model: unet` written as `model: {name: unet}`; see `SHORT_FORMS`."""
    return {
        name: {SHORT_FORMS[name]: value}
        if name in SHORT_FORMS and isinstance(value, str)
        else value
        for name, value in sections.items()
    }


def fill_in_names(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections with the default optimiser and schedule named where they have no name."""
    return {
        name: {"name": DEFAULT_NAMES[name], **value}
        if name in DEFAULT_NAMES and isinstance(value, dict)
        else value
        for name, value in sections.items()
    }
