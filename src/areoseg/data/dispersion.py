"""How unevenly the classes share a sample: the report's measure (section 2.1, equations 2 and 3).

The dispersion of a sample is the standard deviation of its C class shares. A sample of one class
has the largest, a sample of equal shares has 0. The report calls a sample well segmented below 0.45
and mostly unsegmented from there on. No sample of five classes comes to 0.45: shares sum to 1, so
their population deviation is at most sqrt(C - 1) / C = 0.400, and their sample std at most
1 / sqrt(C) = 0.447. Hence the threshold here is a value, and by default a quantile.
"""

import math

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError


def dispersion(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Population deviation of the class shares of each sample (equation 2).

    Written with whole numbers up to the square root, so that samples with the same shares in
    another order come out equal to the bit:

        std(n / T) = sqrt(C sum(n^2) - T^2) / (C T),    T = sum(n)

    Args:
        pixels: (N, C) pixels of each class in each sample, from `class_pixels`.

    Returns:
        (N,) in 0..`largest_dispersion`. A sample of nothing but void has no shares; it counts as
        one of a single class.
    """
    classes = pixels.shape[1]
    counts = pixels.astype(np.int64)
    total = counts.sum(axis=1)
    population = np.full(len(counts), largest_dispersion(classes))
    spread = np.sqrt(classes * (counts**2).sum(axis=1) - total**2)
    np.divide(spread, classes * total, out=population, where=total > 0)
    return population


def largest_dispersion(classes: int) -> float:
    """The dispersion sqrt(C - 1) / C of a sample of one of C classes; the largest possible."""
    return math.sqrt(classes - 1) / classes


def dispersion_threshold(dispersions: NDArray[np.float64], quantile: float = 0.5) -> float:
    """The threshold that leaves a share of the samples below it, as nearly as they allow.

    There are samples on both sides of it wherever two of them differ; `numpy.quantile` does not
    promise that where many are equal.

    Args:
        dispersions: (N,) from `dispersion`.
        quantile: The share of samples below, 0 to 1.

    Raises:
        AreosegError: There are no samples.
    """
    values, counts = np.unique(dispersions, return_counts=True)
    if not len(values):
        raise AreosegError("no samples to find a threshold of dispersion for: give labeled samples")
    if len(values) == 1:
        return float(values[0])
    below = np.cumsum(counts)[:-1] / len(dispersions)  # the share below each value but the first
    return float(values[1:][np.argmin(np.abs(below - quantile))])


def well_segmented(dispersions: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Which samples are well segmented, not mostly unsegmented (equation 3).

    Args:
        dispersions: (N,) from `dispersion`.
        threshold: Well segmented is what lies below it.

    Returns:
        (N,) bool.
    """
    return dispersions < threshold
