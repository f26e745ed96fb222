"""Masks and gray images as color pictures."""

import numpy as np
from numpy.typing import NDArray

from areoseg.data.samples import ImageArray
from areoseg.data.samples import Mask
from areoseg.taxonomy import Taxonomy

VOID_COLOR = (255, 0, 255)
RGB = NDArray[np.uint8]


def gray(image: ImageArray) -> NDArray[np.uint8]:
    """An image (H, W), uint8 or float in 0..1, as uint8."""
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)


def color_mask(mask: Mask, taxonomy: Taxonomy) -> RGB:
    """The mask (H, W) as a picture (H, W, 3); void pixels are magenta."""
    palette = np.full((256, 3), VOID_COLOR, dtype=np.uint8)
    palette[: len(taxonomy)] = taxonomy.colors
    return palette[mask]


def overlay(image: ImageArray, mask: Mask, taxonomy: Taxonomy, *, opacity: float = 0.45) -> RGB:
    """The image (H, W) with its mask laid over it in color, (H, W, 3)."""
    base = gray(image)[..., np.newaxis].astype(np.float32)
    mixed = (1 - opacity) * base + opacity * color_mask(mask, taxonomy)
    return mixed.round().astype(np.uint8)
