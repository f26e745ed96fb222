"""Dispersion of the class shares of a sample (AN2DL homework report, section 2.1, equations 2, 3).

The dispersion of a sample is the standard deviation of its C class shares: largest for a sample of
one class, 0 for equal shares. The report calls a sample well segmented below 0.45 and mostly
unsegmented otherwise. No sample of five classes reaches 0.45: shares sum to 1, so their population
standard deviation is at most sqrt(C - 1) / C = 0.400, and the sample standard deviation at most
1 / sqrt(C) = 0.447. Hence the threshold is a parameter here, by default a quantile.
"""

import math

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError


def dispersion(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the population standard deviation of the class shares of each sample (equation 2).

    Integers are used up to the square root, so that the result does not depend on the order of the
    shares, not even by rounding:

        std(n / T) = sqrt(C sum(n^2) - T^2) / (C T),    T = sum(n)

    Args:
        pixels: (N, C) pixels of each class in each sample, from `class_pixels`.

    Returns:
        (N,) in 0..`max_dispersion`. An entirely void sample counts as one of a single class.
    """
    classes = pixels.shape[1]
    counts = pixels.astype(np.int64)
    total = counts.sum(axis=1)
    population = np.full(len(counts), max_dispersion(classes))
    spread = np.sqrt(classes * (counts**2).sum(axis=1) - total**2)
    np.divide(spread, classes * total, out=population, where=total > 0)
    return population


def max_dispersion(classes: int) -> float:
    """Return the largest dispersion, sqrt(C - 1) / C, of a sample of one of C classes."""
    return math.sqrt(classes - 1) / classes


def dispersion_threshold(dispersions: NDArray[np.float64], quantile: float = 0.5) -> float:
    """Return a threshold with approximately a given fraction of the samples below it.

    There are samples on both sides unless all values are equal; `numpy.quantile` does not guarantee
    this if many values are equal.

    Args:
        dispersions: (N,) from `dispersion`.
        quantile: Share of the samples below, 0 to 1.

    Raises:
        AreosegError: There are no samples.
    """
    values, counts = np.unique(dispersions, return_counts=True)
    if not len(values):
        raise AreosegError("no samples to find a dispersion threshold for: give labeled samples")
    if len(values) == 1:
        return float(values[0])
    below = np.cumsum(counts)[:-1] / len(dispersions)  # fraction below each but the first
    return float(values[1:][np.argmin(np.abs(below - quantile))])


def is_well_segmented(dispersions: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Return which samples are well segmented, rather than mostly unsegmented (equation 3).

    Args:
        dispersions: (N,) from `dispersion`.
        threshold: Samples below it are well segmented.

    Returns:
        (N,) bool.
    """
    return dispersions < threshold
