"""Which samples are trained on, which choose the weights, and which are held out."""

from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Exclusions
from areoseg.audit import find_exclusions
from areoseg.data.dispersion import dispersion
from areoseg.data.dispersion import is_well_segmented
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import SPLITS
from areoseg.data.split import Split
from areoseg.data.split import class_pixels
from areoseg.data.split import split_samples
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import stage_recipes
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Division:
    """What becomes of labeled samples.

    Attributes:
        exclusions: The samples left out, or None if the recipe turns the audit off.
        split: Indices of the samples in each part, rejected and dropped ones in none.
        dropped: How many samples were taken out of the training part as mostly background.
        notes: What a user should hear of it, a line each.
    """

    exclusions: Exclusions | None
    split: Split
    dropped: int
    notes: tuple[str, ...]


def divide(
    recipe: Recipe,
    samples: SegmentationDataset,
    taxonomy: Taxonomy = MARS,
    *,
    exclusions: Exclusions | None = None,
) -> Division:
    """Audit labeled samples, split them, and drop what is mostly background, by a recipe.

    Args:
        recipe: Says how.
        samples: Labeled samples.
        taxonomy: The classes.
        exclusions: The samples to leave out; None: `find_exclusions`, if the recipe asks for it.

    Raises:
        AreosegError: Nothing to train on, or an impossible split.
    """
    if not len(samples):
        raise AreosegError("no labeled samples to train on: give images with masks")
    if exclusions is None and recipe.data.audit:
        exclusions = find_exclusions(samples)
    kept = range(len(samples)) if exclusions is None else exclusions.kept_indices
    usable = samples.select(kept)
    parts = split_samples(usable, **recipe.split.model_dump(), taxonomy=taxonomy)
    whole = Split(*(tuple(kept[i] for i in parts.indices(name)) for name in SPLITS))
    largest_share = _largest_background(recipe)
    split = _without_background(whole, samples, largest_share, taxonomy)
    dropped = len(whole.train) - len(split.train)

    notes = []
    if recipe.split.threshold is not None and _all_alike(usable, recipe.split.threshold, taxonomy):
        notes.append(
            f"split.threshold={recipe.split.threshold} separates nothing: all {len(usable)} samples"
            " lie on one side of it; leave it away for the median of their dispersion"
        )
    if dropped:
        notes.append(
            f"{dropped} of {len(whole.train)} training samples are not trained on: background over"
            f" {largest_share}"
        )
    return Division(exclusions, split, dropped, tuple(notes))


def _all_alike(samples: SegmentationDataset, threshold: float, taxonomy: Taxonomy) -> bool:
    """Whether a threshold of dispersion has all samples on one side."""
    below = is_well_segmented(dispersion(class_pixels(samples, taxonomy)), threshold)
    return bool(below.all() or not below.any())


def not_over_background(
    pixels: NDArray[np.int64], largest_share: float | None, taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """Which samples have no larger share of background; all where that is None.

    A sample of nothing but void has no share, and is none of them.

    Args:
        pixels: (N, C) pixels of each class in each sample.
        largest_share: 0 to 1.
        taxonomy: Says which class is background.

    Returns:
        (N,) bool.
    """
    if largest_share is None:
        return np.ones(len(pixels), dtype=bool)
    few = pixels[:, taxonomy.background] <= largest_share * pixels.sum(axis=1)
    usable: NDArray[np.bool_] = few & pixels.any(axis=1)
    return usable


def _largest_background(recipe: Recipe) -> float | None:
    """The share of background that no stage drops: the training part is what any of them uses."""
    shares = [stage.data.max_background for stage in stage_recipes(recipe)]
    known = [share for share in shares if share is not None]
    return max(known) if len(known) == len(shares) else None


def _without_background(
    split: Split, samples: SegmentationDataset, largest_share: float | None, taxonomy: Taxonomy
) -> Split:
    """The split without training samples that have a larger share of background.

    Validation and test stay as they are: a score must not depend on what is trained on.
    """
    if largest_share is None:
        return split
    pixels = class_pixels(samples.select(split.train), taxonomy)
    usable = not_over_background(pixels, largest_share, taxonomy)
    if not usable.any():
        raise AreosegError(
            f"data.max_background={largest_share} leaves none of {len(usable)} samples to"
            " train on: raise it"
        )
    return replace(split, train=tuple(np.asarray(split.train)[usable].tolist()))
