"""Images unlike the rest: drawings, noise, test patterns, lens caps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.findings import Finding
from areoseg.audit.robust_distance import robust_distances
from areoseg.audit.window_features import reduction, window_features, windows
from areoseg.data.scenes import Image, SceneSet

REJECT_ABOVE = 5.5
"""Score above which an image is rejected; rover parts and horizons reach about 4.5."""

FLAG_ABOVE = 3.0
"""Score above which an image is flagged: at most one ordinary rover image in a hundred."""

FEWEST_IMAGES = 50
"""With fewer images there is no telling what is usual."""

LOUD_SHARE = 0.25
"""The share of an image's windows, the most unusual ones, that its score looks at."""


@dataclass(frozen=True)
class ContentScores:
    """How unlike the rest each of N images is.

    Attributes:
        part: (N,) distance of its most unusual quarter, 1 for the median image.
        whole: (N,) distance of its mean, 1 for the median image.
        loudest: (N,) position of its most unusual window.
    """

    part: NDArray[np.float64]
    whole: NDArray[np.float64]
    loudest: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.float64]:
        """(N,) the larger of both distances."""
        return np.maximum(self.part, self.whole)


def find_content_outliers(scenes: SceneSet) -> list[Finding]:
    """Reject images that are very unlike the rest and flag those that are rather so.

    Sets of fewer than 50 images have no findings. The score is a distance from the bulk of all
    images, 1 for the median image.
    """
    if len(scenes) < FEWEST_IMAGES:
        return []
    scores = content_scores(scenes.images)
    total = scores.total
    return [
        Finding(
            index=int(index),
            name=scenes.names[index],
            fault="content-outlier",
            score=float(total[index]),
            reason=_reason(scores, int(index), scenes.images[int(index)]),
            action="reject" if total[index] > REJECT_ABOVE else "flag",
        )
        for index in np.flatnonzero(total > FLAG_ABOVE)
    ]


def content_scores(images: Sequence[Image] | Image) -> ContentScores:
    """Compare the brightness and texture of all images, window by window and as a whole."""
    features = [window_features(image) for image in images]
    counts = [len(rows) for rows in features]
    distances = np.split(robust_distances(np.concatenate(features)), np.cumsum(counts)[:-1])
    part = np.array([_mean_of_loudest(of_image) for of_image in distances])
    return ContentScores(
        part=part / max(float(np.median(part)), 1e-6),
        whole=robust_distances(np.stack([rows.mean(axis=0) for rows in features])),
        loudest=np.array([of_image.argmax() for of_image in distances]),
    )


def _mean_of_loudest(distances: NDArray[np.float64]) -> float:
    """Mean of the largest quarter of the distances of one image's windows."""
    count = max(1, round(LOUD_SHARE * len(distances)))
    return float(np.sort(distances)[-count:].mean())


def _reason(scores: ContentScores, index: int, image: Image) -> str:
    """Whether a part or the whole of the image is unusual, and which part."""
    distance = f"{scores.total[index]:.1f} times the usual distance from the rest"
    if scores.whole[index] >= scores.part[index]:
        return f"unusual as a whole, {distance}"
    factor = reduction(*image.shape)
    rows, columns = list(windows(*(side // factor for side in image.shape)))[scores.loudest[index]]
    row, column = ((side.start + side.stop) // 2 * factor for side in (rows, columns))
    return f"unusual around row {row}, column {column}, {distance}"
