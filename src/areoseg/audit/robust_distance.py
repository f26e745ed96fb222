"""How far samples lie from the bulk of all samples."""

import numpy as np
from numpy.typing import NDArray

BULK = 0.8
"""Share of the samples whose mean and covariance describe the bulk."""

MOST_STEPS = 30

SMALLEST_SPREAD = 0.02
"""A feature that hardly varies is measured in this unit, so that rounding is no outlier."""


def robust_distances(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mahalanobis distances of samples (N, D) from their own bulk, in units of the median one.

    Mean and covariance come from the 80 % of the samples that lie nearest, found by the
    concentration steps of the minimum covariance determinant (Rousseeuw and Van Driessen 1999). The
    covariance is shrunk towards a sphere by D / N, which keeps small sets calm.

    Returns:
        (N,); 1 is the median.
    """
    scaled = _scaled_by_tails(samples)
    count, features = scaled.shape
    squared = np.asarray((scaled**2).sum(axis=1))
    for _ in range(MOST_STEPS):
        bulk = scaled[np.argsort(squared, kind="stable")[: max(2, int(BULK * count))]]
        covariance = np.atleast_2d(np.cov(bulk.T))
        sphere = max(float(np.trace(covariance)) / features, 1e-6)
        covariance = covariance + features / count * sphere * np.eye(features)
        centered = scaled - bulk.mean(axis=0)
        previous, squared = squared, (centered * np.linalg.solve(covariance, centered.T).T).sum(1)
        if np.allclose(previous, squared):
            break
    distances = np.sqrt(squared)
    return np.asarray(distances / max(float(np.median(distances)), 1e-6))


def _scaled_by_tails(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features in units of their own upper or lower tail, the 90 or 10 % quantile.

    A feature with a long tail by nature, such as the brightness that rover parts give, so counts
    less.
    """
    low, middle, high = np.quantile(samples, (0.1, 0.5, 0.9), axis=0)
    above = samples > middle
    tail = np.where(above, high - middle, middle - low)
    return np.asarray((samples - middle) / np.maximum(tail, SMALLEST_SPREAD))
