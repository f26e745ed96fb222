"""Outlines of drawings: sharp steps in brightness that end on a flat, bright side."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.mean_and_std import mean_and_std
from areoseg.audit.window_features import mean_of_loudest
from areoseg.audit.window_features import reduced
from areoseg.audit.window_features import window_pixels
from areoseg.utils.images import ImageArray

NEAR = 7
"""Side in pixels of the neighborhood in which a step and its bright side are looked for."""

OVEREXPOSED = 254.5
"""Gray level from which on pixels are flat because the camera counts no further."""


def outline_strengths(image: ImageArray) -> NDArray[np.float64]:
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
    mean, std = mean_and_std(levels, 3)
    middle, contrast = mean_and_std(levels, NEAR)
    bright_side = (mean > middle) & (levels < OVEREXPOSED)
    roughness = np.where(bright_side, np.log1p(std), np.float32(np.inf))
    flattest = ndimage.minimum_filter(roughness, NEAR)
    strength = np.where(np.isfinite(flattest), np.log1p(contrast) - flattest, np.float32(0))
    return mean_of_loudest(window_pixels(strength))
