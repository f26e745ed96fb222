"""Calibration: whether a confidence of 0.8 is right eight times in ten.

Everything is computed from counts by confidence, so that parts of a data set can be added up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.metrics.confusion import ratio

BINS = 15
"""Bins of confidence, as in Guo et al. 2017."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """What became of the answers of each confidence; bin b holds (b / B, (b + 1) / B].

    Attributes:
        pixels: (B,) weight of the pixels in each bin: their number, where each counts as one.
        confidence: (B,) sum of their confidences.
        hits: (B,) weight of those that are right.
    """

    pixels: Numbers
    confidence: Numbers
    hits: Numbers

    def __add__(self, other: "Reliability") -> "Reliability":
        """The counts of two sets of pixels together."""
        return Reliability(
            self.pixels + other.pixels,
            self.confidence + other.confidence,
            self.hits + other.hits,
        )

    @property
    def mean_confidence(self) -> Numbers:
        """(B,) mean confidence of each bin, NaN where it is empty."""
        return ratio(self.confidence, self.pixels)

    @property
    def accuracy(self) -> Numbers:
        """(B,) share of right answers of each bin, NaN where it is empty."""
        return ratio(self.hits, self.pixels)


def reliability(
    confidences: NDArray[np.floating[Any]],
    hits: NDArray[np.bool_],
    *,
    weights: NDArray[np.floating[Any]] | None = None,
    bins: int = BINS,
) -> Reliability:
    """Count answers by their confidence.

    Args:
        confidences: (P,) probability of the class that was answered, 0 to 1.
        hits: (P,) whether the answer is right.
        weights: (P,) what each answer counts; None: 1.
        bins: How many bins of equal width there are, B.

    Raises:
        AreosegError: The arrays differ in shape, or a confidence is outside 0..1.
    """
    if confidences.shape != hits.shape:
        raise AreosegError(
            f"confidences have shape {confidences.shape} but hits {hits.shape}: give one an answer"
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
    """The gap between confidence and accuracy, as the mean over all pixels.

        ECE = sum over bins b of pixels_b / pixels * |accuracy_b - mean confidence_b|

    Guo et al. 2017, arXiv 1706.04599, equation 3.

    Returns:
        0..1, NaN where there is no pixel.
    """
    gaps = np.abs(counts.hits - counts.confidence).sum()
    return float(ratio(np.asarray(gaps), np.asarray(counts.pixels.sum())))
