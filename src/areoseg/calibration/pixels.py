"""Logits with the truth beside them: what a calibration is fitted to."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.scenes import Image, SceneSet, unit_image
from areoseg.data.split import class_pixels
from areoseg.device import Precision
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import Taxonomy

MOST_OF_A_CLASS = 250_000
"""Pixels of one class that are kept; of a commoner class a random share stands for all."""


@dataclass(frozen=True)
class LabelledPixels:
    """Pixels with logits, truth, and the group that they come from.

    Attributes:
        logits: (P, C) float32, before temperature and offsets.
        targets: (P,) class indices.
        units: (P,) the number of the group of each pixel, from 0.
        class_weights: (C,) how many pixels of the scenes each pixel of a class stands for.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.intp]
    units: NDArray[np.intp]
    class_weights: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """(P,) how many pixels of the scenes each pixel stands for."""
        return self.class_weights[self.targets]

    def select(self, chosen: NDArray[np.bool_]) -> "LabelledPixels":
        """The pixels where `chosen` (P,) is true."""
        return LabelledPixels(
            self.logits[chosen], self.targets[chosen], self.units[chosen], self.class_weights
        )


@torch.inference_mode()
def labelled_pixels(
    segmenter: Segmenter,
    scenes: SceneSet,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> LabelledPixels:
    """The logits of labelled scenes, of each class at most `MOST_OF_A_CLASS` pixels.

    Void pixels, and those of a class that is never answered, are left out. Where no groups are
    known, or only one, each scene is a group.

    Args:
        segmenter: In evaluation mode and not calibrated.
        scenes: Labelled scenes, possibly of several sizes.
        taxonomy: The C classes.
        device: Where to compute; None: on the CPU.
        precision: Arithmetic of the network.
    """
    device = device or torch.device("cpu")
    segmenter = segmenter.to(device).eval()
    totals = class_pixels(scenes, taxonomy).sum(axis=0)
    totals[segmenter.never.cpu().numpy()] = 0
    shares = np.minimum(1.0, MOST_OF_A_CLASS / np.maximum(totals, 1)) * (totals > 0)
    unit_of_scene = scene_units(scenes)

    logits, targets, units = [], [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for index in range(len(scenes)):
            mask = scenes[index].mask
            assert mask is not None
            keep = _drawn(mask, shares, index)
            answer = segmenter(_tensor(scenes.images[index]).to(device))[0]
            logits.append(answer.float().cpu().numpy()[:, keep].T)
            targets.append(mask[keep].astype(np.intp))
            units.append(np.full(int(keep.sum()), unit_of_scene[index]))
    together = np.concatenate(targets)
    kept = np.bincount(together, minlength=len(taxonomy))
    return LabelledPixels(
        logits=np.concatenate(logits),
        targets=together,
        units=np.concatenate(units),
        class_weights=totals / np.maximum(kept, 1),
    )


def _drawn(mask: NDArray[np.uint8], shares: NDArray[np.float64], index: int) -> NDArray[np.bool_]:
    """(H, W) which pixels of scene `index` are kept, by the share of their class."""
    wanted = np.zeros(256)
    wanted[: len(shares)] = shares
    drawn: NDArray[np.bool_] = np.random.default_rng(index).random(mask.shape) < wanted[mask]
    return drawn


def scene_units(scenes: SceneSet) -> NDArray[np.intp]:
    """(N,) the number of each scene's group.

    Where no groups are known, or only one, each scene is a group.
    """
    names = scenes.groups if scenes.groups and len(set(scenes.groups)) > 1 else scenes.names
    numbers: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return numbers


def _tensor(image: Image) -> torch.Tensor:
    """(1, 1, H, W) float32 in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(unit_image(image)))[None, None]
