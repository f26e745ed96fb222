"""Read frames one by one: decode, check, reduce, cut. No more than a few are held in full."""

import os
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.decode import Pixels
from areoseg.data.readers.depth import Range
from areoseg.data.readers.depth import narrow
from areoseg.data.readers.depth import range_of
from areoseg.data.readers.tiles import reduced_image
from areoseg.data.readers.tiles import reduced_mask
from areoseg.data.readers.tiles import tile_corners
from areoseg.errors import AreosegError
from areoseg.utils.images import Mask

TASKS = 256
"""Large sets are read in about so many tasks, since handing over a small frame takes its time."""


@dataclass(frozen=True)
class Frame:
    """An image, and its mask if there is one, that a format found and nobody has read yet.

    Attributes:
        name: Unique within its set.
        where: How a message names the frame, usually the path of its image.
        read_image: Decodes the image.
        read_mask: Decodes and checks the mask; None for a frame without one.
    """

    name: str
    where: str
    read_image: Callable[[], Pixels]
    read_mask: Callable[[], Mask] | None = None


@dataclass(frozen=True)
class CutFrame:
    """A frame that was read: one tile, or many.

    Attributes:
        name: The frame's name.
        names: One name a tile; the frame's own where it was not cut.
        tiles: One image a tile, (h, w) uint8, uint16 or float32, in the levels of the file.
        masks: One mask a tile, or None.
        range: The levels of the frame before it was reduced.
        holes: Whether NaN or infinite pixels were replaced by 0.
        colored: Whether color was lost.
    """

    name: str
    names: list[str]
    tiles: list[NDArray[Any]]
    masks: list[Mask] | None
    range: Range
    holes: bool
    colored: bool


def read_frames(
    frames: Sequence[Frame],
    *,
    tile: tuple[int, int] | None,
    scale: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[CutFrame]:
    """Read all frames in their order, several at a time.

    Args:
        frames: What to read.
        tile: Height and width of the tiles to cut, or None to keep frames whole.
        scale: What sides are multiplied by before that, in (0, 1].
        progress: Called now and then with the number of frames read and of all frames.

    Raises:
        AreosegError: The first frame that cannot be read.
    """
    cuts: list[CutFrame] = []
    some = 1 + len(frames) // TASKS
    tasks = [frames[start : start + some] for start in range(0, len(frames), some)]
    # Decoders let go of the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for made in pool.map(lambda task: [cut_frame(each, tile, scale) for each in task], tasks):
            cuts += made
            if progress is not None:
                progress(len(cuts), len(frames))
    return cuts


def cut_frame(frame: Frame, tile: tuple[int, int] | None, scale: float) -> CutFrame:
    """Decode one frame, reduce it, and cut it into tiles.

    Raises:
        AreosegError: The frame cannot be read, its mask has another size, or the tile is larger.
    """
    pixels = frame.read_image()
    levels, holes = without_holes(narrow(pixels.levels, frame.where))
    mask = _mask_of(frame, levels.shape, scale)
    image = reduced_image(levels, scale)
    if tile is None:
        names, windows = [frame.name], [(slice(None), slice(None))]
    else:
        names, windows = _windows(frame, image.shape, tile)
    return CutFrame(
        name=frame.name,
        names=names,
        tiles=[image[window] for window in windows],
        masks=None if mask is None else [mask[window] for window in windows],
        range=range_of(levels),
        holes=holes,
        colored=pixels.colored,
    )


def _mask_of(frame: Frame, size: tuple[int, ...], scale: float) -> Mask | None:
    if frame.read_mask is None:
        return None
    mask = frame.read_mask()
    if mask.shape != size:
        raise AreosegError(
            f"{frame.where}: the image is {_by(size)} but its mask {_by(mask.shape)}: a mask has"
            " the size of its image"
        )
    return reduced_mask(mask, scale)


def _windows(
    frame: Frame, size: tuple[int, ...], tile: tuple[int, int]
) -> tuple[list[str], list[tuple[slice, slice]]]:
    """The names of the tiles of a frame and where they lie."""
    if tile[0] > size[0] or tile[1] > size[1]:
        raise AreosegError(
            f"{frame.where}: the frame, scaled, is {_by(size)}, too small for tiles of"
            f" {_by(tile)}: choose smaller tiles"
        )
    corners = list(tile_corners((size[0], size[1]), tile))
    names = [f"{frame.name}@y{y:03d}x{x:03d}" for y, x in corners]
    return names, [(slice(y, y + tile[0]), slice(x, x + tile[1])) for y, x in corners]


def without_holes(levels: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Levels with NaN and infinite pixels replaced by 0, and whether there were any."""
    if levels.dtype.kind != "f":
        return levels, False
    finite = np.isfinite(levels)
    if finite.all():
        return levels, False
    return np.where(finite, levels, np.float32(0)), True


def _by(size: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in size)
