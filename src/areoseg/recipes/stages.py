"""Stages: successive parts of a training, each of which changes some sections of the recipe.

```yaml
augment: mild
optimizer: {name: adamw, lr: 1.0e-3}
stages:
  - epochs: 40
  - epochs: 8
    augment: rigid
    optimizer: {lr: 1.0e-4}  # still AdamW
```

Training code uses one plain recipe per stage, returned by `stage_recipes`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from areoseg.losses import LOSS_PRESETS, LOSSES

if TYPE_CHECKING:
    from areoseg.recipes.schema import Recipe

SHORT_FORMS = {
    "model": "name",
    "split": "strategy",
    "class_weights": "scheme",
    "augment": "policy",
    "optimizer": "name",
    "schedule": "name",
}
"""The key that a bare word sets, by section; a section with this key is complete."""


def expand_short_form(name: str, value: Any, *, within: str = "") -> Any:
    """Expand a value that is a bare word or weight; return other values unchanged.

    `model: unet` is `model: {name: unet}`, by `SHORT_FORMS`; `loss: dice` is `loss: {dice: 1.0}`;
    and in a loss `dice: 1.0` is `dice: {weight: 1.0}`.

    Args:
        name: The name of the value.
        value: The value as the recipe has it.
        within: The section that contains the value, or an empty string.
    """
    if within == "loss" and isinstance(value, int | float):
        return {"weight": value}
    if not isinstance(value, str):
        return value
    if name == "loss":
        return LOSS_PRESETS.get(value, {value: 1.0}) if value in {*LOSS_PRESETS, *LOSSES} else value
    return {SHORT_FORMS[name]: value} if name in SHORT_FORMS else value


def stage_recipes(recipe: "Recipe") -> tuple["Recipe", ...]:
    """Return the recipe of each stage, with its epochs; without stages the recipe itself."""
    if not recipe.stages:
        return (recipe,)
    return tuple(
        recipe.model_copy(
            update={
                **{name: section for name, section in stage if name != "epochs"},
                "training": recipe.training.model_copy(update={"epochs": stage.epochs}),
                "stages": (),
            }
        )
        for stage in recipe.stages
    )


def complete_stage(
    stage: Mapping[str, Any], own: Mapping[str, BaseModel], invalid: Mapping[str, BaseModel]
) -> dict[str, Any]:
    """Fill in the values that a stage does not set from the recipe.

    Args:
        stage: The unvalidated stage from the recipe.
        own: The recipe's own sections that a stage may change.
        invalid: Substitutes for sections that are invalid in the recipe. Changes to them cannot be
            validated, unless the stage's section is complete.
    """
    given = {name: expand_short_form(name, value) for name, value in stage.items()}
    sections = {
        name: _complete(name, given.get(name, {}), section) for name, section in own.items()
    }
    substitutes = {
        name: section
        for name, section in invalid.items()
        if not _is_complete(name, given.get(name, {}))
    }
    return {**given, **sections, **substitutes}


def _complete(name: str, given: Any, own: BaseModel) -> Any:
    """Complete one section of a stage."""
    if given == {}:
        return own
    return given if _is_complete(name, given) else _merged(own.model_dump(), given)


def _is_complete(name: str, given: Any) -> bool:
    """Return whether a stage's section replaces the recipe's: any loss, or a named component."""
    if given == {}:
        return False
    return name == "loss" or not isinstance(given, Mapping) or SHORT_FORMS.get(name) in given


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge changes into values, recursively."""
    both = {
        name: _merged(values[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and isinstance(values.get(name), Mapping)
    }
    return {**values, **changes, **both}
