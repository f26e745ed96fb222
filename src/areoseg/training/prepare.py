"""From samples to what a training needs: audited, split, measured and turned into tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Exclusions
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import SPLITS
from areoseg.data.split import Split
from areoseg.data.split import class_pixels
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import stage_recipes
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors
from areoseg.training.calibration import sample_groups
from areoseg.training.division import divide
from areoseg.training.pseudo_labels import unseen_samples
from areoseg.training.pseudo_samples import PseudoSamples
from areoseg.training.stage_data import StageData
from areoseg.training.stage_data import stage_data


@dataclass(frozen=True)
class Preparation:
    """The data of one training.

    Attributes:
        exclusions: The samples left out, or None if the recipe turns the audit off.
        split: Indices of the samples in each part, rejected and dropped ones in none.
        dropped: How many samples are not trained on because they are mostly background.
        notes: What a user should hear of the split, a line each.
        samples: All labeled samples, which the split's indices count.
        unlabeled: The unlabeled samples that the training may label; empty where it uses none.
        stages: What each stage trains on.
        validation: The validation samples.
        pixels: (N, C) pixels of each class in each training sample.
        mean: Mean of the training images, in 0..1.
        std: Standard std of the training images.
    """

    exclusions: Exclusions | None
    split: Split
    dropped: int
    notes: tuple[str, ...]
    samples: SegmentationDataset
    unlabeled: SegmentationDataset
    stages: tuple[StageData, ...]
    validation: Tensors
    pixels: NDArray[np.int64]
    mean: float
    std: float

    @property
    def pass_steps(self) -> int:
        """Steps of one pass over the training samples, by the first stage."""
        return self.stages[0].batches.steps_per_pass

    def names(self) -> dict[str, list[str]]:
        """The names of the samples in each part of the split."""
        return {part: [self.samples.names[i] for i in self.split.indices(part)] for part in SPLITS}


def prepare(
    recipe: Recipe,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    unlabeled: SegmentationDataset | None = None,
    exclusions: Exclusions | None = None,
    pseudo: PseudoSamples | None = None,
) -> Preparation:
    """Audit, split and measure labeled samples by a recipe.

    Args:
        recipe: What is to be trained.
        samples: Labeled samples of one size.
        taxonomy: The classes.
        unlabeled: Unlabeled samples of the same data, or None.
        exclusions: The samples to leave out; None: `find_exclusions`, if the recipe asks for it.
        pseudo: Pseudo-labeled samples to train on besides. They only enter the batches: split,
            class weights and brightness are those of the labeled samples.

    Raises:
        AreosegError: Nothing to train on, samples of different sizes, or an impossible split.
    """
    division = divide(recipe, samples, taxonomy, exclusions=exclusions)
    if not division.split.val:
        raise AreosegError("no samples to validate on: raise split.val")
    _check_unlabeled_validation(recipe, samples.select(division.split.val), taxonomy)

    training = samples.select(division.split.train)
    tensors = Tensors.of(training)
    pixels = class_pixels(training, taxonomy)
    images = tensors.images.numpy()
    unit = 255.0 if images.dtype == np.uint8 else 1.0
    held_out = [samples.names[i] for part in ("val", "test") for i in division.split.indices(part)]
    usable, unused = _usable(recipe, unlabeled, samples, held_out, given=pseudo is not None)
    return Preparation(
        exclusions=division.exclusions,
        split=division.split,
        dropped=division.dropped,
        notes=(*division.notes, *unused),
        samples=samples,
        unlabeled=usable,
        stages=stage_data(
            stage_recipes(recipe),
            tensors,
            pixels,
            taxonomy,
            pseudo=None if pseudo is None else pseudo.tensors(like=tensors),
            labeled_share=1.0 if pseudo is None else pseudo.labeled_share,
        ),
        validation=Tensors.of(samples.select(division.split.val)),
        pixels=pixels,
        mean=float(images.mean(dtype=np.float64) / unit),
        std=float(images.std(dtype=np.float64) / unit),
    )


def _check_unlabeled_validation(
    recipe: Recipe, validation: SegmentationDataset, taxonomy: Taxonomy
) -> None:
    """Refuse validation samples whose score would be that of no pixel.

    Raises:
        AreosegError: None of them has terrain, or one, where calibration takes two groups.
    """
    terrain = class_pixels(validation, taxonomy)[:, list(taxonomy.terrain)].sum(axis=1) > 0
    groups = len(set(sample_groups(validation)[terrain]))
    needed = 2 if recipe.calibration else 1
    if groups < needed:
        raise AreosegError(
            f"{groups} groups of samples to validate on show labeled terrain, but"
            f" {'calibration' if recipe.calibration else 'validation'} takes {needed}: raise"
            " split.val, or take another split.seed"
        )


def _usable(
    recipe: Recipe,
    unlabeled: SegmentationDataset | None,
    labeled: SegmentationDataset,
    held_out: Sequence[str],
    *,
    given: bool,
) -> tuple[SegmentationDataset, tuple[str, ...]]:
    """The unlabeled samples that the training may label, and what to say of the others.

    Args:
        recipe: Says whether it wants any.
        unlabeled: Those that there are, of any size.
        labeled: All labeled samples.
        held_out: The names of those that are not trained on.
        given: Whether there are pseudo-labels already, which take the place of new ones.
    """
    none = SegmentationDataset([], None, ())
    if not recipe.pseudo_labels.batch_fraction:
        return none, ()
    if given:
        return none, ("pseudo_labels: the pseudo-labels of the teachers replace it",)
    found = none if unlabeled is None else unlabeled
    size = labeled.images[0].shape
    fitting = [index for index, image in enumerate(found.images) if image.shape == size]
    usable = unseen_samples(found.select(fitting), labeled, held_out)
    if not len(usable):
        return none, (
            "pseudo_labels: there are no unlabeled images of the size of the labeled ones, so"
            " that labeled samples alone are trained on",
        )
    return usable, ()
