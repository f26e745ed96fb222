"""Gray images and masks as arrays: their types, conversions between depths, and colors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from areoseg.taxonomy import Taxonomy

if TYPE_CHECKING:
    from torch import Tensor

ImageArray = NDArray[np.uint8] | NDArray[np.float32]
"""A gray image (H, W): uint8, or float32 in 0..1 if the source has more than 8 bits."""

Mask = NDArray[np.uint8]
"""Class indices (H, W); ignored pixels are `VOID`."""

RGB = NDArray[np.uint8]
"""A color image (H, W, 3)."""

VOID_COLOR = (255, 0, 255)


def as_float(image: ImageArray) -> NDArray[np.float32]:
    """Return an image as float32 in 0..1: uint8 divided by 255, float32 unchanged."""
    values: NDArray[np.float32] = image.astype(np.float32, copy=False)
    return values / np.float32(255) if image.dtype == np.uint8 else values


def as_uint8(image: ImageArray) -> NDArray[np.uint8]:
    """Return an image as uint8: float in 0..1 clipped, scaled by 255 and rounded."""
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)


def as_tensor(images: Sequence[ImageArray] | ImageArray) -> "Tensor":
    """Return N images of one size as a tensor (N, 1, H, W), float32 in 0..1."""
    import torch

    return torch.from_numpy(np.stack([as_float(image) for image in images])).unsqueeze(1)


def color_mask(mask: Mask, taxonomy: Taxonomy) -> RGB:
    """Return an RGB image (H, W, 3) of a mask (H, W) in class colors; void pixels are magenta."""
    palette = np.full((256, 3), VOID_COLOR, dtype=np.uint8)
    palette[: len(taxonomy)] = taxonomy.colors
    return palette[mask]


def overlay(image: ImageArray, mask: Mask, taxonomy: Taxonomy, *, opacity: float = 0.45) -> RGB:
    """Return the image (H, W) blended with its colored mask (H, W, 3)."""
    base = as_uint8(image)[..., np.newaxis].astype(np.float32)
    mixed = (1 - opacity) * base + opacity * color_mask(mask, taxonomy)
    return mixed.round().astype(np.uint8)
