"""Images unlike the rest: drawings, noise, test patterns, lens caps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.findings import Region
from areoseg.audit.outlines import outline_strengths
from areoseg.audit.robust_distance import robust_distances
from areoseg.audit.window_features import mean_of_loudest
from areoseg.audit.window_features import reduction
from areoseg.audit.window_features import window_features
from areoseg.audit.window_features import windows
from areoseg.data.samples import SegmentationDataset
from areoseg.utils.images import ImageArray

REJECT_ABOVE = 5.5
"""Score above which an image is rejected; rover parts and horizons reach about 4.5."""

FLAG_ABOVE = 3.0
"""Score above which an image is flagged: about one ordinary rover image in a hundred."""

DOUBTED_ABOVE = 2.0
"""Score above which an image is flagged where a segmenter hardly explains it either."""

HARDLY_EXPLAINED = 0.95
"""Share of the masks that a segmenter must find likelier, on their images, than this one."""

FEWEST_IMAGES = 50
"""With fewer images there is no telling what is usual."""

SPREAD = 0.6
"""What the quartiles of the outlines are brought to, on a logarithmic scale, before they count."""

SMALLEST_SPREAD = 0.2
"""Quartiles of the outlines that are nearer than this are taken to be that far apart."""


@dataclass(frozen=True)
class ContentScores:
    """How unlike the rest each of N images is.

    Attributes:
        part: (N,) distance of its most unusual quarter, 1 for the median image.
        whole: (N,) distance of its mean, 1 for the median image.
        outline: (N,) strength of its strongest outlines, 1 for the median image.
        loudest: (N,) position of its most unusual window.
        sharpest: (N,) position of the window with the strongest outlines.
    """

    part: NDArray[np.float64]
    whole: NDArray[np.float64]
    outline: NDArray[np.float64]
    loudest: NDArray[np.int64]
    sharpest: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.float64]:
        """(N,) the largest of the three."""
        return np.asarray(np.maximum.reduce([self.part, self.whole, self.outline]))


def find_content_outliers(context: AuditContext) -> list[Finding]:
    """Reject images that are very unlike the rest and flag those that are rather so.

    What a segmenter is surprised by is further evidence, where there are its probabilities: it
    flags images that are less unlike the rest, and never rejects. It is weak by itself, since masks
    surprise a segmenter for many reasons. Sets of fewer than 50 images have no findings. The score
    is a distance from the bulk of all images, 1 for the median image.
    """
    samples = context.samples
    if len(samples) < FEWEST_IMAGES:
        return []
    scores = content_scores(samples.images, context.chunks)
    total = scores.total
    surprise = _surprise(context)
    hardly_explained = surprise > HARDLY_EXPLAINED
    found = (total > FLAG_ABOVE) | ((total > DOUBTED_ABOVE) & hardly_explained)
    findings = []
    for index in np.flatnonzero(found).tolist():
        reason, region = _reason(scores, index, samples.images[index])
        if hardly_explained[index]:
            reason += f"; a segmenter explains {int(100 * surprise[index])}% of the masks better"
        findings.append(
            Finding(
                index=index,
                name=samples.names[index],
                issue="content-outlier",
                score=float(total[index]),
                reason=reason,
                action="reject" if total[index] > REJECT_ABOVE else "flag",
                region=region,
            )
        )
    return findings


def content_scores(
    images: Sequence[ImageArray] | ImageArray, chunks: Chunks | None = None
) -> ContentScores:
    """Compare the brightness, texture and outlines of all images, in windows and as a whole.

    Args:
        images: N images.
        chunks: How the work is spread over threads, shown, and kept.
    """
    names = tuple(str(index) for index in range(len(images)))
    samples = SegmentationDataset(images, None, names)
    found = (chunks or Chunks()).each("content", _describe, samples)
    starts = np.cumsum(found["windows"])[:-1]
    distances = np.split(robust_distances(found["features"]), starts)
    part = np.array([mean_of_loudest(of_image) for of_image in distances])
    return ContentScores(
        part=part / max(float(np.median(part)), 1e-6),
        whole=robust_distances(found["mean_features"]),
        outline=_from_median(found["outline"]),
        loudest=np.array([of_image.argmax() for of_image in distances]),
        sharpest=found["sharpest"],
    )


def _describe(samples: SegmentationDataset) -> Arrays:
    """Features and outlines of some images; `features` has a row for each of their windows."""
    features = [window_features(image) for image in samples.images]
    outlines = [outline_strengths(image) for image in samples.images]
    return {
        "features": np.concatenate(features),
        "windows": np.array([len(rows) for rows in features]),
        "mean_features": np.stack([rows.mean(axis=0) for rows in features]),
        "outline": np.array([strengths.max() for strengths in outlines]),
        "sharpest": np.array([strengths.argmax() for strengths in outlines]),
    }


def _from_median(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms (N,) as factors from their median, brought to a common spread."""
    low, middle, high = np.quantile(logarithms, (0.25, 0.5, 0.75))
    # Far above the others is far enough: a number to show, not one to overflow.
    steps = np.minimum((logarithms - middle) / max(high - low, SMALLEST_SPREAD), 8)
    return np.asarray(np.exp(SPREAD * steps))


def _surprise(context: AuditContext) -> NDArray[np.float64]:
    """The share (N,) of the masks that a segmenter finds likelier; 0 where there is no segmenter.

    That is the rank of the segmenter's residual, the mean negative log-probability of the mask.
    """
    count = len(context.samples)
    if context.probabilities is None or context.samples.masks is None:
        return np.zeros(count)
    residual = -np.nan_to_num(context.segmenter_fits.own)  # a mask that is not judged: no surprise
    return np.asarray(np.argsort(np.argsort(residual, kind="stable")) / count)


def _reason(scores: ContentScores, index: int, image: ImageArray) -> tuple[str, Region | None]:
    """Whether a part or the whole of the image is unusual, and which part."""
    total = scores.total[index]
    distance = f"{total:.1f} times the usual distance from the rest"
    if total == scores.whole[index]:
        return f"unusual as a whole, {distance}", None
    drawn = total == scores.outline[index]
    region = _region(image, int((scores.sharpest if drawn else scores.loudest)[index]))
    row, column = (region[0] + region[2]) // 2, (region[1] + region[3]) // 2
    if drawn:
        what = f"sharp outlines of something flat, as if drawn, around row {row}, column {column}"
        return f"{what}: {total:.1f} times the usual strength", region
    return f"unusual around row {row}, column {column}, {distance}", region


def _region(image: ImageArray, window: int) -> Region:
    """The box of a window in the image itself."""
    factor = reduction(*image.shape)
    rows, columns = list(windows(*(side // factor for side in image.shape)))[window]
    return (
        rows.start * factor,
        columns.start * factor,
        rows.stop * factor,
        columns.stop * factor,
    )
