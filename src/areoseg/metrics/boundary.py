"""Boundary IoU, which measures how well the outlines of the classes agree.

Cheng, Girshick, Dollár, Berg, Kirillov: "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR 2021, arXiv 2103.16562, equation 3. The boundary of a mask consists of
the pixels that d erosions with a 3x3 square remove, where d is 2 % of the image diagonal. As in the
authors' code, the image is padded with zeros before the erosion, so a mask that touches the image
border has a boundary there.

There are two differences from the paper, which scores single object masks. Intersections and unions
are summed over the dataset before the division. Pixels that do not count (void, and background if
the protocol excludes it) create no boundary next to them, neither for the truth nor for the
prediction, and are not counted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.metrics import protocols
from areoseg.metrics.confusion import ClassCounts, ratio
from areoseg.metrics.rates import mean_of_entering
from areoseg.metrics.stacks import Labels, Stack, stacks_of_one_size
from areoseg.taxonomy import MARS, VOID, Taxonomy

DIAGONAL_SHARE = 0.02
"""Width of the boundary as a fraction of the image diagonal, as in the paper."""


def boundary_width(height: int, width: int) -> int:
    """Return the width of the boundary in pixels: 2 % of the diagonal, rounded, at least 1."""
    return max(1, round(DIAGONAL_SHARE * float(np.hypot(height, width))))


def on_boundary(
    labels: NDArray[np.uint8], ignored: NDArray[np.bool_], width: int
) -> NDArray[np.bool_]:
    """Find the pixels on the boundary of their own class.

    These are the pixels with another class or the image border within `width` pixels along rows
    and columns, which are exactly those that `width` erosions with a 3x3 square remove from the
    mask of their class. So one pass suffices for all classes.

    Args:
        labels: (n, H, W) class indices.
        ignored: (n, H, W), true for pixels that do not count.
        width: Width of the boundary in pixels, at least 1.

    Returns:
        (n, H, W) bool, false where `ignored`.
    """
    window = (1, 2 * width + 1, 2 * width + 1)
    # Ignored pixels get a value that never becomes the only minimum or the only maximum.
    lowest = ndimage.minimum_filter(np.where(ignored, np.uint8(VOID), labels), window)
    highest = ndimage.maximum_filter(np.where(ignored, np.uint8(0), labels), window)
    boundary: NDArray[np.bool_] = lowest != highest
    boundary[:, :width] = boundary[:, -width:] = True
    boundary[:, :, :width] = boundary[:, :, -width:] = True
    return boundary & ~ignored


def boundary_counts(
    predictions: Sequence[Labels] | Labels,
    targets: Sequence[Labels] | Labels,
    protocol: str = "terrain",
    taxonomy: Taxonomy = MARS,
) -> ClassCounts:
    """Count the boundary pixels of each image and class.

    Args:
        predictions: N masks (H, W), possibly of different sizes, or one array (N, H, W).
        targets: N masks, each the size of its prediction. `VOID` pixels are ignored.
        protocol: A name in `PROTOCOLS`; determines whether background pixels are ignored too.
        taxonomy: The C classes.

    Returns:
        `hits` (boundary of both), `truth` and `predicted`, each (N, C) int64. Their sums over
        images go into `boundary_iou`.

    Raises:
        AreosegError: The protocol is unknown, or the masks do not match.
    """
    drops_background = protocols.protocol(protocol).drops_background
    counts = np.zeros((3, len(targets), len(taxonomy)), dtype=np.int64)
    for stack in stacks_of_one_size(predictions, targets, len(taxonomy)):
        ignored = stack.targets == VOID
        if drops_background:
            ignored |= stack.targets == taxonomy.background
        counts[:, stack.indices] = _count_stack(stack, ignored, len(taxonomy))
    return ClassCounts(*counts)


def boundary_iou(counts: ClassCounts) -> NDArray[np.float64]:
    """Compute the boundary IoU of each class.

    Args:
        counts: Boundary pixels, each array (..., C), summed over images.

    Returns:
        (..., C) in 0..1, NaN for classes without a boundary in the truth.
    """
    return np.where(counts.truth > 0, ratio(counts.hits, counts.union), np.nan)


def mean_boundary_iou(counts: ClassCounts, taxonomy: Taxonomy = MARS) -> NDArray[np.float64]:
    """Compute the mean boundary IoU of the terrain classes with a boundary in the truth.

    Args:
        counts: Boundary pixels, each array (..., C), summed over images.
        taxonomy: The C classes.

    Returns:
        (...) in 0..1, NaN if no terrain class has a boundary.
    """
    return mean_of_entering(boundary_iou(counts)[..., list(taxonomy.terrain)])


def _count_stack(stack: Stack, ignored: NDArray[np.bool_], classes: int) -> NDArray[np.int64]:
    """Return the counts (3, n, C) of hit, true and predicted boundary pixels."""
    targets, predictions = stack.targets.astype(np.uint8), stack.predictions.astype(np.uint8)
    width = boundary_width(*targets.shape[1:])
    truth = on_boundary(targets, ignored, width)
    predicted = on_boundary(predictions, ignored, width)
    hits = truth & predicted & (targets == predictions)
    return np.stack(
        [
            _count_classes(targets, hits, classes),
            _count_classes(targets, truth, classes),
            _count_classes(predictions, predicted, classes),
        ]
    )


def _count_classes(
    labels: NDArray[np.uint8], chosen: NDArray[np.bool_], classes: int
) -> NDArray[np.int64]:
    """Count the selected pixels of each image and class, (n, C)."""
    images = len(labels)
    first_bin = np.arange(images, dtype=np.intp)[:, np.newaxis, np.newaxis] * classes
    bins: NDArray[np.integer[Any]] = (first_bin + labels)[chosen]
    counts = np.bincount(bins, minlength=images * classes)
    return counts.reshape(images, classes).astype(np.int64)
