"""Windows of an image at a model's scale, and the way back to the scale of the image."""

from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from areoseg.inference.tiling import Probabilities
from areoseg.inference.tiling import Window
from areoseg.utils.images import ImageArray
from areoseg.utils.images import as_float

_MARGIN = 2
"""Pixels around a window that resampling may look at: one for bilinear, one for rounding."""


def read_window(
    image: ImageArray, valid: NDArray[np.bool_] | None, window: Window, size: tuple[int, int]
) -> NDArray[np.float32] | None:
    """A window of an image that is resized as a whole, without resizing the whole.

    Where the image becomes smaller, pixels are averaged over areas, as for training; where it
    becomes larger, it is interpolated bilinearly.

    Args:
        image: (H, W), uint8, or float32 in 0..1.
        valid: (H, W) bool, False where a pixel means nothing; such pixels are taken as 0. Or None.
        window: Which pixels, of the resized image.
        size: Height and width of the resized image.

    Returns:
        (h, w) float32 in 0..1, or None where no pixel is valid.
    """
    top, bottom, above = _extent(window.top, window.bottom, size[0], image.shape[0])
    left, right, before = _extent(window.left, window.right, size[1], image.shape[1])
    pixels = np.array(as_float(image[top:bottom, left:right]), order="C")  # never a view
    if valid is not None:
        seen = valid[top:bottom, left:right]
        if not seen.any():
            return None
        pixels = np.where(seen, pixels, np.float32(0))
    if tuple(size) == image.shape:
        return pixels
    down, across = image.shape[0] / size[0], image.shape[1] / size[1]
    wanted = window.right - window.left, window.bottom - window.top
    smaller = max(down, across) > 1
    picture = Image.fromarray(pixels)
    # Rounding must not carry the box over the border.
    behind = min(before + wanted[0] * across, picture.width)
    beneath = min(above + wanted[1] * down, picture.height)
    return np.array(
        picture.resize(
            wanted,
            Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR,
            box=(before, above, behind, beneath),
        ),
        dtype=np.float32,
    )


def _extent(start: int, stop: int, length: int, full: int) -> tuple[int, int, float]:
    """The source pixels of a window along one axis, and where in them the window begins."""
    if length == full:
        return start, stop, 0.0
    ratio = full / length
    first = max(0, int(start * ratio) - _MARGIN)
    return first, min(full, int(np.ceil(stop * ratio)) + _MARGIN), start * ratio - first


def resized_rows(
    blocks: Iterable[Probabilities],
    size: tuple[int, int],
    wanted: tuple[int, int],
) -> Iterator[Probabilities]:
    """Bring probabilities to another size, block of rows by block of rows.

    Interpolation is bilinear between pixel centers. Only a few rows are held.

    Args:
        blocks: The map (C, h, w) as blocks of rows from top to bottom.
        size: Its height and width.
        wanted: Height and width to bring it to.

    Yields:
        (C, n, W) float32: blocks of rows of the resized map.
    """
    # Rows above and below each wanted row's center, and the share of the one below.
    centers = np.clip((np.arange(wanted[0]) + 0.5) * size[0] / wanted[0] - 0.5, 0, size[0] - 1)
    above = centers.astype(np.int64)
    below = np.minimum(above + 1, size[0] - 1)
    share = (centers - above).astype(np.float32)[:, None]

    held: Probabilities | None = None
    first, row = 0, 0  # the first row that is held, and the next wanted one
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        stop = int(np.searchsorted(below, first + held.shape[1]))  # wanted rows that can be made
        if stop > row:
            upper, lower = held[:, above[row:stop] - first], held[:, below[row:stop] - first]
            yield _resized_columns(upper + (lower - upper) * share[row:stop], wanted[1])
            row = stop
        spent = min(int(above[row]) - first, held.shape[1]) if row < wanted[0] else held.shape[1]
        held, first = held[:, spent:], first + spent


def _resized_columns(rows: Probabilities, width: int) -> Probabilities:
    maps = torch.from_numpy(rows).unsqueeze(0)
    return functional.interpolate(maps, (rows.shape[1], width), mode="bilinear")[0].numpy()
