"""Metrics from confusion matrices under a protocol: IoU, precision, recall, accuracy.

Except for `score`, every function accepts a batch of matrices (..., C, C), int or float.
"""

import numpy as np
from numpy.typing import NDArray

from areoseg.metrics import protocols
from areoseg.metrics.confusion import ClassCounts, Counts, class_counts, ratio
from areoseg.taxonomy import MARS, Taxonomy


def class_iou(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Compute the IoU of each class, hits / (truth + predicted - hits).

    Args:
        confusion: (..., C, C); rows are true classes, columns predicted ones.
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN for classes that do not enter the protocol's mean.

    Raises:
        AreosegError: The protocol is unknown, or the matrices do not match the taxonomy.
    """
    chosen = protocols.protocol(protocol)
    counts = class_counts(chosen.select(confusion, taxonomy))
    iou = ratio(counts.hits, counts.union)
    return np.where(chosen.enters(counts, taxonomy), iou, np.nan)


def mean_scores(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Compute the protocol's mean IoU of each matrix of a batch; see `score`.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (...) in 0..1, NaN if no class enters.
    """
    return mean_of_entering(class_iou(confusion, protocol, taxonomy))


def score(confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS) -> float:
    """Compute the protocol's mean IoU from the confusion matrix of a whole dataset.

    Args:
        confusion: (C, C); rows are true classes, columns predicted ones.
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        A value in 0..1, or NaN if no class enters, for example without labeled pixels.

    Raises:
        AreosegError: The protocol is unknown, or the matrix does not match the taxonomy.
    """
    return float(mean_scores(confusion, protocol, taxonomy))


def precision(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Compute the precision of each class, hits / predicted, on the pixels that count.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN for classes that are never predicted, and for background if the
        protocol ignores it.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    values = ratio(counts.hits, counts.predicted)
    if protocols.protocol(protocol).drops_background:
        values[..., taxonomy.background] = np.nan  # always 0, which is meaningless
    return values


def recall(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Compute the recall of each class, hits / true pixels, on the pixels that count.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (..., C) in 0..1, NaN for classes without true pixels.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    return ratio(counts.hits, counts.truth)


def pixel_accuracy(
    confusion: Counts, protocol: str = "terrain", taxonomy: Taxonomy = MARS
) -> NDArray[np.float64]:
    """Compute the fraction of correctly classified pixels among those that count.

    Args:
        confusion: (..., C, C).
        protocol: A name in `PROTOCOLS`.
        taxonomy: The C classes.

    Returns:
        (...) in 0..1, NaN if no pixel counts.
    """
    counts = _selected_counts(confusion, protocol, taxonomy)
    return ratio(counts.hits.sum(axis=-1), counts.truth.sum(axis=-1))


def mean_of_entering(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the last axis, ignoring NaN; NaN if all values are NaN."""
    entering = ~np.isnan(values)
    total = np.where(entering, values, 0.0).sum(axis=-1)
    return ratio(total, np.asarray(entering.sum(axis=-1), dtype=np.int64))


def _selected_counts(confusion: Counts, protocol: str, taxonomy: Taxonomy) -> ClassCounts:
    return class_counts(protocols.protocol(protocol).select(confusion, taxonomy))
