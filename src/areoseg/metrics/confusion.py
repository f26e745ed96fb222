"""Confusion matrices, and pixel counts per class."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from areoseg.metrics.stacks import Labels, check_pair, check_values, stacks_of_one_size
from areoseg.taxonomy import VOID

Counts = NDArray[np.number[Any]]
"""Pixel counts: int64, or float64 for sums of resamples and for expected values."""


def confusion_matrix(prediction: Labels, target: Labels, classes: int) -> NDArray[np.int64]:
    """Count the pixels of each pair of true and predicted class.

    Args:
        prediction: Class indices 0 to `classes` - 1, any shape.
        target: Class indices or `VOID`, the same shape. `VOID` pixels are ignored.
        classes: Number of classes, C.

    Returns:
        (C, C) int64: rows are true classes, columns predicted ones.

    Raises:
        AreosegError: The shapes differ, or a value is not a class index.
    """
    check_pair(prediction, target)
    check_values(prediction, target, classes)
    counts = _count_pairs(prediction.reshape(1, -1), target.reshape(1, -1), classes)
    return counts.reshape(classes, classes)


def confusion_per_image(
    predictions: Sequence[Labels] | Labels, targets: Sequence[Labels] | Labels, classes: int
) -> NDArray[np.int64]:
    """Compute one confusion matrix per image, for the bootstrap; they sum to that of the dataset.

    Args:
        predictions: N masks (H, W), possibly of different sizes, or one array (N, H, W).
        targets: N masks, each the size of its prediction. `VOID` pixels are ignored.
        classes: Number of classes, C.

    Returns:
        (N, C, C) int64: rows are true classes, columns predicted ones.

    Raises:
        AreosegError: The numbers, sizes, dtypes or values of the masks do not match.
    """
    confusions = np.zeros((len(targets), classes, classes), dtype=np.int64)
    for stack in stacks_of_one_size(predictions, targets, classes):
        images = len(stack.indices)
        confusions[stack.indices] = _count_pairs(
            stack.predictions.reshape(images, -1), stack.targets.reshape(images, -1), classes
        )
    return confusions


def _count_pairs(predictions: Labels, targets: Labels, classes: int) -> NDArray[np.int64]:
    """Map indices (n, P) to counts (n, C, C) by one bincount over image, truth and prediction."""
    images = len(targets)
    first_bin = np.arange(images, dtype=np.intp)[:, np.newaxis] * classes**2
    bins = first_bin + targets.astype(np.intp) * classes + predictions.astype(np.intp)
    counts = np.bincount(bins[targets != VOID], minlength=images * classes**2)
    return counts.reshape(images, classes, classes).astype(np.int64)


class ClassCounts(NamedTuple):
    """Pixel counts of each class; all arrays are (..., C).

    Attributes:
        hits: Pixels of the class that are predicted as the class.
        truth: Pixels of the class in the ground truth.
        predicted: Pixels predicted as the class.
    """

    hits: Counts
    truth: Counts
    predicted: Counts

    @property
    def union(self) -> Counts:
        """Pixels that are the class in the ground truth, in the prediction, or in both."""
        return self.truth + self.predicted - self.hits


def class_counts(confusion: Counts) -> ClassCounts:
    """Return the pixel counts (..., C) of each class in confusion matrices (..., C, C)."""
    return ClassCounts(
        hits=np.diagonal(confusion, axis1=-2, axis2=-1),
        truth=confusion.sum(axis=-1),
        predicted=confusion.sum(axis=-2),
    )


def ratio(numerator: Counts, denominator: Counts) -> NDArray[np.float64]:
    """Return `numerator` / `denominator`, NaN where the denominator is zero."""
    quotient = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient
