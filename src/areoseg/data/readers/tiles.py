"""Reduce frames and cut them into tiles."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.errors import AreosegError


def check_tile_and_scale(tile: tuple[int, int] | None, scale: float) -> None:
    """Refuse a tile or a scale that means nothing.

    Raises:
        AreosegError: `tile` is not two positive whole numbers, or `scale` is not in (0, 1].
    """
    if not 0 < scale <= 1:
        raise AreosegError(f"scale {scale}: give a number above 0 and at most 1, such as 0.25")
    whole = tile is None or (len(tile) == 2 and all(isinstance(side, int) for side in tile))
    if not whole or (tile is not None and min(tile) < 1):
        raise AreosegError(f"tile {tile}: give height and width in pixels, such as (64, 128)")


def reduced_image(levels: NDArray[Any], scale: float) -> NDArray[Any]:
    """Gray levels (H, W) made smaller by area averaging; the number type stays."""
    if scale == 1:
        return levels
    # In float, since Pillow rounds 8 bits twice, after rows and after columns.
    picture = PIL.Image.fromarray(levels.astype(np.float32))
    averaged = np.asarray(picture.resize(_reduced_size(levels, scale), PIL.Image.Resampling.BOX))
    return np.rint(averaged).astype(levels.dtype) if levels.dtype.kind == "u" else averaged


def reduced_mask(mask: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Class indices (H, W) made smaller: each new pixel takes the old one nearest its center."""
    if scale == 1:
        return mask
    picture = PIL.Image.fromarray(mask)
    return np.asarray(picture.resize(_reduced_size(mask, scale), PIL.Image.Resampling.NEAREST))


def tile_corners(size: tuple[int, int], tile: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The top left corners (y, x) of the tiles that cover a frame, row by row.

    Tiles do not overlap, except that the last row and the last column are shifted inwards where
    the frame is no multiple of the tile: every pixel is in a tile, and every tile is full.
    """
    height, width = size
    for y in _starts(height, tile[0]):
        for x in _starts(width, tile[1]):
            yield y, x


def _starts(length: int, tile: int) -> list[int]:
    starts = list(range(0, length - tile + 1, tile))
    if starts[-1] + tile < length:
        starts.append(length - tile)
    return starts


def _reduced_size(values: NDArray[Any], scale: float) -> tuple[int, int]:
    """Width and height, as Pillow wants them."""
    height, width = values.shape
    return max(1, round(width * scale)), max(1, round(height * scale))
