"""Brightness, texture and outlines of images, and distances of feature vectors from their bulk."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from areoseg.utils.images import ImageArray

WINDOW = 32
"""Side of a window in pixels; windows overlap by half."""

MAX_SHORT_SIDE = 128
"""Images whose shorter side is longer than this are downscaled by an integer factor first."""

TOP_SHARE = 0.25
"""Fraction of the values, the largest ones, that `mean_of_top` averages."""

EXTREME_SHARE = 0.2
"""Fraction of a window's pixels that count as the darkest, and as the brightest."""

NEIGHBORHOOD = 7
"""Side in pixels of the neighborhood that is searched for an edge and its bright side."""

OVEREXPOSED = 254.5
"""Gray level from which areas are flat because the sensor is saturated."""

BULK_SHARE = 0.8
"""Fraction of the samples whose mean and covariance describe the bulk."""

MAX_STEPS = 30
"""Maximum number of concentration steps."""

MIN_TAIL = 0.02
"""Smallest scale of a feature, so that rounding errors do not become outliers."""

Floats = NDArray[np.float32]


def gray_levels(image: ImageArray) -> Floats:
    """Return an image (H, W), uint8 or float in 0..1, as float32 in 0..255."""
    levels = image.astype(np.float32)
    return levels if image.dtype == np.uint8 else levels * np.float32(255)


def thumbnail(image: ImageArray, side: int) -> Floats:
    """Return the image (H, W) as gray levels 0..255 of (side, side), averaged over areas."""
    small = Image.fromarray(gray_levels(image)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def mean_and_std(values: Floats, side: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (H, W) of the `side` x `side` values around each pixel."""
    mean = ndimage.uniform_filter(values, side)
    variance = ndimage.uniform_filter(values * values, side) - mean * mean
    return mean, np.sqrt(np.maximum(variance, 0))


def downscale_factor(height: int, width: int) -> int:
    """Return the integer factor by which an image is downscaled before it is analyzed."""
    return max(1, -(-min(height, width) // MAX_SHORT_SIDE))


def downscaled(image: ImageArray) -> Floats:
    """Return gray levels averaged over squares of `downscale_factor` pixels, border cropped."""
    levels = gray_levels(image)
    factor = downscale_factor(*levels.shape)
    height, width = (side // factor for side in levels.shape)
    squares = levels[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float32)


def windows(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of each window of a downscaled image, from the top left."""
    for top in _window_starts(height):
        for left in _window_starts(width):
            yield slice(top, min(top + WINDOW, height)), slice(left, min(left + WINDOW, width))


def window_features(image: ImageArray) -> NDArray[np.float64]:
    """Compute twelve features of every window of an image.

    The brightness of a pixel is the mean of its 3x3 neighborhood, its roughness the logarithm of
    1 + the standard deviation. The features are quantiles over a window: of log brightness
    (5, 50, 95 %), of roughness (5, 25, 50, 75, 95 %), and of the roughness of the brightest and of
    the darkest fifth of its pixels (10, 50 %). The last four separate drawings, bright and flat,
    from sunlit ground, bright and rough.

    Args:
        image: (H, W), both sides at least 3 pixels.

    Returns:
        (windows, 12), in the order of `windows`.
    """
    mean, std = mean_and_std(downscaled(image), 3)
    brightness, roughness = _window_pixels(mean), _window_pixels(np.log1p(std))
    by_brightness = np.take_along_axis(roughness, brightness.argsort(axis=1), axis=1)
    count = max(1, int(EXTREME_SHARE * brightness.shape[1]))
    return np.concatenate(
        [
            # Below about 5 gray levels brightness is camera noise.
            np.log(5 + np.quantile(brightness, (0.05, 0.5, 0.95), axis=1)),
            np.quantile(roughness, (0.05, 0.25, 0.5, 0.75, 0.95), axis=1),
            np.quantile(by_brightness[:, -count:], (0.1, 0.5), axis=1),
            np.quantile(by_brightness[:, :count], (0.1, 0.5), axis=1),
        ]
    ).T


def outline_strengths(image: ImageArray) -> NDArray[np.float64]:
    """Compute the strength of drawing-like outlines in each window of an image.

    A photograph is rough on both sides of a sharp edge; a drawing is flat. The strength at a pixel
    is the logarithm of the contrast within 7x7 pixels over the roughness of the flattest 3x3 pixels
    on the bright side, both as standard deviations. A window gets the mean of its top quarter.

    Args:
        image: (H, W), both sides at least 3 pixels.

    Returns:
        (windows,), in the order of `windows`.
    """
    levels = downscaled(image)
    mean, std = mean_and_std(levels, 3)
    local_mean, contrast = mean_and_std(levels, NEIGHBORHOOD)
    bright_side = (mean > local_mean) & (levels < OVEREXPOSED)
    roughness = np.where(bright_side, np.log1p(std), np.float32(np.inf))
    flattest = ndimage.minimum_filter(roughness, NEIGHBORHOOD)
    strength = np.where(np.isfinite(flattest), np.log1p(contrast) - flattest, np.float32(0))
    return mean_of_top(_window_pixels(strength))


def mean_of_top(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the mean of the largest quarter of the values along the last axis."""
    count = max(1, round(TOP_SHARE * values.shape[-1]))
    top = np.partition(values, -count)[..., -count:]
    return np.asarray(top.mean(axis=-1, dtype=np.float64))


def robust_distances(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Mahalanobis distances from the bulk of the samples, divided by their median.

    Mean and covariance come from the nearest 80 % of the samples, found by the concentration steps
    of the minimum covariance determinant (Rousseeuw and Van Driessen 1999), started from all
    samples. Features are first scaled by their own tails, so that a long tail, for example
    the brightness of rover parts, counts less; and the covariance is shrunk towards a multiple of
    the identity by D / N, which stabilizes small sets. `sklearn.covariance.MinCovDet` does neither,
    is slower, and would flag a fifth more images at the same thresholds.

    Args:
        samples: (N, D) features.

    Returns:
        Distances (N,) with median 1.
    """
    scaled = _scaled_by_tails(samples)
    count, features = scaled.shape
    squared = np.asarray((scaled**2).sum(axis=1))
    for _ in range(MAX_STEPS):
        bulk = scaled[np.argsort(squared, kind="stable")[: max(2, int(BULK_SHARE * count))]]
        covariance = np.atleast_2d(np.cov(bulk.T))
        sphere = max(float(np.trace(covariance)) / features, 1e-6)
        covariance = covariance + features / count * sphere * np.eye(features)
        centered = scaled - bulk.mean(axis=0)
        previous, squared = squared, (centered * np.linalg.solve(covariance, centered.T).T).sum(1)
        if np.allclose(previous, squared):
            break
    distances = np.sqrt(squared)
    return np.asarray(distances / max(float(np.median(distances)), 1e-6))


def _scaled_by_tails(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return features in units of their own upper or lower tail, the 90 or 10 % quantile."""
    low, middle, high = np.quantile(samples, (0.1, 0.5, 0.9), axis=0)
    tail = np.where(samples > middle, high - middle, middle - low)
    return np.asarray((samples - middle) / np.maximum(tail, MIN_TAIL))


def _window_pixels(values: Floats) -> Floats:
    """Return the values (H, W) of a downscaled image by window: (windows, P)."""
    return np.stack([values[rows, columns].ravel() for rows, columns in windows(*values.shape)])


def _window_starts(length: int) -> list[int]:
    """Return where the windows along one side start; the last one ends at the border."""
    last = max(0, length - WINDOW)
    return [*range(0, last, WINDOW // 2), last]
