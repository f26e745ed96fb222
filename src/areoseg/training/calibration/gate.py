"""Calibration of a background gate: its probabilities, and the threshold of its answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from areoseg.data.samples import Sample
from areoseg.models.segmenter import Segmenter
from areoseg.runs.info import BackgroundInfo
from areoseg.taxonomy import VOID, Taxonomy

MAX_LOST_GROUND = 0.01
"""Maximum share of the labeled ground that the threshold gives up as background."""

MAX_ODDS = 20.0
"""Log-odds beyond which pixels are counted together."""

BINS = 4000
"""Number of intervals of the log-odds."""

CENTERS = (np.arange(BINS) + 0.5) * (2 * MAX_ODDS / BINS) - MAX_ODDS
"""(BINS,) the log-odds in the middle of each interval."""


@dataclass(frozen=True)
class GateCounts:
    """Labeled pixels by the log-odds of background that the network gives them.

    Attributes:
        ground: (BINS,) pixels of labeled ground.
        background: (BINS,) pixels that are certainly not ground.
    """

    ground: NDArray[np.int64]
    background: NDArray[np.int64]

    @classmethod
    def empty(cls) -> "GateCounts":
        """Return counts of no pixels."""
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64))

    def add(self, odds: NDArray[np.float32], sample: Sample, taxonomy: Taxonomy) -> None:
        """Count the labeled pixels of a sample.

        Args:
            odds: (H, W) log-odds of background.
            sample: The labeled sample.
            taxonomy: The classes.
        """
        assert sample.mask is not None
        bins = ((odds + MAX_ODDS) / (2 * MAX_ODDS / BINS)).clip(0, BINS - 1).astype(int)
        ground = (sample.mask != taxonomy.background) & (sample.mask != VOID)
        self.ground[:] += np.bincount(bins[ground], minlength=BINS)
        not_ground = sample.background_pixels(taxonomy.background)
        self.background[:] += np.bincount(bins[not_ground], minlength=BINS)


def fit_gate(segmenter: Segmenter, counts: GateCounts) -> BackgroundInfo:
    """Fit the probability and the threshold of a background gate to held-out pixels, and set them.

    The probability is the sigmoid of a linear function of the network's log-odds (Platt 1999). The
    threshold finds the most background compared with the ground that it gives up, and gives up at
    most `MAX_LOST_GROUND`.

    Args:
        segmenter: The model with a gate that is not calibrated; its buffers `gate_scale`,
            `gate_offset` and `background_threshold` are modified.
        counts: Pixels by the log-odds that the model gives them.

    Returns:
        The threshold, and what it loses and finds.
    """
    scale, offset = fit_probability(counts)
    position = best_position(counts)
    # The edge between two intervals, so that no rounding moves a counted pixel across it.
    odds = scale * (CENTERS[position] + MAX_ODDS / BINS) + offset
    threshold = float(expit(np.clip(odds, -MAX_ODDS, MAX_ODDS)))
    segmenter.gate_scale.mul_(scale)
    segmenter.gate_offset.fill_(offset)
    segmenter.background_threshold.fill_(threshold)
    return BackgroundInfo(
        scale=round(float(segmenter.gate_scale), 6),
        offset=round(offset, 6),
        threshold=threshold,
        lost_ground=_share_above(counts.ground, position),
        found_background=_share_above(counts.background, position),
    )


def fit_probability(counts: GateCounts) -> tuple[float, float]:
    """Return scale and offset of the log-odds that minimize the cross-entropy.

    Without pixels of both kinds, these are 1 and 0.

    Args:
        counts: Pixels by their log-odds.

    Returns:
        The scale, above 0, and the offset.
    """
    total = counts.ground.sum() + counts.background.sum()
    if not (counts.ground.any() and counts.background.any()):
        return 1.0, 0.0

    def loss(parameters: NDArray[np.float64]) -> float:
        odds = np.exp(parameters[0]) * CENTERS + parameters[1]
        of_ground, of_background = np.logaddexp(0, odds), np.logaddexp(0, -odds)
        return float(counts.ground @ of_ground + counts.background @ of_background) / float(total)

    bounds = [(np.log(0.1), np.log(10.0)), (-MAX_ODDS, MAX_ODDS)]
    found = minimize(loss, np.zeros(2), bounds=bounds, method="L-BFGS-B")
    return float(np.exp(found.x[0])), float(found.x[1])


def best_position(counts: GateCounts) -> int:
    """Return the last interval that is not background.

    Among the positions that give up at most `MAX_LOST_GROUND`, it is the one with the largest
    difference between the shares of background found and of ground given up; of equal ones the
    last.

    Args:
        counts: Pixels by their log-odds.
    """
    lost, found = _shares_above(counts.ground), _shares_above(counts.background)
    gain = np.where(lost <= MAX_LOST_GROUND, found - lost, -np.inf)
    return int(BINS - 1 - gain[::-1].argmax())


def _shares_above(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of pixels above each interval."""
    above = np.cumsum(counts[::-1])[::-1] - counts
    shares: NDArray[np.float64] = above / max(1, int(counts.sum()))
    return shares


def _share_above(counts: NDArray[np.int64], position: int) -> float | None:
    """Return the share of pixels above an interval, or None without pixels."""
    return round(float(_shares_above(counts)[position]), 6) if counts.any() else None
