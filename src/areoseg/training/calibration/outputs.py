"""The outputs of a model for held-out samples, to which its calibration is fitted."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.models.layers.normalization import fold_standardization
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import Taxonomy
from areoseg.training.calibration.fits import LabeledPixels
from areoseg.training.calibration.gate import GateCounts
from areoseg.utils.device import Precision, autocast
from areoseg.utils.images import as_tensor

MAX_CLASS_PIXELS = 250_000
"""Maximum number of pixels per class; more frequent classes are randomly subsampled."""


@dataclass(frozen=True)
class HeldOutOutputs:
    """What a model that is not calibrated computes for labeled samples.

    Attributes:
        pixels: Logits of at most `MAX_CLASS_PIXELS` pixels per class, without void pixels and those
            of classes that are never predicted.
        odds: All pixels by their log-odds of background; None without a background gate.
    """

    pixels: LabeledPixels
    odds: GateCounts | None


@torch.inference_mode()
def held_out_outputs(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> HeldOutOutputs:
    """Run a model once over labeled samples and collect what its calibration is fitted to.

    Args:
        segmenter: The model, not calibrated.
        samples: Labeled samples that it was not trained on; their sizes may differ.
        taxonomy: The C classes.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.
    """
    device = device or torch.device("cpu")
    folded = deepcopy(segmenter).to(device).eval()
    fold_standardization(folded)  # faster, with the same outputs
    shares, totals = _shares_to_draw(folded, samples, taxonomy)
    odds = GateCounts.empty() if folded.gated_class is not None else None
    group_of_sample = sample_groups(samples)

    logits, targets, groups = [], [], []
    for index in range(len(samples)):
        sample = samples[index]
        assert sample.mask is not None
        with autocast(device, precision):
            output = folded.network(folded.standardized(as_tensor([sample.image]).to(device)))
        output = output.float()
        if odds is not None:
            odds.add(folded.background_odds(output)[0, 0].cpu().numpy(), sample, taxonomy)
        drawn = np.random.default_rng(index).random(sample.mask.shape) < shares[sample.mask]
        masked = (output + folded.offsets.view(1, -1, 1, 1))[0].cpu().numpy()
        logits.append(masked[:, drawn].T)
        targets.append(sample.mask[drawn].astype(np.intp))
        groups.append(np.full(int(drawn.sum()), group_of_sample[index]))
    all_targets = np.concatenate(targets)
    counts = np.bincount(all_targets, minlength=len(taxonomy))
    pixels = LabeledPixels(
        logits=np.concatenate(logits),
        targets=all_targets,
        groups=np.concatenate(groups),
        class_weights=totals / np.maximum(counts, 1),
    )
    return HeldOutOutputs(pixels, odds)


def sample_groups(samples: SegmentationDataset) -> NDArray[np.intp]:
    """Return the group index of each sample (N,).

    Fitting and testing need at least two groups; with fewer, each sample is its own group.
    """
    names = samples.groups if samples.groups and len(set(samples.groups)) > 1 else samples.names
    indices: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return indices


def _shares_to_draw(
    segmenter: Segmenter, samples: SegmentationDataset, taxonomy: Taxonomy
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the share of pixels to draw by mask value (256,), and the pixels by class (C,)."""
    totals = class_pixels(samples, taxonomy).sum(axis=0)
    totals[segmenter.masked_classes.cpu().numpy()] = 0
    shares = np.zeros(256)
    shares[: len(taxonomy)] = np.minimum(1.0, MAX_CLASS_PIXELS / np.maximum(totals, 1)) * (
        totals > 0
    )
    return shares, totals
