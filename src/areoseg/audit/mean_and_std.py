"""Brightness and roughness around each pixel."""

import numpy as np
from scipy import ndimage

from areoseg.audit.thumbnails import Floats


def mean_and_std(values: Floats, side: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation (H, W) of the `side` x `side` values around each of (H, W)."""
    mean = ndimage.uniform_filter(values, side)
    variance = ndimage.uniform_filter(values * values, side) - mean * mean
    return mean, np.sqrt(np.maximum(variance, 0))
