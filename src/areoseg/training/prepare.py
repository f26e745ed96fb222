"""Preparation of the training data: audit, split, class counts and tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.audit import Exclusions, find_exclusions
from areoseg.data.dispersion import dispersion, is_well_segmented
from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.data.split import (
    SPLITS,
    Split,
    assigned_notes,
    class_pixels,
    rarest_class,
    split_samples,
)
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe, stage_recipes
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.training.batches import StageData, Tensors, not_over_background, stage_data
from areoseg.training.calibration.outputs import sample_groups
from areoseg.training.self_training.pseudo_labels import PseudoSamples, unseen_samples
from areoseg.transforms import AugmentSettings


@dataclass(frozen=True)
class Division:
    """The split of labeled samples according to a recipe.

    Attributes:
        exclusions: The excluded samples, or None if the recipe turns the audit off.
        split: Indices of the samples of each split; excluded and dropped samples are in none.
        dropped: The number of samples dropped from the training split as mostly background.
        notes: Notes for the user, one line each.
        pixels: (N, C) pixels of each class in each labeled sample.
        recipes: The recipe of each stage.
    """

    exclusions: Exclusions | None
    split: Split
    dropped: int
    notes: tuple[str, ...]
    pixels: NDArray[np.int64]
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class Preparation:
    """The data of one training.

    Attributes:
        division: Exclusions and split.
        samples: All labeled samples; the split has indices into them.
        fingerprint: Their hash.
        unlabeled: The unlabeled samples to pseudo-label during the training; may be empty.
        stages: The data of each stage.
        validation: The validation samples.
        mean: Mean of the training images, in 0..1.
        std: Standard deviation of the training images.
        notes: Notes for the user, one line each.
    """

    division: Division
    samples: SegmentationDataset
    fingerprint: str
    unlabeled: SegmentationDataset
    stages: tuple[StageData, ...]
    validation: Tensors
    mean: float
    std: float
    notes: tuple[str, ...]

    @property
    def split(self) -> Split:
        """Indices of the samples of each split."""
        return self.division.split

    @property
    def exclusions(self) -> Exclusions | None:
        """The excluded samples, or None if the recipe turns the audit off."""
        return self.division.exclusions

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(N, C) pixels of each class in each sample of the training split."""
        return self.division.pixels[list(self.split.train)]

    @property
    def pass_steps(self) -> int:
        """The number of steps of one pass over the training samples, in the first stage."""
        return self.stages[0].batches.steps_per_pass

    def to(self, device: torch.device) -> "Preparation":
        """Return the data with the batches and the validation samples on a device."""
        stages = [replace(stage, batches=stage.batches.to(device)) for stage in self.stages]
        return replace(self, stages=tuple(stages), validation=self.validation.to(device))

    def names(self) -> dict[str, list[str]]:
        """Return the names of the samples of each split."""
        return {name: [self.samples.names[i] for i in self.split.indices(name)] for name in SPLITS}


def prepare(
    recipe: Recipe,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    unlabeled: SegmentationDataset | None = None,
    exclusions: Exclusions | None = None,
    pseudo: PseudoSamples | None = None,
) -> Preparation:
    """Audit and split labeled samples according to a recipe, and prepare the data of each stage.

    Args:
        recipe: The recipe to train.
        samples: Labeled samples of one size.
        taxonomy: The classes.
        unlabeled: Unlabeled samples of the same dataset, or None.
        exclusions: The samples to exclude; None: `find_exclusions`, if the recipe enables it.
        pseudo: Pseudo-labeled samples to train on as well. They enter the batches only: split,
            class weights, mean and std are those of the labeled samples.

    Raises:
        AreosegError: There are no samples to train on, they differ in size, or they cannot be
            split.
    """
    division = divide(recipe, samples, taxonomy, exclusions=exclusions)
    split, pixels = division.split, division.pixels
    _check_validation(recipe, samples.select(split.val), pixels[list(split.val)], taxonomy)
    training = samples.select(split.train)
    if recipe.data.background == "gate":
        training = training.with_unknown(taxonomy.background)
    tensors = Tensors.of(training)
    images = tensors.images.numpy()
    white = 255.0 if images.dtype == np.uint8 else 1.0
    held_out = [samples.names[index] for index in (*split.val, *split.test)]
    usable, notes = _usable_unlabeled(recipe, unlabeled, samples, held_out, pseudo=pseudo)
    audited = None if division.exclusions is None else division.exclusions.audit.fingerprint
    return Preparation(
        division=division,
        samples=samples,
        fingerprint=audited or fingerprint(samples),
        unlabeled=usable,
        stages=stage_data(
            division.recipes,
            tensors,
            pixels[list(split.train)],
            taxonomy,
            pseudo=None if pseudo is None else pseudo.tensors(like=tensors),
            labeled_share=1.0 if pseudo is None else pseudo.info.labeled_share,
        ),
        validation=Tensors.of(samples.select(split.val)),
        mean=float(images.mean(dtype=np.float64) / white),
        std=float(images.std(dtype=np.float64) / white),
        notes=(*division.notes, *notes),
    )


def favor_rarest_class(recipe: Recipe, samples: SegmentationDataset, taxonomy: Taxonomy) -> Recipe:
    """Return a recipe whose augmentation favors the rarest class, unless it names another.

    With the classes of Mars, the recipe is unchanged: it favors big rock.

    Args:
        recipe: The recipe.
        samples: Labeled samples.
        taxonomy: The classes.
    """
    settings = [recipe.augment, *(stage.augment for stage in recipe.stages)]
    if taxonomy.names == MARS.names or not any(map(_favors_any, settings)):
        return recipe
    rarest = rarest_class(class_pixels(samples, taxonomy), taxonomy)
    changed = [
        each.model_copy(update={"rare_class": rarest}) if _favors_any(each) else each
        for each in settings
    ]
    stages = tuple(
        stage.model_copy(update={"augment": augment})
        for stage, augment in zip(recipe.stages, changed[1:], strict=True)
    )
    return recipe.model_copy(update={"augment": changed[0], "stages": stages})


