"""Masks that do not fit their image, found without a segmentation model.

Each class has a typical appearance in the set: a normal distribution of brightness and texture
(quadratic discriminant analysis). The mask of another image assigns classes to ground that looks
different; a mirrored mask would fit better if it were mirrored back. Individual masks that are
shifted by a few pixels are not found; `edge_agreement` finds a shift that many masks share.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.cache import Arrays
from areoseg.audit.context import AuditContext, shared
from areoseg.audit.features import Floats, downscaled, mean_and_std
from areoseg.audit.findings import Finding
from areoseg.taxonomy import VOID
from areoseg.utils.images import ImageArray, Mask

MIN_SAMPLES = 50
"""Minimum number of samples; smaller sets do not show how a class looks."""

UNLIKELY_ABOVE = 4.0
"""Robust z-score above which a mask is flagged."""

MIRRORED_ABOVE = 0.3
"""Gain in mean log-probability above which a mask is taken to be mirrored."""

GRID = 20
"""Images are sampled at 20 x 20 points."""

MIN_POINTS = 500
"""Minimum number of points of a class in the whole set; rarer classes are not judged."""

MIN_LOG_PROBABILITY = -5.0
"""Lower limit of log-probabilities, which bounds the weight of a single point."""

BLOCK_SIZE = 1024
"""Images processed at once, which bounds the memory."""


def find_unlikely_masks(context: AuditContext) -> Iterator[Finding]:
    """Flag masks that are much less likely than most, given how their classes look elsewhere."""
    if len(context.samples) < MIN_SAMPLES:
        return
    lost = mask_fits(context)["best"] - mask_fits(context)["own"]
    centered = lost - np.median(lost)
    scores = centered / max(1.4826 * float(np.median(np.abs(centered))), 0.05)
    for index in np.flatnonzero(scores > UNLIKELY_ABOVE).tolist():
        distance = f"{scores[index]:.1f} robust standard deviations from the median"
        reason = f"its classes look different in the rest of the set, {distance}"
        yield context.flag("unlikely-mask", index, scores[index], reason)


def find_mirrored_masks(context: AuditContext) -> Iterator[Finding]:
    """Flag masks that would fit their image clearly better if they were mirrored."""
    if len(context.samples) < MIN_SAMPLES:
        return
    fits, mirrors = mask_fits(context), ("left-right", "top-bottom")
    gains = np.stack([fits[mirror] - fits["own"] for mirror in mirrors])
    best = gains.argmax(axis=0)
    for index in np.flatnonzero(gains.max(axis=0) > MIRRORED_ABOVE).tolist():
        reason = f"the mask fits the image better when mirrored {mirrors[best[index]]}"
        yield context.flag("mirrored-mask", index, gains[best[index], index], reason)


@shared
def mask_fits(context: AuditContext) -> dict[str, NDArray[np.float64]]:
    """Compute how well the masks agree with the appearance of the classes.

    Returns:
        Mean log-probabilities (N,) of the classes at the points: `best`, of the most likely
        classes; `own`, of the mask; `left-right` and `top-bottom`, of the mirrored mask. Points
        labeled void or a rare class do not count; a sample without other points gets 0.
    """
    points = context.cache.compute("appearance", _points, context.samples.images, context.masks)
    features, labels = points["features"], points["label"]
    judged = np.bincount(labels.ravel(), minlength=VOID + 1) >= MIN_POINTS
    judged[VOID] = False
    classes = np.flatnonzero(judged)
    fits = {key: np.zeros(len(labels)) for key in ("best", "own", "left-right", "top-bottom")}
    if not len(classes):
        return fits
    normals = [_Normal(features, labels == value) for value in classes]
    position = np.full(VOID + 1, -1)
    position[classes] = np.arange(len(classes))
    for block in _blocks(len(labels)):
        logs = np.stack([normal.log_density(features[block]) for normal in normals], axis=-1)
        logs -= logs.max(axis=-1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        logs = np.maximum(logs, MIN_LOG_PROBABILITY)
        label = position[labels[block]].reshape(-1, GRID, GRID)
        versions = {"own": label, "left-right": label[:, :, ::-1], "top-bottom": label[:, ::-1]}
        fits["best"][block] = _mean_where(logs.max(axis=-1), label.reshape(len(label), -1) >= 0)
        for key, version in versions.items():
            index = version.reshape(len(label), -1)
            values = np.take_along_axis(logs, np.maximum(index, 0)[..., None], axis=-1)[..., 0]
            fits[key][block] = _mean_where(values, index >= 0)
    return fits


def point_features(image: ImageArray) -> Floats:
    """Compute eleven features at 20 x 20 points: brightness and texture at several scales.

    Returns:
        (400, 11), row by row.
    """
    levels = downscaled(image)
    mean3, std3 = mean_and_std(levels, 3)
    mean9, std9 = mean_and_std(levels, 9)
    mean17 = ndimage.uniform_filter(levels, 17)
    roughness = np.log1p(std3)
    roughness9, roughness_std9 = mean_and_std(roughness, 9)
    height, width = levels.shape
    features = (
        np.log(mean9 + 5),  # below about 5 gray levels brightness is camera noise
        roughness,
        roughness9,
        roughness_std9**2,
        ndimage.uniform_filter(roughness, 17),
        np.log1p(std9),
        mean3 / (mean9 + 5),
        mean9 / (mean17 + 5),
        np.broadcast_to(np.linspace(0, 1, height)[:, None], (height, width)),  # row
        np.full_like(levels, np.log(levels.mean() + 5)),
        np.full_like(levels, roughness.mean()),
    )
    return np.stack([grid_points(each).ravel() for each in features], axis=1).astype(np.float32)


def grid_points(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the values (H, W) at 20 x 20 points that are symmetric under mirroring."""
    rows, columns = (((np.arange(GRID) + 0.5) * side / GRID).astype(int) for side in values.shape)
    return values[np.ix_(rows, columns)]


