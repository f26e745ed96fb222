"""What confusion matrices say under a protocol: IoU, score, precision, recall, accuracy.

Every function takes a batch of matrices (..., C, C) as well as one matrix, int or float.
"""

import numpy as np
from numpy.typing import NDArray

from areoseg.metrics import protocols
from areoseg.metrics.confusion import ClassCounts
from areoseg.metrics.confusion import Counts
from areoseg.metrics.confusion import class_counts
from areoseg.metrics.confusion import ratio
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy


def class_iou(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Intersection over union of each class, hits / (truth + predicted - hits).

    Args:
        confusion: (..., C, C), rows are the true class, columns the predicted one.
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN where the class does not enter the protocol's mean.

    Raises:
        AreosegError: No such protocol, or matrices that are not of the taxonomy's size.
    """
    chosen = protocols.protocol(protocol)
    counts = class_counts(chosen.select(confusion, taxonomy))
    iou = ratio(counts.hits, counts.union)
    return np.where(chosen.enters(counts, taxonomy), iou, np.nan)


def mean_scores(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """The protocol's mean IoU of each matrix of a batch; see `score`.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (...) in 0..1, NaN where no class enters.
    """
    return mean_of_entering(class_iou(confusion, protocol, taxonomy))


def score(confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS) -> float:
    """The protocol's mean IoU of one confusion matrix over a whole data set.

    Args:
        confusion: (C, C), rows are the true class, columns the predicted one.
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        0..1, or NaN where no class enters: not one labeled pixel, say.

    Raises:
        AreosegError: No such protocol, or a matrix that is not of the taxonomy's size.
    """
    return float(mean_scores(confusion, protocol, taxonomy))


def precision(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Hits over predicted pixels of each class, among the pixels that the protocol counts.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN for a class that is never predicted, and for background where the
        protocol leaves out its truth.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    values = ratio(counts.hits, counts.predicted)
    if protocols.protocol(protocol).drops_background:
        values[..., taxonomy.background] = np.nan  # it could only be 0, which says nothing
    return values


def recall(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Hits over true pixels of each class, among the pixels that the protocol counts.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN for a class that has no true pixel.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    return ratio(counts.hits, counts.truth)


def pixel_accuracy(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """The share of rightly classified pixels, among the pixels that the protocol counts.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (...) in 0..1, NaN where no pixel counts.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    return ratio(counts.hits.sum(axis=-1), counts.truth.sum(axis=-1))


def mean_of_entering(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of the values that are not NaN; NaN where all are."""
    entering = ~np.isnan(values)
    total = np.where(entering, values, 0.0).sum(axis=-1)
    return ratio(total, np.asarray(entering.sum(axis=-1), dtype=np.int64))


def _selected_counts(confusion: Counts, protocol: str, taxonomy: Taxonomy) -> ClassCounts:
    return class_counts(protocols.protocol(protocol).select(confusion, taxonomy))
