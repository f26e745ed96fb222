"""What the stages of a training draw their batches from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.data.split import rarest_class
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors
from areoseg.training.batches import TrainingBatches
from areoseg.training.division import not_over_background
from areoseg.transforms.compose import build_augmentation
from areoseg.transforms.paste import RareBank
from areoseg.transforms.paste import rare_object_bank


@dataclass(frozen=True)
class StageData:
    """The data of one stage.

    Attributes:
        recipe: The recipe of this stage alone.
        batches: The batch of every training step.
        pixels: (N, C) pixels of each class in each sample that the stage trains on.
    """

    recipe: Recipe
    batches: TrainingBatches
    pixels: NDArray[np.int64]

    @property
    def steps(self) -> int:
        """Training steps of the stage's epochs."""
        return self.recipe.training.epochs * self.batches.steps_per_pass


def stage_data(
    recipes: Sequence[Recipe],
    tensors: Tensors,
    pixels: NDArray[np.int64],
    taxonomy: Taxonomy,
    *,
    pseudo: Tensors | None = None,
    labeled_share: float = 1.0,
) -> tuple[StageData, ...]:
    """The data of each stage.

    Args:
        recipes: The recipe of each stage.
        tensors: The samples of the training part.
        pixels: (N, C) pixels of each class in each of them.
        taxonomy: The classes.
        pseudo: Samples with pseudo-labels that are trained on besides, or None.
        labeled_share: Share of each batch drawn from the training part.

    Raises:
        AreosegError: A stage asks for what its samples do not have; one line for each such error.
    """
    rare_class = rarest_class(pixels, taxonomy)
    stages, errors = [], []
    for number, recipe in enumerate(recipes):
        usable = not_over_background(pixels, recipe.data.max_background, taxonomy)
        kept = tensors if usable.all() else tensors.select(np.flatnonzero(usable))
        rare = np.flatnonzero(pixels[usable, rare_class])
        bank = _rare_bank(recipe, kept)
        missing = _missing(recipe, pixels[usable], len(rare), bank, taxonomy)
        if missing:
            place = f"stages.{number}." if len(recipes) > 1 else ""
            errors += [f"{place}{each}" for each in missing]
            continue
        batches = TrainingBatches(
            kept,
            batch_size=recipe.training.batch_size * recipe.optimizer.accumulate,
            seed=recipe.training.seed,
            augmentation=build_augmentation(recipe.augment, rare_bank=bank),
            void=taxonomy.background if recipe.data.background == "void" else None,
            rare=rare,
            rare_share=recipe.data.oversample_rare,
            pseudo=pseudo,
            labeled_share=labeled_share,
        )
        stages.append(StageData(recipe, batches, pixels[usable]))
    if errors:
        raise AreosegError("\n".join(errors))
    return tuple(stages)


def _rare_bank(recipe: Recipe, tensors: Tensors) -> RareBank | None:
    """The objects that the recipe's augmentation pastes, cut from the samples trained on."""
    if not recipe.augment.needs_rare_bank:
        return None
    images, masks = tensors.images.numpy(), tensors.masks.numpy()
    return rare_object_bank(images, masks, recipe.augment.rare_class)


def _missing(
    recipe: Recipe,
    pixels: NDArray[np.int64],
    rare_samples: int,
    bank: RareBank | None,
    taxonomy: Taxonomy,
) -> list[str]:
    """What a recipe asks for and its samples (N, C) do not have, a line each."""
    samples, augment = len(pixels), recipe.augment
    if not samples:
        return [
            f"data.max_background={recipe.data.max_background} leaves no sample to"
            " train on: raise it"
        ]
    lines = []
    if recipe.data.oversample_rare and not rare_samples:
        lines.append(
            f"data.oversample_rare={recipe.data.oversample_rare}: none of {samples} training"
            " samples holds the rarest class: set it to 0"
        )
    if not {"rare_paste", "rare_cutmix"} & augment.transforms.keys():
        return lines
    rare_class = augment.rare_class
    if rare_class >= len(taxonomy):
        lines.append(f"augment.rare_class={rare_class}: classes are 0 to {len(taxonomy) - 1}")
        return lines
    name = taxonomy.names[rare_class]
    if bank is not None and not len(bank):
        lines.append(
            f"augment.rare_paste: the masks of {samples} training samples have no {name} (class"
            f" {rare_class}) large enough to paste: set it to null, or set augment.rare_class"
        )
    if "rare_cutmix" in augment.transforms and not pixels[:, rare_class].any():
        lines.append(
            f"augment.rare_cutmix: the masks of {samples} training samples have no {name} (class"
            f" {rare_class}): set it to null, or set augment.rare_class"
        )
    return lines
