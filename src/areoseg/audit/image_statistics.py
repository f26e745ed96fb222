"""What can be said of an image in a few numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.thumbnails import gray_levels
from areoseg.data.samples import SegmentationDataset

WHITE = 255
"""The brightest gray level; images in 0..1 are multiplied by it."""


@dataclass(frozen=True)
class ImageStatistics:
    """A few numbers of each of N images; gray levels count 0 to 255.

    Attributes:
        height: (N,) pixels.
        width: (N,) pixels.
        darkest: (N,) lowest gray level.
        brightest: (N,) highest gray level.
        levels: (N,) how many different values the pixels have.
        black: (N,) share of the pixels at gray level 0.
        white: (N,) share of the pixels at gray level 255.
        mean: (N,) mean gray level.
        std: (N,) standard deviation of the gray levels.
        roughness: (N,) mean difference of pixels that lie side by side.
    """

    height: NDArray[np.int64]
    width: NDArray[np.int64]
    darkest: NDArray[np.float64]
    brightest: NDArray[np.float64]
    levels: NDArray[np.int64]
    black: NDArray[np.float64]
    white: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    roughness: NDArray[np.float64]


def image_statistics(samples: SegmentationDataset, chunks: Chunks | None = None) -> ImageStatistics:
    """The numbers of all images; samples must not be none."""
    unmasked = SegmentationDataset(samples.images, None, samples.names)
    return ImageStatistics(**(chunks or Chunks()).each("statistics", _statistics, unmasked))


def _statistics(samples: SegmentationDataset) -> Arrays:
    rows = []
    for image in samples.images:
        levels = gray_levels(image)
        values = np.unique(image) if image.dtype != np.uint8 else np.bincount(image.ravel())
        rows.append(
            (
                *image.shape,
                levels.min(),
                levels.max(),
                np.count_nonzero(values) if image.dtype == np.uint8 else len(values),
                (levels == 0).mean(),
                (levels >= WHITE).mean(),
                levels.mean(),
                levels.std(),
                np.abs(np.diff(levels, axis=1)).mean() if image.shape[1] > 1 else 0.0,
            )
        )
    columns = np.array(rows, dtype=np.float64).T
    whole = ("height", "width", "levels")
    names = ImageStatistics.__dataclass_fields__
    return {
        name: column.astype(np.int64) if name in whole else column
        for name, column in zip(names, columns, strict=True)
    }
