"""From scenes to what a training needs: audited, split, measured and turned into tensors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Audit
from areoseg.data.scenes import SceneSet
from areoseg.data.split import PARTS, Split, class_pixels
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe, stage_recipes
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors
from areoseg.training.division import divide
from areoseg.training.pseudo import PseudoLabelled
from areoseg.training.stage_data import StageData, stage_data


@dataclass(frozen=True)
class Preparation:
    """The data of one training.

    Attributes:
        audit: What the audit found, or None where the recipe leaves it out.
        split: Indices of the scenes in each part, rejected and dropped ones in none.
        dropped: How many scenes are not trained on because they are mostly background.
        notes: What a user should hear of the split, a line each.
        scenes: All labelled scenes, which the split's indices count.
        stages: What each stage trains on.
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
    stages: tuple[StageData, ...]
    validation: Tensors
    pixels: NDArray[np.int64]
    mean: float
    deviation: float

    @property
    def pass_steps(self) -> int:
        """Steps of one pass over the training scenes, by the first stage."""
        return self.stages[0].batches.steps_per_pass

    def names(self) -> dict[str, list[str]]:
        """The names of the scenes in each part of the split."""
        return {part: [self.scenes.names[i] for i in self.split.part(part)] for part in PARTS}


def prepare(
    recipe: Recipe,
    scenes: SceneSet,
    taxonomy: Taxonomy,
    *,
    audit: Audit | None = None,
    pseudo: PseudoLabelled | None = None,
) -> Preparation:
    """Audit, split and measure labelled scenes by a recipe.

    Args:
        recipe: What is to be trained.
        scenes: Labelled scenes of one size.
        taxonomy: The classes.
        audit: What `rejecting_audit` found in these scenes, or what a person decided; None: it is
            done now, if the recipe asks for it.
        pseudo: Pseudo-labelled scenes to train on besides. They only enter the batches: split,
            class weights and brightness are those of the labelled scenes.

    Raises:
        AreosegError: Nothing to train on, scenes of different sizes, or an impossible split.
    """
    division = divide(recipe, scenes, taxonomy, audit=audit)
    if not division.split.val:
        raise AreosegError("no scenes to validate on: raise split.val")
    if recipe.calibration and len(division.split.val) < 2:
        raise AreosegError("one scene to validate on, but calibration takes two: raise split.val")

    training = scenes.select(division.split.train)
    tensors = Tensors.of(training)
    pixels = class_pixels(training, taxonomy)
    images = tensors.images.numpy()
    unit = 255.0 if images.dtype == np.uint8 else 1.0
    return Preparation(
        audit=division.audit,
        split=division.split,
        dropped=division.dropped,
        notes=division.notes,
        scenes=scenes,
        stages=stage_data(
            stage_recipes(recipe),
            tensors,
            pixels,
            taxonomy,
            pseudo=None if pseudo is None else pseudo.tensors(like=tensors),
            labelled_share=1.0 if pseudo is None else pseudo.labelled_share,
        ),
        validation=Tensors.of(scenes.select(division.split.val)),
        pixels=pixels,
        mean=float(images.mean(dtype=np.float64) / unit),
        deviation=float(images.std(dtype=np.float64) / unit),
    )
