"""How the classes of a set usually look, and how well each mask agrees with that.

A class is a normal distribution of brightness and texture, measured on the set itself (quadratic
discriminant analysis). That is no segmenter, but it tells sky from rock, and needs no training.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.mean_and_std import mean_and_std
from areoseg.audit.thumbnails import Floats
from areoseg.audit.window_features import reduced
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import VOID
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask

GRID = 20
"""Images are looked at in 20 x 20 points, spread evenly."""

FEWEST_POINTS = 500
"""A class with fewer points in the whole set is not judged."""

LEAST = -5.0
"""Log-probabilities count down to this; beyond it a point is just wrong."""

BLOCK = 1024
"""Images that are compared at once; it bounds the memory."""


def look_of_points(image: ImageArray) -> Floats:
    """Eleven numbers for each of 20 x 20 points: brightness and texture at several scales.

    Returns:
        (400, 11), row by row.
    """
    levels = reduced(image)
    mean3, std3 = mean_and_std(levels, 3)
    mean9, std9 = mean_and_std(levels, 9)
    mean17 = ndimage.uniform_filter(levels, 17)
    roughness = np.log1p(std3)
    rough9, spread9 = mean_and_std(roughness, 9)
    height, width = levels.shape
    rows = np.broadcast_to(np.linspace(0, 1, height)[:, None], (height, width))
    numbers = (
        np.log(mean9 + 5),  # below some 5 gray levels brightness is noise of the camera
        roughness,
        rough9,
        spread9**2,
        ndimage.uniform_filter(roughness, 17),
        np.log1p(std9),
        mean3 / (mean9 + 5),
        mean9 / (mean17 + 5),
        rows,
        np.full_like(levels, np.log(levels.mean() + 5)),
        np.full_like(levels, roughness.mean()),
    )
    return np.stack([grid_points(number).ravel() for number in numbers], axis=1).astype(np.float32)


def grid_points(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The values (H, W) at 20 x 20 points, which a mirror leaves in place."""
    rows, columns = (((np.arange(GRID) + 0.5) * side / GRID).astype(int) for side in values.shape)
    return values[np.ix_(rows, columns)]


def mask_fits(
    samples: SegmentationDataset, chunks: Chunks | None = None
) -> dict[str, NDArray[np.float64]]:
    """How well the masks agree with how the classes look, as they are and mirrored.

    Args:
        samples: N samples with masks.
        chunks: How the work is spread over threads, shown, and kept.

    Returns:
        Mean log-probabilities (N,) of the points' classes: `best`, of the likeliest class of every
        point; `own`, of the mask; `left-right` and `top-bottom`, of the mask mirrored. Points of
        void or of a rare class do not count, and a sample without others has 0 throughout.
    """
    points = (chunks or Chunks()).each("appearance", _points, samples)
    looks, labels = points["look"], points["label"]
    judged = np.bincount(labels.ravel(), minlength=VOID + 1) >= FEWEST_POINTS
    judged[VOID] = False
    classes = np.flatnonzero(judged)
    fits = {key: np.zeros(len(samples)) for key in ("best", "own", "left-right", "top-bottom")}
    if not len(classes):
        return fits
    normals = [_Normal(looks, labels == value) for value in classes]
    position = np.full(VOID + 1, -1)
    position[classes] = np.arange(len(classes))
    for block in _blocks(len(samples)):
        fit = np.stack([normal.log_density(looks[block]) for normal in normals], axis=-1)
        fit -= fit.max(axis=-1, keepdims=True)
        fit -= np.log(np.exp(fit).sum(axis=-1, keepdims=True))
        fit = np.maximum(fit, LEAST)
        label = position[labels[block]].reshape(-1, GRID, GRID)
        versions = {
            "own": label,
            "left-right": label[:, :, ::-1],
            "top-bottom": label[:, ::-1],
        }
        fits["best"][block] = _mean_where(fit.max(axis=-1), label.reshape(len(label), -1) >= 0)
        for key, version in versions.items():
            chosen = version.reshape(len(label), -1)
            taken = np.take_along_axis(fit, np.maximum(chosen, 0)[..., None], axis=-1)[..., 0]
            fits[key][block] = _mean_where(taken, chosen >= 0)
    return fits


class _Normal:
    """A normal distribution, measured on some of the points (N, 400, D)."""

    def __init__(self, looks: NDArray[np.float16], chosen: NDArray[np.bool_]) -> None:
        total, squares, count = np.zeros(looks.shape[2]), np.zeros((looks.shape[2],) * 2), 0
        for block in _blocks(len(looks)):
            some = looks[block][chosen[block]].astype(np.float64)
            total, squares, count = total + some.sum(0), squares + some.T @ some, count + len(some)
        self.mean = (total / count).astype(np.float32)
        covariance = squares / count - np.outer(total, total) / count**2
        covariance += 1e-3 * np.eye(len(covariance))
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        self.whitening = root.T.astype(np.float32)
        self.log_volume = -float(np.log(np.diag(root)).sum())

    def log_density(self, looks: NDArray[np.float16]) -> Floats:
        """The log density (n, 400) of points (n, 400, D), but for a constant of all classes."""
        white = (looks.astype(np.float32) - self.mean) @ self.whitening
        return np.asarray(-0.5 * (white**2).sum(axis=-1) - self.log_volume, dtype=np.float32)


def _points(samples: SegmentationDataset) -> Arrays:
    """The look (N, 400, 11), in half precision to save memory, and the label (N, 400) of points."""
    masks: list[Mask] = [] if samples.masks is None else list(samples.masks)
    return {
        "look": np.stack([look_of_points(image) for image in samples.images]).astype(np.float16),
        "label": np.stack([grid_points(mask).ravel() for mask in masks]),
    }


def _mean_where(values: Floats, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Row means (n,) of the chosen values (n, points); 0 where none is."""
    count = np.maximum(chosen.sum(axis=1), 1)
    return np.asarray((values * chosen).sum(axis=1, dtype=np.float64) / count)


def _blocks(count: int) -> Iterator[slice]:
    """Slices that go through `count` images."""
    for start in range(0, count, BLOCK):
        yield slice(start, start + BLOCK)
