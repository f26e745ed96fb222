"""Copy-paste of rare objects: cut them from training tiles, paste them into others.

The bank of objects must be cut from the training split only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.transforms.draws import uniform
from areoseg.transforms.registry import TRANSFORMS

EDGE_SIGMA = 1.0
"""Standard deviation, in pixels, of the Gaussian that blends the edge of an object."""

MARGIN = 3
"""Pixels of surroundings that are cut along with an object: three times `EDGE_SIGMA`."""


@dataclass(frozen=True)
class RareObject:
    """One object with a margin around it.

    Attributes:
        relief: (h, w) float32, gray values minus the mean of the object's surroundings.
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
        rare_class: Class index of the objects.
        objects: The objects, in the order of their tiles.
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
        smallest: Minimum number of pixels of an object; smaller ones are mostly edge.

    Returns:
        The bank; empty if no object is large enough.

    Raises:
        AreosegError: An image and its mask differ in size, or their numbers differ.
    """
    if len(images) != len(masks):
        raise AreosegError(f"{len(images)} images but {len(masks)} masks: give one mask per image")
    objects: list[RareObject] = []
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        if np.shape(image) != np.shape(mask):
            raise AreosegError(
                f"image {index} is {np.shape(image)} but its mask {np.shape(mask)}:"
                " give a mask of the image's size"
            )
        is_rare = np.asarray(mask) == rare_class
        if is_rare.any():
            objects += _cut_objects(_as_gray(np.asarray(image)), is_rare, smallest)
    return RareBank(rare_class=rare_class, objects=tuple(objects))


def _as_gray(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return gray values as float32 in 0..1."""
    scale = 255 if image.dtype == np.uint8 else 1
    return image.astype(np.float32) / np.float32(scale)


def _cut_objects(
    image: NDArray[np.float32], is_rare: NDArray[np.bool_], smallest: int
) -> list[RareObject]:
    """Cut the connected regions of `is_rare`, diagonals included, with their margin."""
    regions, _ = ndimage.label(is_rare, structure=np.ones((3, 3)))
    objects = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(regions), start=1):
        window = _widened(rows), _widened(columns)
        shape = regions[window] == number
        if shape.sum() < smallest:
            continue
        gray = image[window]
        around = gray[~is_rare[window]]
        level = around.mean() if around.size else gray.mean()
        blurred = ndimage.gaussian_filter(shape.astype(np.float32), EDGE_SIGMA, truncate=3)
        objects.append(
            RareObject(relief=gray - level, opacity=np.where(shape, 1, blurred), shape=shape)
        )
    return objects


def _widened(side: slice) -> slice:
    """Return `side` with the margin added; slicing limits it to the tile."""
    return slice(max(side.start - MARGIN, 0), side.stop + MARGIN)


@TRANSFORMS.register(
    "rare_paste",
    summary="paste objects of the rare class, cut from training tiles, with blended edges",
    paper="Ghiasi et al. 2021, Simple Copy-Paste, arXiv 2012.07177",
)
def rare_paste(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    rare_bank: RareBank,
    objects: Annotated[int, Field(ge=1, le=16)] = 2,
) -> tuple[Tensor, Tensor]:
    """Paste objects from the bank at random places (Ghiasi et al. 2021, arXiv 2012.07177).

    An object keeps its relief against its surroundings and adopts the brightness of its new place.
    It may be mirrored. Its edge is blended; its labels are not.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Random generator.
        rare_bank: The objects; not empty.
        objects: Maximum number of objects per tile; at least 1 is pasted.
    """
    samples = len(images)
    count = uniform(samples, low=1, high=objects + 1, generator=generator, like=images).long()
    draws = uniform(samples, objects, 4, low=0, high=1, generator=generator, like=images).tolist()
    new_images, new_masks = images.clone(), masks.clone()
    for sample in range(samples):
        for index, row, column, mirror in draws[sample][: int(count[sample])]:
            _paste(
                new_images[sample],
                new_masks[sample],
                rare_bank.objects[int(index * len(rare_bank))],
                mirrored=mirror < 0.5,
                place=(row, column),
                rare_class=rare_bank.rare_class,
            )
    return new_images, new_masks


def _paste(
    image: Tensor,
    mask: Tensor,
    rock: RareObject,
    *,
    mirrored: bool,
    place: tuple[float, float],
    rare_class: int,
) -> None:
    """Paste one object into one tile, in place; an object larger than the tile is cut to it.

    Args:
        image: (1, H, W), changed.
        mask: (H, W), changed.
        rock: The object.
        mirrored: Mirror it left and right.
        place: Position between the first and the last possible row and column, 0 to 1.
        rare_class: The label to write.
    """
    relief, opacity, shape = (
        torch.from_numpy(array[: mask.shape[0], : mask.shape[1]]).to(image.device)
        for array in (rock.relief, rock.opacity, rock.shape)
    )
    if mirrored:
        relief, opacity, shape = relief.flip(-1), opacity.flip(-1), shape.flip(-1)
    height, width = shape.shape
    top = int(place[0] * (mask.shape[0] - height + 1))
    left = int(place[1] * (mask.shape[1] - width + 1))
    window = slice(top, top + height), slice(left, left + width)
    under = image[:, window[0], window[1]]
    pasted = (relief + under.mean()).clamp(0, 1)
    image[:, window[0], window[1]] = torch.lerp(under, pasted.expand_as(under), opacity)
    mask[window] = mask[window].masked_fill(shape, rare_class)
