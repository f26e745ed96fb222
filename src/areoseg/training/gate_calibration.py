"""Calibration of a background gate: its probabilities, and the threshold of its answer."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from areoseg.data.samples import SegmentationDataset
from areoseg.models.segmenter import Segmenter
from areoseg.runs.info import BackgroundInfo
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.device import Precision, autocast
from areoseg.utils.images import as_tensor

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


def calibrate_gate(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> BackgroundInfo:
    """Fit the probability and the threshold of a background gate to held-out samples, and set them.

    The probability is the sigmoid of a linear function of the network's log-odds (Platt 1999). The
    threshold finds the most background compared with the ground that it gives up, and gives up at
    most `MAX_LOST_GROUND`. An earlier calibration is discarded first.

    Args:
        segmenter: The model with a gate; its buffers `gate_scale`, `gate_offset` and
            `background_threshold` are modified.
        samples: Labeled samples that it was not trained on, with at least one terrain pixel.
        taxonomy: The classes.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.

    Returns:
        The threshold, and what it loses and finds on the samples.
    """
    segmenter.uncalibrate_gate()
    counts = count_odds(segmenter, samples, taxonomy, device=device, precision=precision)
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


@torch.inference_mode()
def count_odds(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> GateCounts:
    """Count the labeled pixels of samples by their log-odds of background.

    Args:
        segmenter: The model, whose gate is not calibrated.
        samples: Labeled samples; their sizes may differ.
        taxonomy: The classes.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.
    """
    device = device or torch.device("cpu")
    background = taxonomy.background
    segmenter = segmenter.to(device).eval()
    counts = GateCounts(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64))
    for index in range(len(samples)):
        sample = samples[index]
        assert sample.mask is not None
        with autocast(device, precision):
            logits = segmenter.network(segmenter.standardized(as_tensor([sample.image]).to(device)))
        odds = segmenter.background_odds(logits.float())[0, 0].cpu()
        bins = ((odds.numpy() + MAX_ODDS) / (2 * MAX_ODDS / BINS)).clip(0, BINS - 1).astype(int)
        ground = (sample.mask != background) & (sample.mask != VOID)
        counts.ground[:] += np.bincount(bins[ground], minlength=BINS)
        not_ground = sample.background_pixels(background)
        counts.background[:] += np.bincount(bins[not_ground], minlength=BINS)
    return counts


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
