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

OUTLINE_COLOR = (255, 255, 255)
"""Color of the outlines of `Taxonomy.outlined`."""


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


def overlay(
    image: ImageArray,
    mask: Mask,
    taxonomy: Taxonomy,
    *,
    opacity: float = 0.45,
    above: Mask | None = None,
    below: Mask | None = None,
) -> RGB:
    """Return the image (H, W) blended with its colored mask (H, W, 3).

    The classes in `Taxonomy.outlined` have an outline.

    Args:
        image: The image (H, W).
        mask: Class indices (H, W).
        taxonomy: The classes.
        opacity: Weight of the colors, in 0..1.
        above: The row (1, W) of the mask above, if this is a part of an image; or None.
        below: The row (1, W) below, or None.
    """
    base = as_uint8(image)[..., np.newaxis].astype(np.float32)
    mixed = (1 - opacity) * base + opacity * color_mask(mask, taxonomy)
    blended = mixed.round().astype(np.uint8)
    for index in taxonomy.outlined:
        inside = mask == index
        if inside.any():
            blended[outline(inside, above == index, below == index)] = OUTLINE_COLOR
    return blended


def outline(
    inside: NDArray[np.bool_],
    above: NDArray[np.bool_] | bool = False,
    below: NDArray[np.bool_] | bool = False,
) -> NDArray[np.bool_]:
    """Return the pixels of a region (H, W) with a neighbor outside it; borders do not count.

    Args:
        inside: The pixels of the region.
        above: The row (1, W) above, if this is a part of an image; else False.
        below: The row (1, W) below, else False.
    """
    padded = np.pad(inside, 1, mode="edge")
    for row, neighbors in ((0, above), (-1, below)):
        if isinstance(neighbors, np.ndarray):
            padded[row, 1:-1] = neighbors[0]
    kept = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: NDArray[np.bool_] = inside & ~kept
    return edge
