"""Where a segmenter disagrees with the masks, and is as sure as it is where they agree.

Confident learning (Northcutt, Jiang and Chuang 2021): a class counts as answered with confidence
where its probability reaches the mean that it has on the pixels labeled with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.findings import Region
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.utils.images import Mask

Probabilities = Sequence[NDArray[np.floating[Any]]]
"""For each sample (C, H, W), from a segmenter that was not trained on it."""

RARELY_ANSWERED = 1e-3
"""A class whose mean probability over the set is lower is never answered, and not judged."""

SURER = 0.8
"""By how much the answer must be likelier than the label."""


@dataclass(frozen=True)
class WrongRegion:
    """Connected pixels of one label, on which the segmenter is sure of one other class.

    Attributes:
        box: The smallest box around them.
        label: The class that the mask gives.
        answer: The class that the segmenter gives.
        pixels: How many they are.
        surplus: How much likelier the answer is than the label, the mean over them, 0 to 1.
    """

    box: Region
    label: int
    answer: int
    pixels: int
    surplus: float

    @property
    def weight(self) -> float:
        """Pixels times surplus, by which regions are ranked."""
        return self.pixels * self.surplus


def check_probabilities(
    probabilities: Probabilities, samples: SegmentationDataset, classes: int
) -> None:
    """Refuse probabilities that do not fit the samples.

    Raises:
        AreosegError: They are too many, too few, or of another shape than (C, H, W).
    """
    if len(probabilities) != len(samples):
        raise AreosegError(
            f"probabilities for {len(probabilities)} of {len(samples)} samples: give one array each"
        )
    for name, each, image in zip(samples.names, probabilities, samples.images, strict=True):
        wanted = (classes, *image.shape)
        if each.shape != wanted:
            raise AreosegError(f"probabilities of {name}: shape {each.shape}, give {wanted}")


def class_confidence(
    probabilities: Probabilities, masks: Sequence[Mask] | Mask
) -> NDArray[np.float64]:
    """The mean probability (C,) of each class on the pixels that are labeled with it.

    A class that is never labeled, or never answered, has infinity: nothing reaches it.
    """
    classes = len(probabilities[0])
    total, everywhere = np.zeros(classes), np.zeros(classes)
    count, pixels = np.zeros(classes), 0
    for each, mask in zip(probabilities, masks, strict=True):
        exact = each.astype(np.float32)
        everywhere += exact.sum(axis=(1, 2), dtype=np.float64)
        pixels += mask.size
        for value in np.unique(mask[mask < classes]):
            labeled = mask == value
            total[value] += exact[value][labeled].sum(dtype=np.float64)
            count[value] += labeled.sum()
    judged = (count > 0) & (everywhere / pixels > RARELY_ANSWERED)
    return np.asarray(np.where(judged, total / np.maximum(count, 1), np.inf))


def wrong_regions(
    probabilities: NDArray[np.floating[Any]],
    mask: Mask,
    confidence: NDArray[np.float64],
    least: int,
) -> list[WrongRegion]:
    """The regions of a sample in which the segmenter disagrees with confidence, heaviest first.

    Args:
        probabilities: (C, H, W).
        mask: (H, W).
        confidence: (C,), from `class_confidence`.
        least: Pixels that a region must have.
    """
    exact = probabilities.astype(np.float32)
    answer = exact.argmax(axis=0)
    judged = (mask < len(exact)) & np.isfinite(confidence)[np.minimum(mask, len(exact) - 1)]
    label = np.where(judged, mask, 0)
    sure = np.take_along_axis(exact, answer[None], axis=0)[0]
    surplus = sure - np.take_along_axis(exact, label[None].astype(np.intp), axis=0)[0]
    wrong = judged & (answer != label) & (sure >= confidence[answer]) & (surplus >= SURER)
    found = []
    pairs = np.where(wrong, label.astype(np.int64) * len(exact) + answer, -1)
    for pair in np.unique(pairs[wrong]):
        parts, _ = ndimage.label(pairs == pair)
        pixels = np.bincount(parts.ravel())
        weights = np.bincount(parts.ravel(), weights=surplus.ravel())
        for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
            if pixels[number] >= least:
                found.append(
                    WrongRegion(
                        box=(rows.start, columns.start, rows.stop, columns.stop),
                        label=int(pair) // len(exact),
                        answer=int(pair) % len(exact),
                        pixels=int(pixels[number]),
                        surplus=float(weights[number] / pixels[number]),
                    )
                )
    return sorted(found, key=lambda region: -region.weight)
