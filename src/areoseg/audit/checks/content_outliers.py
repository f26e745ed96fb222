"""Detects images that differ from the rest: drawings, noise, test patterns, lens caps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.cache import Arrays
from areoseg.audit.checks.disputed_masks import mask_likelihoods
from areoseg.audit.context import AuditContext
from areoseg.audit.features import (
    downscale_factor,
    mean_of_top,
    outline_strengths,
    robust_distances,
    window_features,
    windows,
)
from areoseg.audit.findings import Action, Finding, Region
from areoseg.utils.images import ImageArray

REJECT_ABOVE = 5.5
"""Score above which an image is rejected; rover parts and horizons reach about 4.5."""

FLAG_ABOVE = 3.0
"""Score above which an image is flagged: about one normal rover image in a hundred."""

FLAG_ABOVE_IF_UNEXPLAINED = 2.0
"""Score above which an image is flagged if a model does not explain its mask either."""

UNEXPLAINED_ABOVE = 0.95
"""A mask is unexplained if a model finds more than this fraction of the masks more likely."""

MIN_IMAGES = 50
"""Minimum number of images; smaller sets do not show what is normal."""

OUTLINE_SPREAD = 0.6
"""Common interquartile range of the outline strengths, on a logarithmic scale."""

MIN_OUTLINE_RANGE = 0.2
"""Smallest interquartile range by which outline strengths are divided."""


@dataclass(frozen=True)
class ContentScores:
    """How much each of N images differs from the rest.

    Attributes:
        part: (N,) distance of the most unusual quarter of its windows, 1 for the median image.
        whole: (N,) distance of its mean window, 1 for the median image.
        outline: (N,) strength of its strongest outlines, 1 for the median image.
        most_unusual_window: (N,) position of a window.
        strongest_outline_window: (N,) position of a window.
    """

    part: NDArray[np.float64]
    whole: NDArray[np.float64]
    outline: NDArray[np.float64]
    most_unusual_window: NDArray[np.int64]
    strongest_outline_window: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.float64]:
        """(N,) the maximum of the three distances."""
        return np.asarray(np.maximum.reduce([self.part, self.whole, self.outline]))


def find_content_outliers(context: AuditContext) -> Iterator[Finding]:
    """Reject images that differ strongly from the rest, and flag those that differ moderately.

    If class probabilities of a model are given, images whose mask the model does not explain are
    flagged at a lower score, but never rejected: a mask may disagree with a model for many reasons.
    """
    images = context.samples.images
    if len(images) < MIN_IMAGES:
        return
    scores = content_scores(context)
    total, surprise = scores.total, _surprise(context)
    unexplained = surprise > UNEXPLAINED_ABOVE
    outlying = (total > FLAG_ABOVE) | ((total > FLAG_ABOVE_IF_UNEXPLAINED) & unexplained)
    for index in np.flatnonzero(outlying).tolist():
        reason, region = _reason(scores, index, images[index])
        if unexplained[index]:
            reason += f"; a model explains {int(100 * surprise[index])}% of the masks better"
        action: Action = "reject" if total[index] > REJECT_ABOVE else "flag"
        yield context.flag(
            "content-outlier", index, total[index], reason, region=region, action=action
        )


def content_scores(context: AuditContext) -> ContentScores:
    """Compare brightness, texture and outlines of all images, by window and as a whole."""
    arrays = context.cache.compute("content", _describe, context.samples.images)
    starts = np.cumsum(arrays["windows"])[:-1]
    distances = np.split(robust_distances(arrays["features"]), starts)
    part = np.array([mean_of_top(of_image) for of_image in distances])
    return ContentScores(
        part=part / max(float(np.median(part)), 1e-6),
        whole=robust_distances(arrays["mean_features"]),
        outline=_relative_to_median(arrays["outline"]),
        most_unusual_window=np.array([of_image.argmax() for of_image in distances]),
        strongest_outline_window=arrays["outline_window"],
    )


def _describe(images: Sequence[ImageArray]) -> Arrays:
    """Return features and outlines of images; `features` has one row per window."""
    features = [window_features(image) for image in images]
    outlines = [outline_strengths(image) for image in images]
    return {
        "features": np.concatenate(features),
        "windows": np.array([len(rows) for rows in features]),
        "mean_features": np.stack([rows.mean(axis=0) for rows in features]),
        "outline": np.array([strengths.max() for strengths in outlines]),
        "outline_window": np.array([strengths.argmax() for strengths in outlines]),
    }


def _relative_to_median(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithms (N,) as multiples of their median, brought to a common spread."""
    low, middle, high = np.quantile(logarithms, (0.25, 0.5, 0.75))
    # The limit avoids an overflow.
    steps = np.minimum((logarithms - middle) / max(high - low, MIN_OUTLINE_RANGE), 8)
    return np.asarray(np.exp(OUTLINE_SPREAD * steps))


def _surprise(context: AuditContext) -> NDArray[np.float64]:
    """Return the fraction (N,) of the masks that the model finds more likely; 0 without a model."""
    count = len(context.samples)
    if not (context.has("probabilities") and context.has("masks")):
        return np.zeros(count)
    own = mask_likelihoods(context).own
    negative = -np.nan_to_num(own)  # a mask without judged labels does not count as unexplained
    return np.asarray(np.argsort(np.argsort(negative, kind="stable")) / count)


def _reason(scores: ContentScores, index: int, image: ImageArray) -> tuple[str, Region | None]:
    """Describe whether a part or the whole of the image is unusual, and return the part."""
    total = scores.total[index]
    distance = f"{total:.1f} times the usual distance from the rest"
    if total == scores.whole[index]:
        return f"unusual as a whole, {distance}", None
    drawn = total == scores.outline[index]
    position = scores.strongest_outline_window if drawn else scores.most_unusual_window
    region = _window_region(image, int(position[index]))
    row, column = (region[0] + region[2]) // 2, (region[1] + region[3]) // 2
    if drawn:
        return (
            f"sharp outlines of something flat, as if drawn, around row {row}, column {column}:"
            f" {total:.1f} times the usual strength"
        ), region
    return f"unusual around row {row}, column {column}, {distance}", region


def _window_region(image: ImageArray, window: int) -> Region:
    """Return the box of a window in pixels of the original image."""
    factor = downscale_factor(*image.shape)
    rows, columns = list(windows(*(side // factor for side in image.shape)))[window]
    top, left, bottom, right = rows.start, columns.start, rows.stop, columns.stop
    return top * factor, left * factor, bottom * factor, right * factor
