"""Calibration: whether predictions with a confidence of 0.8 are correct 80 % of the time.

Everything is computed from counts per confidence bin, so parts of a dataset can be added up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.metrics.confusion import ratio

BINS = 15
"""Number of confidence bins, as in Guo et al. 2017."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Prediction counts per confidence bin; bin b covers (b / B, (b + 1) / B].

    Attributes:
        pixels: (B,) total weight of the pixels in each bin; their number if all weights are 1.
        confidence: (B,) weighted sum of their confidences.
        hits: (B,) total weight of the correct ones.
    """

    pixels: Numbers
    confidence: Numbers
    hits: Numbers

    def __add__(self, other: "Reliability") -> "Reliability":
        """Return the counts of two sets of pixels combined."""
        return Reliability(
            self.pixels + other.pixels,
            self.confidence + other.confidence,
            self.hits + other.hits,
        )

    @property
    def mean_confidence(self) -> Numbers:
        """(B,) mean confidence of each bin, NaN for empty bins."""
        return ratio(self.confidence, self.pixels)

    @property
    def accuracy(self) -> Numbers:
        """(B,) fraction of correct predictions in each bin, NaN for empty bins."""
        return ratio(self.hits, self.pixels)


def reliability(
    confidences: NDArray[np.floating[Any]],
    hits: NDArray[np.bool_],
    *,
    weights: NDArray[np.floating[Any]] | None = None,
    bins: int = BINS,
) -> Reliability:
    """Count predictions by their confidence.

    Args:
        confidences: (P,) probability of the predicted class, 0 to 1.
        hits: (P,) whether the prediction is correct.
        weights: (P,) weight of each prediction; None: 1.
        bins: Number of bins of equal width, B.

    Raises:
        AreosegError: The arrays differ in shape, or a confidence is outside 0..1.
    """
    if confidences.shape != hits.shape:
        raise AreosegError(
            f"confidences have shape {confidences.shape} but hits {hits.shape}: give one each"
        )
    if confidences.size and not 0 <= confidences.min() <= confidences.max() <= 1:
        raise AreosegError(
            f"confidences of {confidences.min()} to {confidences.max()}: give probabilities 0 to 1"
        )
    weights = np.ones(len(confidences)) if weights is None else weights
    bin_of = np.clip(np.ceil(confidences * bins).astype(np.intp) - 1, 0, bins - 1)

    def sums(values: NDArray[np.floating[Any]]) -> Numbers:
        return np.bincount(bin_of, values, minlength=bins).astype(np.float64)

    return Reliability(sums(weights), sums(weights * confidences), sums(weights * hits))


def expected_calibration_error(counts: Reliability) -> float:
    """Compute the expected calibration error, the mean gap between confidence and accuracy.

        ECE = sum over bins b of pixels_b / pixels * |accuracy_b - mean confidence_b|

    Guo et al. 2017, arXiv 1706.04599, equation 3.

    Returns:
        A value in 0..1, or NaN if there is no pixel.
    """
    gaps = np.abs(counts.hits - counts.confidence).sum()
    return float(ratio(np.asarray(gaps), np.asarray(counts.pixels.sum())))
