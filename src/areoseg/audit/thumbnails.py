"""Small pictures of equal size, by which images of any size can be compared."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from areoseg.utils.images import ImageArray

Floats = NDArray[np.float32]


def gray_levels(image: ImageArray) -> Floats:
    """An image (H, W), uint8 or float in 0..1, as float32 in 0..255."""
    levels = image.astype(np.float32)
    return levels if image.dtype == np.uint8 else levels * np.float32(255)


def thumbnail(image: ImageArray, side: int) -> Floats:
    """The image as a square (side, side) of gray levels 0..255, each pixel an average.

    Args:
        image: (H, W).
        side: Pixels of the square; height and width are scaled each by its own factor.
    """
    small = Image.fromarray(gray_levels(image)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def detail(thumbnails: Floats) -> Floats:
    """What is between 1 and 4 pixels large in thumbnails (N, side, side): no shading, no noise.

    Returns:
        (N, side, side), a difference of two Gaussians.
    """
    fine = ndimage.gaussian_filter(thumbnails, (0, 1, 1))
    coarse = ndimage.gaussian_filter(thumbnails, (0, 4, 4))
    return np.asarray(fine - coarse, dtype=np.float32)
