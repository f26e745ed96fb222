"""Outlines of drawings: sharp steps in brightness that end on a flat, bright side."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.thumbnails import Floats
from areoseg.audit.window_features import mean_of_loudest, reduced, window_pixels
from areoseg.data.scenes import Image

NEAR = 7
"""Side in pixels of the neighbourhood in which a step and its bright side are looked for."""

OVEREXPOSED = 254.5
"""Grey level from which on pixels are flat because the camera counts no further."""


def outline_strengths(image: Image) -> NDArray[np.float64]:
    """How strong the outlines are in each window of an image.

    A photograph is rough on both sides of a sharp edge; what is drawn or painted is not. For each
    pixel, the strength is the logarithm of the contrast within 7x7 pixels over the roughness of the
    flattest 3x3 pixels on the bright side of them, both as standard deviations. A window has the
    mean of its strongest quarter.

    Args:
        image: (H, W), both sides at least 3 pixels.

    Returns:
        (windows,), in the order of `windows`.
    """
    levels = reduced(image)
    mean, roughness = _mean_and_log_deviation(levels, 3)
    middle, contrast = _mean_and_log_deviation(levels, NEAR)
    bright_side = (mean > middle) & (levels < OVEREXPOSED)
    flattest = ndimage.minimum_filter(np.where(bright_side, roughness, np.float32(np.inf)), NEAR)
    strength = np.where(np.isfinite(flattest), contrast - flattest, np.float32(0))
    return mean_of_loudest(window_pixels(strength))


def _mean_and_log_deviation(levels: Floats, side: int) -> tuple[Floats, Floats]:
    """Mean of the pixels around each pixel, and the logarithm of 1 + their deviation."""
    mean = ndimage.uniform_filter(levels, side)
    variance = ndimage.uniform_filter(levels * levels, side) - mean * mean
    return mean, np.log1p(np.sqrt(np.maximum(variance, 0)))
