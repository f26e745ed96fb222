"""The bank of rare objects: every connected piece of one class, cut from the training tiles.

It must be cut from the training part of a split alone. This module imports no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.errors import AreosegError
from areoseg.utils.images import as_float

_MARGIN = 3
"""Pixels of surroundings that are cut along with an object, over which its edge is blended."""

_EDGE_SIGMA = 1.0
"""Standard std, in pixels, of the Gaussian that blends the edge; `_MARGIN` is three."""


@dataclass(frozen=True)
class RareObject:
    """One object with a margin of its surroundings.

    Attributes:
        relief: (h, w) float32, gray values less the mean of the object's surroundings.
        opacity: (h, w) float32, 1 on the object, falling to 0 over the margin.
        shape: (h, w) bool, the object itself.
    """

    relief: NDArray[np.float32]
    opacity: NDArray[np.float32]
    shape: NDArray[np.bool_]


@dataclass(frozen=True)
class RareBank:
    """The objects of one class.

    Attributes:
        rare_class: Their class index.
        objects: In the order of the tiles that they were cut from.
    """

    rare_class: int
    objects: tuple[RareObject, ...]

    def __len__(self) -> int:
        return len(self.objects)


def rare_object_bank(
    images: Sequence[NDArray[Any]] | NDArray[Any],
    masks: Sequence[NDArray[Any]] | NDArray[Any],
    rare_class: int,
    *,
    smallest: int = 12,
) -> RareBank:
    """Cut every object of a class from labeled tiles.

    Args:
        images: N tiles (H, W), uint8 or float in 0..1.
        masks: N masks of the same sizes.
        rare_class: The class index of the objects.
        smallest: Objects of fewer pixels are left out: at that size they are mostly edge.

    Returns:
        The bank; empty where no object is large enough.

    Raises:
        AreosegError: An image and its mask differ in size, or their numbers differ.
    """
    if len(images) != len(masks):
        raise AreosegError(f"{len(images)} images but {len(masks)} masks: give one an image")
    objects: list[RareObject] = []
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        if np.shape(image) != np.shape(mask):
            raise AreosegError(
                f"image {index} is {np.shape(image)} but its mask {np.shape(mask)}:"
                " give a mask of the image's size"
            )
        is_rare = np.asarray(mask) == rare_class
        if is_rare.any():
            objects += _cut_objects(as_float(np.asarray(image)), is_rare, smallest)
    return RareBank(rare_class=rare_class, objects=tuple(objects))


def _cut_objects(
    image: NDArray[np.float32], is_rare: NDArray[np.bool_], smallest: int
) -> list[RareObject]:
    """The connected pieces of `is_rare`, diagonals included, cut with their margin."""
    pieces, _ = ndimage.label(is_rare, structure=np.ones((3, 3)))
    objects = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(pieces), start=1):
        window = _widened(rows), _widened(columns)
        shape = pieces[window] == number
        if shape.sum() < smallest:
            continue
        gray = image[window]
        around = gray[~is_rare[window]]
        level = around.mean() if around.size else gray.mean()
        blurred = ndimage.gaussian_filter(shape.astype(np.float32), _EDGE_SIGMA, truncate=3)
        objects.append(
            RareObject(relief=gray - level, opacity=np.where(shape, 1, blurred), shape=shape)
        )
    return objects


def _widened(side: slice) -> slice:
    """`side` with the margin added; slicing cuts it to the tile."""
    return slice(max(side.start - _MARGIN, 0), side.stop + _MARGIN)