def _favors_any(augment: AugmentSettings) -> bool:
    """Return whether an augmentation favors a class that the recipe does not name."""
    favors = not {"rare_paste", "rare_cutmix"}.isdisjoint(augment.transforms)
    return favors and "rare_class" not in augment.model_fields_set


def divide(
    recipe: Recipe,
    samples: SegmentationDataset,
    taxonomy: Taxonomy = MARS,
    *,
    exclusions: Exclusions | None = None,
) -> Division:
    """Audit and split labeled samples, and drop those that are mostly background.

    Args:
        recipe: Defines audit, split and the maximum share of background.
        samples: Labeled samples.
        taxonomy: The classes.
        exclusions: The samples to exclude; None: `find_exclusions`, if the recipe enables it.

    Raises:
        AreosegError: There are no samples to train on, or they cannot be split.
    """
    if not len(samples):
        raise AreosegError("no labeled samples to train on: give images with masks")
    if exclusions is None and recipe.data.audit:
        exclusions = find_exclusions(samples)
    kept = list(range(len(samples)) if exclusions is None else exclusions.kept_indices)
    pixels = class_pixels(samples, taxonomy)
    usable_samples = samples.select(kept)
    among_kept = split_samples(
        usable_samples, **recipe.split.model_dump(), taxonomy=taxonomy, pixels=pixels[kept]
    )
    whole = Split(*(tuple(kept[i] for i in among_kept.indices(name)) for name in SPLITS))
    recipes = stage_recipes(recipe)
    # The training split is what any stage uses; each stage drops its own samples from it.
    shares = [stage.data.max_background for stage in recipes]
    max_share = None if None in shares else max(share for share in shares if share is not None)
    usable = not_over_background(pixels[list(whole.train)], max_share, taxonomy)
    if not usable.any():
        raise AreosegError(
            f"data.max_background={max_share} leaves none of {len(usable)} samples to"
            " train on: raise it"
        )
    # Validation and test keep theirs: scores must not depend on the choice of training samples.
    split = replace(whole, train=tuple(np.asarray(whole.train)[usable].tolist()))
    dropped = len(whole.train) - len(split.train)

    notes = assigned_notes(usable_samples, among_kept)
    if rejected := len(samples) - len(kept):
        notes.append(
            f"{rejected} of {len(samples)} labeled samples are left out: rejected by"
            f" {(exclusions and exclusions.path) or 'the audit'}"
        )
    threshold = recipe.split.threshold
    if threshold is not None:
        below = is_well_segmented(dispersion(pixels[kept]), threshold)
        if below.all() or not below.any():
            notes.append(
                f"split.threshold={threshold} separates nothing: all {len(kept)} samples are on one"
                " side of it; omit it to use the median of their dispersion"
            )
    if dropped:
        notes.append(
            f"{dropped} of {len(whole.train)} training samples are dropped: their share of"
            f" background is above {max_share}"
        )
    return Division(exclusions, split, dropped, tuple(notes), pixels, recipes)


def _check_validation(
    recipe: Recipe,
    validation: SegmentationDataset,
    pixels: NDArray[np.int64],
    taxonomy: Taxonomy,
) -> None:
    """Check that there are terrain pixels for validation, and for calibration if enabled.

    Raises:
        AreosegError: No group of samples has terrain, or only one has and calibration needs two.
    """
    if not len(validation):
        raise AreosegError("no samples to validate on: raise split.val")
    terrain = pixels[:, list(taxonomy.terrain)].sum(axis=1) > 0
    groups = len(set(sample_groups(validation)[terrain]))
    needed = 2 if recipe.calibration else 1
    if groups < needed:
        raise AreosegError(
            f"{groups} groups of samples to validate on show labeled terrain, but"
            f" {'calibration' if recipe.calibration else 'validation'} needs {needed}: raise"
            " split.val, or change split.seed"
        )


def _usable_unlabeled(
    recipe: Recipe,
    unlabeled: SegmentationDataset | None,
    labeled: SegmentationDataset,
    held_out: Sequence[str],
    *,
    pseudo: PseudoSamples | None,
) -> tuple[SegmentationDataset, tuple[str, ...]]:
    """Return the unlabeled samples to pseudo-label during the training, and notes for the user.

    Args:
        recipe: Defines whether unlabeled samples are used.
        unlabeled: Unlabeled samples of any size, or None.
        labeled: All labeled samples.
        held_out: The names of the labeled samples in validation and test.
        pseudo: Samples that were pseudo-labeled before the training, or None; they replace others.
    """
    none = SegmentationDataset([], None, ())
    if not recipe.pseudo_labels.batch_fraction:
        return none, ()
    if pseudo is not None:
        return none, ("pseudo_labels: the pseudo-labels of the teachers replace it",)
    given = none if unlabeled is None else unlabeled
    size = labeled.images[0].shape
    fitting = [index for index, image in enumerate(given.images) if image.shape == size]
    usable = unseen_samples(given.select(fitting), labeled, held_out)
    if not len(usable):
        return none, (
            "pseudo_labels: no unlabeled image has the size of the labeled ones, so only"
            " labeled samples are used for training",
        )
    if left_out := len(given) - len(usable):
        return usable, (
            f"pseudo_labels: {left_out} of {len(given)} unlabeled images are left out: they have"
            " another size, are labeled, or belong to a group of validation or test",
        )
    return usable, ()
