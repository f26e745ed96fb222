"""From scenes to what a training needs: audited, split, measured and turned into tensors."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Audit
from areoseg.data.augmentation.build import build_augmentation
from areoseg.data.augmentation.rare_objects import rare_object_bank
from areoseg.data.scenes import SceneSet
from areoseg.data.split import PARTS, Split, class_pixels, rarest_class
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors, TrainingBatches
from areoseg.training.division import divide


@dataclass(frozen=True)
class Preparation:
    """The data of one training.

    Attributes:
        audit: What the audit found, or None where the recipe leaves it out.
        split: Indices of the scenes in each part, rejected and dropped ones in none.
        dropped: How many scenes are not trained on because they are mostly background.
        notes: What a user should hear of the split, a line each.
        scenes: All labelled scenes, which the split's indices count.
        batches: The batch of every training step.
        validation: The validation scenes.
        pixels: (N, C) pixels of each class in each training scene.
        mean: Mean of the training images, in 0..1.
        deviation: Standard deviation of the training images.
    """

    audit: Audit | None
    split: Split
    dropped: int
    notes: tuple[str, ...]
    scenes: SceneSet
    batches: TrainingBatches
    validation: Tensors
    pixels: NDArray[np.int64]
    mean: float
    deviation: float

    def names(self) -> dict[str, list[str]]:
        """The names of the scenes in each part of the split."""
        return {part: [self.scenes.names[i] for i in self.split.part(part)] for part in PARTS}


def prepare(
    recipe: Recipe, scenes: SceneSet, taxonomy: Taxonomy, *, audit: Audit | None = None
) -> Preparation:
    """Audit, split and measure labelled scenes by a recipe.

    Args:
        recipe: What is to be trained.
        scenes: Labelled scenes of one size.
        taxonomy: The classes.
        audit: What `rejecting_audit` found in these scenes; None: it is done now, if the recipe
            asks for it.

    Raises:
        AreosegError: Nothing to train on, scenes of different sizes, or an impossible split.
    """
    division = divide(recipe, scenes, taxonomy, audit=audit)
    if not division.split.val:
        raise AreosegError("no scenes to validate on: raise split.val")

    training = scenes.select(division.split.train)
    tensors = Tensors.of(training)
    pixels = class_pixels(training, taxonomy)
    rare_class = rarest_class(pixels, taxonomy)
    images = tensors.images.numpy()
    unit = 255.0 if images.dtype == np.uint8 else 1.0
    augment = recipe.augment
    bank = (
        rare_object_bank(images, tensors.masks.numpy(), rare_class)
        if augment.needs_rare_bank
        else None
    )
    return Preparation(
        audit=division.audit,
        split=division.split,
        dropped=division.dropped,
        notes=division.notes,
        scenes=scenes,
        batches=TrainingBatches(
            tensors,
            batch_size=recipe.training.batch_size * recipe.optimizer.accumulate,
            seed=recipe.training.seed,
            augmentation=build_augmentation(augment, rare_bank=bank),
            void=taxonomy.background if recipe.data.background == "void" else None,
            rare=np.flatnonzero(pixels[:, rare_class]),
            rare_share=recipe.data.rare_share,
        ),
        validation=Tensors.of(scenes.select(division.split.val)),
        pixels=pixels,
        mean=float(images.mean(dtype=np.float64) / unit),
        deviation=float(images.std(dtype=np.float64) / unit),
    )


def fingerprint(scenes: SceneSet) -> str:
    """A hash of all names, images and masks, to tell whether two data sets are the same."""
    digest = hashlib.blake2b(digest_size=16)
    for index in range(len(scenes)):
        scene = scenes[index]
        digest.update(scene.name.encode())
        digest.update(scene.image.tobytes())
        if scene.mask is not None:
            digest.update(scene.mask.tobytes())
    return digest.hexdigest()
