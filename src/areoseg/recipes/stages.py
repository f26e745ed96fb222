"""Stages: parts of a training that change single sections of its recipe.

```yaml
augment: mild
optimizer: {name: adamw, lr: 1.0e-3}
stages:
  - epochs: 40
  - epochs: 8
    augment: rigid
    optimizer: {lr: 1.0e-4}  # still AdamW
```

Everything that trains takes a plain recipe; `stage_recipes` gives the one of each stage.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from pydantic import BaseModel

from areoseg.recipes.short_forms import SHORT_FORMS
from areoseg.recipes.short_forms import expand_short_forms

if TYPE_CHECKING:
    from areoseg.recipes.schema import Recipe


def stage_recipes(recipe: "Recipe") -> tuple["Recipe", ...]:
    """The recipe of each stage, with the epochs of that stage; itself where it has no stages."""
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
    stage: Mapping[str, Any], own: Mapping[str, BaseModel], faulty: Mapping[str, BaseModel]
) -> dict[str, Any]:
    """A stage as a recipe writes it, with what it leaves open taken from the recipe.

    Args:
        stage: What the recipe says of the stage, unchecked.
        own: The recipe's own sections, of those that a stage may change.
        faulty: What stands in for those that are wrong in the recipe. What a stage changes in them
            cannot be checked, unless the stage's section stands for itself.
    """
    given = expand_short_forms(stage)
    sections = {
        name: _complete(name, given.get(name, {}), section) for name, section in own.items()
    }
    spared = {
        name: section
        for name, section in faulty.items()
        if not _stands_for_itself(name, given.get(name, {}))
    }
    return {**given, **sections, **spared}


def _complete(name: str, given: Any, own: BaseModel) -> Any:
    """One section of a stage."""
    if given == {}:
        return own
    return given if _stands_for_itself(name, given) else _merged(own.model_dump(), given)


def _stands_for_itself(name: str, given: Any) -> bool:
    """Whether a stage's section changes nothing of the recipe's, but takes its place.

    What names its kind does, and so does a loss.
    """
    if given == {}:
        return False
    return name == "loss" or not isinstance(given, Mapping) or SHORT_FORMS.get(name) in given


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes worked in, also within values that are mappings."""
    both = {
        name: _merged(values[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and isinstance(values.get(name), Mapping)
    }
    return {**values, **changes, **both}