class _Normal:
    """A normal distribution, fitted to the selected points out of (N, 400, D)."""

    def __init__(self, features: NDArray[np.float16], selected: NDArray[np.bool_]) -> None:
        size = features.shape[2]
        total, squares, count = np.zeros(size), np.zeros((size, size)), 0
        for block in _blocks(len(features)):
            some = features[block][selected[block]].astype(np.float64)
            total, squares, count = total + some.sum(0), squares + some.T @ some, count + len(some)
        self.mean = (total / count).astype(np.float32)
        covariance = squares / count - np.outer(total, total) / count**2
        covariance += 1e-3 * np.eye(size)
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        self.whitening = root.T.astype(np.float32)
        self.log_volume = -float(np.log(np.diag(root)).sum())

    def log_density(self, features: NDArray[np.float16]) -> Floats:
        """Return log densities (n, 400), up to a constant that all classes share."""
        white = (features.astype(np.float32) - self.mean) @ self.whitening
        return np.asarray(-0.5 * (white**2).sum(axis=-1) - self.log_volume, dtype=np.float32)


def _points(images: Sequence[ImageArray], masks: Sequence[Mask]) -> Arrays:
    """Return features (N, 400, 11), in half precision to save memory, and labels (N, 400)."""
    return {
        "features": np.stack([point_features(image) for image in images]).astype(np.float16),
        "label": np.stack([grid_points(mask).ravel() for mask in masks]),
    }


def _mean_where(values: Floats, selected: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return row means (n,) of the selected values (n, points); 0 if none is selected."""
    count = np.maximum(selected.sum(axis=1), 1)
    return np.asarray((values * selected).sum(axis=1, dtype=np.float64) / count)


def _blocks(count: int) -> Iterator[slice]:
    """Yield slices of `BLOCK_SIZE` images."""
    for start in range(0, count, BLOCK_SIZE):
        yield slice(start, start + BLOCK_SIZE)
