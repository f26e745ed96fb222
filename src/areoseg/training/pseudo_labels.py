"""Pseudo-labels: what a model answers with confidence, as masks to train on.

Class-balanced self-training (Zou et al. 2018, arXiv 1810.07911): each class has a threshold of its
own, so that a class of which no model is ever sure keeps its share.
"""

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.metrics.confusion import ratio
from areoseg.runs.info import PseudoLabelInfo
from areoseg.taxonomy import VOID
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import unit_float

LEVELS = 65535
"""Confidences are held in 16 bits: of many images there are many."""

PASS_PIXELS = 1 << 18


@dataclass(frozen=True)
class PseudoLabels:
    """Samples with pseudo-labels, and how they were chosen.

    Attributes:
        samples: Those with at least one pseudo-label; pixels without are void.
        answered: (C,) pixels that were answered as each class.
        kept: (C,) pixels of these that were kept.
        thresholds: (C,) the least confidence that was kept, NaN for a class without answers.
    """

    samples: SegmentationDataset
    answered: NDArray[np.int64]
    kept: NDArray[np.int64]
    thresholds: NDArray[np.float64]

    def info(self, taxonomy: Taxonomy) -> dict[str, PseudoLabelInfo]:
        """Describe the pseudo-labels by class name."""
        columns = {
            "predicted": self.answered / max(self.answered.sum(), 1),
            "threshold": self.thresholds,
            "kept": ratio(self.kept, self.answered),
            "share": self.kept / max(self.kept.sum(), 1),
        }
        return {
            name: PseudoLabelInfo.model_validate(
                {
                    column: None if np.isnan(values[index]) else round(float(values[index]), 6)
                    for column, values in columns.items()
                }
            )
            for index, name in enumerate(taxonomy.names)
        }


def check_shares(keep: float, floor: float) -> None:
    """Refuse a share to keep or a least confidence that makes no sense.

    Raises:
        AreosegError: One does not.
    """
    if not 0 < keep <= 1 or not 0 <= floor < 1:
        raise AreosegError(
            f"keep={keep}, floor={floor}: keep a share above 0 and up to 1, with a floor from 0 to"
            " below 1"
        )


def balanced_thresholds(
    answers: NDArray[np.integer[Any]],
    confidences: NDArray[Any],
    *,
    classes: int,
    keep: float,
    floor: float,
) -> NDArray[np.float64]:
    """For each class the confidence above which the most confident share of its pixels lies.

    Args:
        answers: Class indices, any shape.
        confidences: The same shape, in any unit.
        classes: How many classes there are, C.
        keep: Share of the pixels of each class to keep, above 0 and up to 1, rounded up to whole
            pixels.
        floor: No threshold is lower.

    Returns:
        (C,) thresholds; a pixel is kept if its confidence is no lower. NaN where a class has no
        pixel.
    """
    thresholds = np.full(classes, np.nan)
    for index in range(classes):
        values = confidences[answers == index]
        if values.size:
            position = values.size - int(np.ceil(keep * values.size))
            thresholds[index] = max(float(np.partition(values, position)[position]), floor)
    return thresholds


def pseudo_label(
    answer: Callable[[Tensor], Tensor],
    samples: SegmentationDataset,
    *,
    classes: int,
    keep: float = 0.5,
    floor: float = 0.5,
) -> PseudoLabels:
    """Label unlabeled samples by the confident answers of a teacher.

    Args:
        answer: The teacher: gives probabilities (n, C, H, W) of images (n, 1, H, W), float32 in
            0..1.
        samples: Images of one size.
        classes: How many classes there are, C.
        keep: Share of the pixels of each class to keep, the most confident ones.
        floor: Confidence, 0 to 1, below which no pixel is kept.

    Raises:
        AreosegError: A number makes no sense, the images differ in size, or nothing is kept.
    """
    check_shares(keep, floor)
    images, _ = samples.stacked()
    answers = np.empty(images.shape, np.uint8)
    confidences = np.empty(images.shape, np.uint16)
    together = max(1, PASS_PIXELS // images[0].size)
    for start in range(0, len(images), together):
        chosen = slice(start, start + together)
        shown = unit_float(torch.from_numpy(images[chosen])).unsqueeze(1)
        best, index = answer(shown).max(dim=1)
        answers[chosen] = index.numpy()
        confidences[chosen] = np.rint(best.numpy() * LEVELS)
    thresholds = balanced_thresholds(
        answers, confidences, classes=classes, keep=keep, floor=floor * LEVELS
    )
    answered = np.bincount(answers.ravel(), minlength=classes)
    answers[confidences < thresholds[answers]] = VOID
    kept = np.bincount(answers.ravel(), minlength=VOID + 1)[:classes]
    used = np.flatnonzero((answers != VOID).any(axis=(1, 2)))
    if not used.size:
        raise AreosegError(f"no answer has a confidence of {floor}: lower the floor")
    labeled = SegmentationDataset(images, answers, samples.names, samples.groups).select(used)
    return PseudoLabels(labeled, answered, kept, thresholds / LEVELS)


def unseen_samples(
    samples: SegmentationDataset, labeled: SegmentationDataset, held_out: Iterable[str]
) -> SegmentationDataset:
    """The unlabeled samples that show nothing of the labeled ones.

    Args:
        samples: Unlabeled samples.
        labeled: Labeled samples: the same image among the unlabeled is left out.
        held_out: Names of the labeled samples for validation and test: unlabeled samples of their
            groups are left out as well.
    """
    names = set(held_out)
    known = {image.tobytes() for image in labeled.images}
    groups = {
        group
        for name, group in zip(labeled.names, labeled.groups or (), strict=False)
        if name in names
    }
    unseen = [
        index
        for index, image in enumerate(samples.images)
        if image.tobytes() not in known
        and (samples.groups is None or samples.groups[index] not in groups)
    ]
    return samples.select(unseen)
