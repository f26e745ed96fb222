"""Pseudo-labels: confident predictions of a model as masks to train on.

Class-balanced self-training (Zou et al. 2018, arXiv 1810.07911): each class has its own threshold,
so that classes with generally low confidences keep their share.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError, one_line
from areoseg.metrics.confusion import ratio
from areoseg.runs.info import PseudoLabelInfo, SelfTrainingInfo
from areoseg.runs.run import Run
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.training.batches import Tensors, unit_float
from areoseg.utils.files import replacing

PSEUDO = "pseudo_labels.npz"
"""File of the samples in the run folder: `images` (N, H, W), `masks` (N, H, W), `names` (N)."""

CONFIDENCE_LEVELS = 65535
"""Confidences are stored as uint16 to save memory with many images."""

MAX_BATCH_PIXELS = 1 << 18


@dataclass(frozen=True)
class PseudoLabels:
    """Samples with pseudo-labels, and how these were selected.

    Attributes:
        samples: The samples with at least one pseudo-label; pixels without one are void.
        predicted: (C,) number of pixels predicted as each class.
        kept: (C,) number of these pixels that were kept.
        thresholds: (C,) lowest confidence that was kept, NaN for a class without predictions.
    """

    samples: SegmentationDataset
    predicted: NDArray[np.int64]
    kept: NDArray[np.int64]
    thresholds: NDArray[np.float64]

    def info(self, taxonomy: Taxonomy) -> dict[str, PseudoLabelInfo]:
        """Describe the pseudo-labels by class name."""
        columns = {
            "predicted": self.predicted / max(self.predicted.sum(), 1),
            "threshold": self.thresholds,
            "kept": ratio(self.kept, self.predicted),
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


@dataclass(frozen=True)
class PseudoSamples:
    """Pseudo-labeled samples to train on besides the labeled ones.

    Attributes:
        samples: Samples of one size; pixels without a pseudo-label are void.
        info: Their origin, and the share of labeled samples in each batch.
    """

    samples: SegmentationDataset
    info: SelfTrainingInfo

    def tensors(self, *, like: Tensors) -> Tensors:
        """Return the samples as tensors, after checking that they have the size of labeled samples.

        Raises:
            AreosegError: Their size differs.
        """
        check_same_size(self.samples, tuple(like.images.shape[1:]))
        return Tensors.of(self.samples)

    def save(self, folder: Path) -> None:
        """Write the samples into a run folder."""
        images, masks = self.samples.stacked()
        assert masks is not None
        with replacing(folder / PSEUDO) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file, images=images, masks=masks, names=np.array(self.samples.names)
            )

    @classmethod
    def of_run(cls, run: Run) -> "PseudoSamples | None":
        """Read the samples of a run; return None if it has none.

        Raises:
            AreosegError: Their file cannot be read, or does not belong to the run.
        """
        info = run.info.self_training
        if info is None:
            return None
        with reading(run.path / PSEUDO) as arrays:
            names = tuple(arrays["names"].tolist())
            samples = SegmentationDataset(arrays["images"], arrays["masks"], names)
        if fingerprint(samples) != info.fingerprint:
            raise AreosegError(
                f"cannot resume from {run.path / PSEUDO}: these are not the pseudo-labels that the"
                " run was started with; train again into another folder"
            )
        return cls(samples, info)


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """Open the arrays of pseudo-labels in a run folder.

    Raises:
        AreosegError: The file cannot be read.
    """
    try:
        # NumPy would leave a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise AreosegError(
            f"{path}: cannot read the pseudo-labels of this run ({one_line(error)}); train again"
            " into another folder"
        ) from None


def pseudo_label(
    predict: Callable[[Tensor], Tensor],
    samples: SegmentationDataset,
    *,
    classes: int,
    keep_fraction: float = 0.5,
    min_confidence: float = 0.5,
) -> PseudoLabels:
    """Pseudo-label samples with the confident predictions of a teacher.

    Args:
        predict: The teacher: maps images (n, 1, H, W) in 0..1 to probabilities (n, C, H, W)
            float32.
        samples: Images of one size.
        classes: Number of classes, C.
        keep_fraction: Share of the predictions of each class to keep, the most confident ones.
        min_confidence: Confidence in 0..1 below which no prediction is kept.

    Raises:
        AreosegError: An option is out of range, the images differ in size, or nothing is kept.
    """
    check_pseudo_label_options(keep_fraction, min_confidence)
    images, _ = samples.stacked()
    masks = np.empty(images.shape, np.uint8)
    confidences = np.empty(images.shape, np.uint16)
    batch_size = max(1, MAX_BATCH_PIXELS // images[0].size)
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        tensor = unit_float(torch.from_numpy(images[batch])).unsqueeze(1)
        best, index = predict(tensor).max(dim=1)
        masks[batch] = index.numpy()
        confidences[batch] = np.rint(best.numpy() * CONFIDENCE_LEVELS)
    thresholds = balanced_thresholds(
        masks,
        confidences,
        classes=classes,
        keep_fraction=keep_fraction,
        min_confidence=min_confidence * CONFIDENCE_LEVELS,
    )
    predicted = np.bincount(masks.ravel(), minlength=classes)
    masks[confidences < thresholds[masks]] = VOID
    kept = np.bincount(masks.ravel(), minlength=VOID + 1)[:classes]
    used = np.flatnonzero((masks != VOID).any(axis=(1, 2)))
    if not used.size:
        raise AreosegError(
            f"cannot label any pixel: no prediction has a confidence of {min_confidence}; lower the"
            " minimum confidence"
        )
    labeled = SegmentationDataset(images, masks, samples.names, samples.groups).select(used)
    return PseudoLabels(labeled, predicted, kept, thresholds / CONFIDENCE_LEVELS)


def balanced_thresholds(
    predictions: NDArray[np.integer[Any]],
    confidences: NDArray[Any],
    *,
    classes: int,
    keep_fraction: float,
    min_confidence: float,
) -> NDArray[np.float64]:
    """Find, for each class, the confidence above which the given share of its predictions lies.

    Args:
        predictions: Class indices, any shape.
        confidences: The same shape, in any unit.
        classes: Number of classes, C.
        keep_fraction: Share of the pixels of each class to keep, rounded up to whole pixels.
        min_confidence: The lowest threshold, in the unit of `confidences`.

    Returns:
        (C,) thresholds: a pixel is kept if its confidence is at least as high. NaN for a class
        without pixels.
    """
    thresholds = np.full(classes, np.nan)
    for index in range(classes):
        values = confidences[predictions == index]
        if values.size:
            position = values.size - int(np.ceil(keep_fraction * values.size))
            quantile = float(np.partition(values, position)[position])
            thresholds[index] = max(quantile, min_confidence)
    return thresholds


def check_pseudo_label_options(keep_fraction: float, min_confidence: float) -> None:
    """Check that both options are in range.

    Raises:
        AreosegError: An option is out of range.
    """
    if not 0 < keep_fraction <= 1:
        raise AreosegError(
            f"cannot keep a fraction of {keep_fraction}: give --keep-fraction above 0 and up to 1"
        )
    if not 0 <= min_confidence < 1:
        raise AreosegError(
            f"cannot use a minimum confidence of {min_confidence}: give --min-confidence from 0 to"
            " below 1"
        )


def check_same_size(samples: SegmentationDataset, size: tuple[int, ...]) -> None:
    """Check that samples can share a batch with labeled samples.

    Args:
        samples: Unlabeled or pseudo-labeled samples.
        size: Height and width of the labeled samples.

    Raises:
        AreosegError: A sample has a different size.
    """
    for name, image in zip(samples.names, samples.images, strict=True):
        if image.shape != size:
            height, width = image.shape
            raise AreosegError(
                f"cannot train on {name}: it has {height}x{width} pixels, but the labeled samples"
                f" {size[0]}x{size[1]}; give images of that size, or train on tiles with data.tile"
            )


def unseen_samples(
    samples: SegmentationDataset, labeled: SegmentationDataset, held_out: Iterable[str]
) -> SegmentationDataset:
    """Select the unlabeled samples that do not overlap with the labeled ones.

    Args:
        samples: Unlabeled samples.
        labeled: Labeled samples; unlabeled samples with the same image are excluded.
        held_out: Names of the labeled samples in `val` and `test`; unlabeled samples of their
            groups are excluded too.
    """
    names = set(held_out)
    labeled_images = {image.tobytes() for image in labeled.images}
    held_out_groups = {
        group
        for name, group in zip(labeled.names, labeled.groups or (), strict=False)
        if name in names
    }
    unseen = [
        index
        for index, image in enumerate(samples.images)
        if image.tobytes() not in labeled_images
        and (samples.groups is None or samples.groups[index] not in held_out_groups)
    ]
    return samples.select(unseen)
