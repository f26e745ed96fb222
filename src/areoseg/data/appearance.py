"""What the images of a dataset look like, in a few numbers, and how far an image is from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.utils.images import ImageArray, as_float

MIN_SIDE = 16
"""Height and width below which an image has no features."""

MAX_IMAGES = 500
"""Number of images that describe a dataset."""

_OCTAVES = 4
_TINY = 1e-4
_RIDGE = 1e-3  # added to the variances, so that constant features do not divide by 0
_MARGIN = 1.25


@dataclass(frozen=True)
class Appearance:
    """Mean and covariance of the image features of a dataset.

    Attributes:
        mean: (F,) mean features.
        covariance: (F, F) covariance of the features.
        limit: The distance beyond which an image is unlike the dataset: 1.25 times the 99.9th
            percentile of its own images.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    limit: float

    def distance(self, image: ImageArray) -> float:
        """Return the Mahalanobis distance of an image (H, W) from the dataset.

        Images smaller than `MIN_SIDE` have a distance of 0.
        """
        features = appearance_features(image)
        if features is None:
            return 0.0
        return float(_distances(features[None] - self.mean, self.covariance)[0])

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return {
            "mean": self.mean.round(5).tolist(),
            "covariance": self.covariance.round(6).tolist(),
            "limit": round(self.limit, 3),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Appearance":
        """Read the values that `to_json` returned.

        Raises:
            ValueError, KeyError, TypeError: They are not valid.
        """
        mean = np.asarray(values["mean"], np.float64)
        covariance = np.asarray(values["covariance"], np.float64)
        if covariance.shape != (len(mean), len(mean)):
            raise ValueError("mean and covariance do not fit each other")
        return cls(mean, covariance, float(values["limit"]))


def measure_appearance(images: Sequence[ImageArray] | ImageArray) -> Appearance | None:
    """Describe the images of a dataset, of which at most `MAX_IMAGES`, evenly spaced, are used.

    Args:
        images: Images (H, W), uint8 or float32 in 0..1.

    Returns:
        The description, or None if the images are too small or fewer than twice the features.
    """
    count = min(len(images), MAX_IMAGES)
    chosen = [appearance_features(images[i * len(images) // count]) for i in range(count)]
    rows = [features for features in chosen if features is not None]
    if not rows or len(rows) < 2 * len(rows[0]):
        return None
    features = np.stack(rows)
    mean = features.mean(axis=0)
    covariance = np.cov(features.T) + _RIDGE * np.eye(len(mean))
    own = _distances(features - mean, covariance)
    return Appearance(mean, covariance, _MARGIN * float(np.quantile(own, 0.999)))


def appearance_features(image: ImageArray) -> NDArray[np.float64] | None:
    """Return the features of an image (H, W), or None if it is smaller than `MIN_SIDE`.

    They are brightness (mean, low and high percentile, upper minus lower third), contrast,
    skewness and kurtosis, and at each of four octaves the horizontal gradient and its ratio to the
    vertical one, as logarithms.
    """
    if min(image.shape) < MIN_SIDE:
        return None
    levels = as_float(image).astype(np.float64)
    mean, std = levels.mean(), levels.std()
    standardized = (levels - mean) / (std + 1e-3)
    low, high = np.percentile(levels, (1, 99))
    thirds = np.array_split(levels, 3)
    features = [
        mean,
        low,
        high,
        thirds[0].mean() - thirds[2].mean(),
        np.log(std + 1e-3),
        float(np.clip((standardized**3).mean(), -3, 3)),
        np.log1p((standardized**4).mean()),
    ]
    octave = levels
    for _ in range(_OCTAVES):
        across = np.abs(np.diff(octave, axis=1)).mean() + _TINY
        down = np.abs(np.diff(octave, axis=0)).mean() + _TINY
        features += [np.log(across), np.log(down / across)]
        octave = _halved(octave)
    return np.array(features)


def _halved(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = (side // 2 for side in levels.shape)
    blocks = levels[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    halved: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return halved


def _distances(
    offsets: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the Mahalanobis norm of offsets (N, F)."""
    solved = np.linalg.solve(covariance, offsets.T).T
    distances: NDArray[np.float64] = np.sqrt((offsets * solved).sum(axis=1))
    return distances
