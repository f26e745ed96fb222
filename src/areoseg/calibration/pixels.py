"""Logits with the truth beside them: what a calibration is fitted to."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import Taxonomy
from areoseg.utils.device import Precision
from areoseg.utils.images import as_tensor

MOST_OF_A_CLASS = 250_000
"""Pixels of one class that are kept; of a commoner class a random share stands for all."""


@dataclass(frozen=True)
class LabeledPixels:
    """Pixels with logits, truth, and the group that they come from.

    Attributes:
        logits: (P, C) float32, before temperature and offsets.
        targets: (P,) class indices.
        units: (P,) the number of the group of each pixel, from 0.
        class_weights: (C,) how many pixels of the samples each pixel of a class stands for.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.intp]
    units: NDArray[np.intp]
    class_weights: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """(P,) how many pixels of the samples each pixel stands for."""
        return self.class_weights[self.targets]

    def select(self, chosen: NDArray[np.bool_]) -> "LabeledPixels":
        """The pixels where `chosen` (P,) is true."""
        return LabeledPixels(
            self.logits[chosen], self.targets[chosen], self.units[chosen], self.class_weights
        )


@torch.inference_mode()
def labeled_pixels(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> LabeledPixels:
    """The logits of labeled samples, of each class at most `MOST_OF_A_CLASS` pixels.

    Void pixels, and those of a class that is never answered, are left out. Where no groups are
    known, or only one, each sample is a group.

    Args:
        segmenter: In evaluation mode and not calibrated.
        samples: Labeled samples, possibly of several sizes.
        taxonomy: The C classes.
        device: Where to compute; None: on the CPU.
        precision: Arithmetic of the network.
    """
    device = device or torch.device("cpu")
    segmenter = segmenter.to(device).eval()
    totals = class_pixels(samples, taxonomy).sum(axis=0)
    totals[segmenter.masked_classes.cpu().numpy()] = 0
    shares = np.minimum(1.0, MOST_OF_A_CLASS / np.maximum(totals, 1)) * (totals > 0)
    unit_of_sample = sample_units(samples)

    logits, targets, units = [], [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for index in range(len(samples)):
            mask = samples[index].mask
            assert mask is not None
            keep = _drawn(mask, shares, index)
            answer = segmenter(as_tensor([samples.images[index]]).to(device))[0]
            logits.append(answer.float().cpu().numpy()[:, keep].T)
            targets.append(mask[keep].astype(np.intp))
            units.append(np.full(int(keep.sum()), unit_of_sample[index]))
    together = np.concatenate(targets)
    kept = np.bincount(together, minlength=len(taxonomy))
    return LabeledPixels(
        logits=np.concatenate(logits),
        targets=together,
        units=np.concatenate(units),
        class_weights=totals / np.maximum(kept, 1),
    )


def _drawn(mask: NDArray[np.uint8], shares: NDArray[np.float64], index: int) -> NDArray[np.bool_]:
    """(H, W) which pixels of sample `index` are kept, by the share of their class."""
    wanted = np.zeros(256)
    wanted[: len(shares)] = shares
    drawn: NDArray[np.bool_] = np.random.default_rng(index).random(mask.shape) < wanted[mask]
    return drawn


def sample_units(samples: SegmentationDataset) -> NDArray[np.intp]:
    """(N,) the number of each sample's group.

    Where no groups are known, or only one, each sample is a group.
    """
    names = samples.groups if samples.groups and len(set(samples.groups)) > 1 else samples.names
    numbers: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return numbers
