"""From scenes to what a training needs: audited, split, measured and turned into tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Audit
from areoseg.calibration.pixels import scene_units
from areoseg.data.scenes import SceneSet
from areoseg.data.split import PARTS, Split, class_pixels
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe, stage_recipes
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors
from areoseg.training.division import divide
from areoseg.training.pseudo_labels import unseen_scenes
from areoseg.training.pseudo_scenes import PseudoScenes
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
        unlabelled: The unlabelled scenes that the training may label; empty where it uses none.
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
    unlabelled: SceneSet
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
    unlabelled: SceneSet | None = None,
    audit: Audit | None = None,
    pseudo: PseudoScenes | None = None,
) -> Preparation:
    """Audit, split and measure labelled scenes by a recipe.

    Args:
        recipe: What is to be trained.
        scenes: Labelled scenes of one size.
        taxonomy: The classes.
        unlabelled: Unlabelled scenes of the same data, or None.
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
    _refuse_unlabelled_validation(recipe, scenes.select(division.split.val), taxonomy)

    training = scenes.select(division.split.train)
    tensors = Tensors.of(training)
    pixels = class_pixels(training, taxonomy)
    images = tensors.images.numpy()
    unit = 255.0 if images.dtype == np.uint8 else 1.0
    held_back = [scenes.names[i] for part in ("val", "test") for i in division.split.part(part)]
    usable, unused = _usable(recipe, unlabelled, scenes, held_back, given=pseudo is not None)
    return Preparation(
        audit=division.audit,
        split=division.split,
        dropped=division.dropped,
        notes=(*division.notes, *unused),
        scenes=scenes,
        unlabelled=usable,
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


def _refuse_unlabelled_validation(recipe: Recipe, validation: SceneSet, taxonomy: Taxonomy) -> None:
    """Refuse validation scenes whose score would be that of no pixel.

    Raises:
        AreosegError: None of them has terrain, or one, where calibration takes two groups.
    """
    terrain = class_pixels(validation, taxonomy)[:, list(taxonomy.terrain)].sum(axis=1) > 0
    groups = len(set(scene_units(validation)[terrain]))
    needed = 2 if recipe.calibration else 1
    if groups < needed:
        raise AreosegError(
            f"{groups} groups of scenes to validate on show labelled terrain, but"
            f" {'calibration' if recipe.calibration else 'validation'} takes {needed}: raise"
            " split.val, or take another split.seed"
        )


def _usable(
    recipe: Recipe,
    unlabelled: SceneSet | None,
    labelled: SceneSet,
    held_back: Sequence[str],
    *,
    given: bool,
) -> tuple[SceneSet, tuple[str, ...]]:
    """The unlabelled scenes that the training may label, and what to say of the others.

    Args:
        recipe: Says whether it wants any.
        unlabelled: Those that there are, of any size.
        labelled: All labelled scenes.
        held_back: The names of those that are not trained on.
        given: Whether there are pseudo-labels already, which take the place of new ones.
    """
    none = SceneSet([], None, ())
    if not recipe.unlabelled.share:
        return none, ()
    if given:
        return none, ("unlabelled.share: the pseudo-labels of the teachers take its place",)
    found = none if unlabelled is None else unlabelled
    size = labelled.images[0].shape
    fitting = [index for index, image in enumerate(found.images) if image.shape == size]
    usable = unseen_scenes(found.select(fitting), labelled, held_back)
    if not len(usable):
        return none, (
            "unlabelled.share: there are no unlabelled images of the size of the labelled ones, so"
            " that labelled scenes alone are trained on",
        )
    return usable, ()
