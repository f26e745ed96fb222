"""Brightness and texture of the windows of an image."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.mean_and_std import mean_and_std
from areoseg.audit.thumbnails import Floats
from areoseg.audit.thumbnails import gray_levels
from areoseg.utils.images import ImageArray

WINDOW = 32
"""Side of a window in pixels; windows overlap by half."""

LONGEST_SHORT_SIDE = 128
"""Images whose shorter side is longer are first reduced by a whole factor."""

LOUD_SHARE = 0.25
"""The share of the most unusual values that a score looks at."""

FIFTH = 0.2
"""Share of the pixels that count as the darkest, and as the brightest, of a window."""


def window_features(image: ImageArray) -> NDArray[np.float64]:
    """Twelve features of every window of an image.

    For each pixel, brightness is the mean of the 3x3 pixels around it, and roughness the logarithm
    of 1 + their standard deviation. The features of a window are quantiles: of log brightness
    (5, 50, 95 %), of roughness (5, 25, 50, 75, 95 %), and of the roughness of the brightest fifth
    and of the darkest fifth of its pixels (10, 50 %). The last four tell a drawing, bright and
    flat, from sunlit ground, bright and rough.

    Args:
        image: (H, W), both sides at least 3 pixels.

    Returns:
        (windows, 12).
    """
    mean, std = mean_and_std(reduced(image), 3)
    return _features(window_pixels(mean), window_pixels(np.log1p(std)))


def window_pixels(values: Floats) -> Floats:
    """The values (H, W) of a reduced image, window by window: (windows, P)."""
    return np.stack([values[rows, columns].ravel() for rows, columns in windows(*values.shape)])


def windows(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each window of a reduced image, from the top left."""
    for top in _starts(height):
        for left in _starts(width):
            yield slice(top, min(top + WINDOW, height)), slice(left, min(left + WINDOW, width))


def reduction(height: int, width: int) -> int:
    """The whole factor by which an image is reduced before its windows are cut."""
    return max(1, -(-min(height, width) // LONGEST_SHORT_SIDE))


def reduced(image: ImageArray) -> Floats:
    """The gray levels of an image, averaged over squares of `reduction` pixels.

    What is left at the border goes.
    """
    levels = gray_levels(image)
    factor = reduction(*levels.shape)
    height, width = (side // factor for side in levels.shape)
    squares = levels[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float32)


def mean_of_loudest(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The mean of the largest quarter of the values along the last axis."""
    count = max(1, round(LOUD_SHARE * values.shape[-1]))
    loudest = np.partition(values, -count)[..., -count:]
    return np.asarray(loudest.mean(axis=-1, dtype=np.float64))


def _features(brightness: Floats, roughness: Floats) -> NDArray[np.float64]:
    """The twelve features (windows, 12) of the pixels (windows, P) of windows."""
    from_dark_to_bright = np.take_along_axis(roughness, brightness.argsort(axis=1), axis=1)
    fifth = max(1, int(FIFTH * brightness.shape[1]))
    return np.concatenate(
        [
            # Below some 5 gray levels brightness is noise of the camera.
            np.log(5 + np.quantile(brightness, (0.05, 0.5, 0.95), axis=1)),
            np.quantile(roughness, (0.05, 0.25, 0.5, 0.75, 0.95), axis=1),
            np.quantile(from_dark_to_bright[:, -fifth:], (0.1, 0.5), axis=1),
            np.quantile(from_dark_to_bright[:, :fifth], (0.1, 0.5), axis=1),
        ]
    ).T


def _starts(length: int) -> list[int]:
    """Where the windows along one side start; the last one ends at the border."""
    last = max(0, length - WINDOW)
    return [*range(0, last, WINDOW // 2), last]
