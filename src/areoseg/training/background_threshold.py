"""The probability above which a model with a background gate answers background."""

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.models.segmenter import Segmenter
from areoseg.runs.info import BackgroundInfo
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.device import Precision, autocast
from areoseg.utils.images import as_tensor

MAX_LOST_GROUND = 0.01
"""Maximum share of the labeled ground that the threshold gives up as background."""

LEVELS = 10_000
"""Resolution of the threshold."""


@torch.inference_mode()
def fit_background_threshold(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> BackgroundInfo:
    """Choose the threshold of a background gate on held-out samples, and set it.

    It is 0.5, the decision with the fewest errors, unless more than `MAX_LOST_GROUND` of the
    labeled ground would become background; then it is the lowest threshold that keeps to this
    share.

    Args:
        segmenter: The model with a gate; its buffer `background_threshold` is modified.
        samples: Labeled samples that it was not trained on, with at least one terrain pixel.
        taxonomy: The classes.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.

    Returns:
        The threshold, and what it loses and finds on the samples.
    """
    device = device or torch.device("cpu")
    background = taxonomy.background
    segmenter = segmenter.to(device).eval()
    of_ground, of_others = np.zeros(LEVELS + 1, np.int64), np.zeros(LEVELS + 1, np.int64)
    for index in range(len(samples)):
        sample = samples[index]
        mask = sample.mask
        assert mask is not None
        with autocast(device, precision):
            output = segmenter(as_tensor([sample.image]).to(device))[0, background]
        levels = _levels(output.float().exp().cpu().numpy())
        of_ground += _histogram(levels[(mask != background) & (mask != VOID)])
        of_others += _histogram(levels[sample.background_pixels(background)])
    threshold = lowest_threshold(of_ground)
    segmenter.background_threshold.fill_(threshold)
    return BackgroundInfo(
        threshold=threshold,
        lost_ground=_share_above(of_ground, threshold),
        found_background=_share_above(of_others, threshold),
    )


def lowest_threshold(of_ground: NDArray[np.int64]) -> float:
    """Return the lowest threshold from 0.5 that loses at most `MAX_LOST_GROUND`.

    Args:
        of_ground: (LEVELS + 1,) number of ground pixels by their probability of background.
    """
    lost = np.cumsum(of_ground[::-1])[::-1] - of_ground  # above each level
    allowed = np.flatnonzero(lost <= MAX_LOST_GROUND * of_ground.sum())
    return max(0.5, int(allowed[0]) / LEVELS)


def _levels(probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Round probabilities up to a level, so that `p > threshold` implies a higher level."""
    levels: NDArray[np.int64] = np.ceil(probabilities * LEVELS).astype(np.int64).clip(0, LEVELS)
    return levels


def _histogram(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(levels, minlength=LEVELS + 1)


def _share_above(histogram: NDArray[np.int64], threshold: float) -> float | None:
    """Return the share of pixels above a threshold, or None without pixels."""
    total = int(histogram.sum())
    above = int(histogram[round(threshold * LEVELS) + 1 :].sum())
    return round(above / total, 6) if total else None
