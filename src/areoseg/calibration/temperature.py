"""The temperature that makes probabilities honest (Guo et al. 2017, arXiv 1706.04599)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from areoseg.calibration.pixels import LabeledPixels

LOWEST, HIGHEST = 0.25, 4.0
"""Bounds: a validation part that is answered without a fault must not ask for certainty."""


def fit_temperature(pixels: LabeledPixels, offsets: NDArray[np.float64]) -> float:
    """The temperature T with the smallest cross-entropy of softmax((logits + offsets) / T).

    Args:
        pixels: P pixels of C classes.
        offsets: (C,) added to the logits.

    Returns:
        T within `LOWEST` to `HIGHEST`.
    """
    # Classes first: sums over them are then sums of whole rows. The largest logit becomes 0.
    logits = np.ascontiguousarray((pixels.logits + offsets).astype(np.float32).T)
    logits -= logits.max(axis=0)
    chosen = logits[pixels.targets, np.arange(len(pixels.targets))]
    weights = pixels.weights

    def cross_entropy(log_temperature: float) -> float:
        inverse = np.float32(np.exp(-log_temperature))
        losses = np.log(np.exp(logits * inverse).sum(axis=0)) - chosen * inverse
        return float(np.average(losses, weights=weights))

    found = minimize_scalar(
        cross_entropy,
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))
