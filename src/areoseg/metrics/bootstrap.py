"""Percentile bootstrap intervals over images, or over groups of images.

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Images cut from one
frame are correlated, and resampling them individually gives intervals that are too narrow.
Therefore whole groups are resampled if groups are known.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.metrics.confusion import Counts


def sum_by_group(per_image: Counts, groups: Sequence[str] | None) -> Counts:
    """Sum the counts of the images of each group.

    Args:
        per_image: (N, ...) counts, for example confusion matrices.
        groups: N group names, or None to make each image its own group.

    Returns:
        (G, ...), with the groups in alphabetical order; without groups, `per_image` itself.

    Raises:
        AreosegError: The number of group names differs from the number of images.
    """
    if groups is None:
        return per_image
    if len(groups) != len(per_image):
        raise AreosegError(f"{len(per_image)} images but {len(groups)} groups: give one per image")
    names, positions = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), *per_image.shape[1:]), dtype=per_image.dtype)
    np.add.at(sums, positions, per_image)
    return sums


def resampled_sums(per_unit: Counts, resamples: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """Sum the counts of bootstrap resamples, each of U units drawn with replacement.

    The same seed draws the same units, whatever the counts, so the intervals of several scores are
    based on the same resamples.

    Args:
        per_unit: (U, ...) counts of each unit, an image or a group.
        resamples: Number of resamples, R; 0 for none.
        seed: Seed of the random draws.

    Returns:
        (R, ...) sums; (0, ...) if there are fewer than two units, because one unit has no spread.

    Raises:
        AreosegError: `resamples` is negative.
    """
    if resamples < 0:
        raise AreosegError(f"resamples is {resamples}: give 0 for no intervals, or about 1000")
    units = len(per_unit)
    if units < 2:
        resamples = 0
    generator = np.random.default_rng(seed)
    flat = per_unit.reshape(units, -1).astype(np.float64)  # faster, and still exact
    sums = np.empty((resamples, flat.shape[1]))
    for resample in range(resamples):
        # How often each unit is drawn is multinomial. One row at a time limits the memory.
        drawn = np.bincount(generator.integers(units, size=units), minlength=units)
        sums[resample] = drawn.astype(np.float64) @ flat
    return sums.reshape(resamples, *per_unit.shape[1:])


def percentile_interval(
    samples: NDArray[np.float64], confidence: float = 0.95
) -> NDArray[np.float64]:
    """Compute the central interval that contains `confidence` of the samples.

    NaN samples are ignored. So the interval of a class that is absent from some resamples is based
    on the others, but that of a mean over classes, which is defined without the absent class, is
    based on all of them. Interpret both with care if a class occurs in only a few units.

    Args:
        samples: (R, ...), one value per resample.
        confidence: Between 0 and 1.

    Returns:
        (2, ...) lower and upper bound, NaN if there is no sample.
    """
    tail = (1.0 - confidence) / 2.0
    if len(samples) == 0:
        return np.full((2, *samples.shape[1:]), np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        ends = np.nanquantile(samples, [tail, 1.0 - tail], axis=0)
    return np.asarray(ends, dtype=np.float64)
