"""Read frames: decode, check, scale and cut them into tiles, and assemble a dataset.

Frames are read one by one in a few threads, so that only a few of them are in memory at full size.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.data.readers.formats import LazyFrame
from areoseg.data.readers.intensity import (
    IntensityRange,
    intensity_range,
    is_eight_bit,
    measured_levels,
    merged_range,
    to_image,
    white_level,
)
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import MARS, VOID
from areoseg.utils.images import Mask

N_TASKS = 256
"""Approximate number of tasks for the threads; one task per small frame would be overhead."""


@dataclass(frozen=True)
class TiledFrame:
    """A decoded frame, as one or more tiles.

    Attributes:
        name: Name of the frame.
        names: Name of each tile; the frame's name if it was not cut.
        tiles: Image of each tile, (h, w) uint8, uint16 or float32, with the gray levels of the
            file; pixels without a measurement are 0.
        masks: Mask of each tile, or None; pixels without a measurement are void.
        not_ground: Pixels of each tile that are certainly not ground, or None if unknown.
        range: Range of the frame's gray levels before scaling.
        file: The file that contains several frames, or None.
        where: Name of the frame in messages.
        missing: Number of pixels without a measurement.
        colored: Whether color was converted to gray.
        warnings: Choices that the reader of the file made.
    """

    name: str
    names: list[str]
    tiles: list[NDArray[Any]]
    masks: list[Mask] | None
    not_ground: list[NDArray[np.bool_]] | None
    range: IntensityRange
    file: str | None
    where: str
    missing: int
    colored: bool
    warnings: tuple[str, ...]


def read_frames(
    frames: Sequence[LazyFrame],
    *,
    tile: tuple[int, int] | None,
    scale: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[TiledFrame]:
    """Read all frames, several at a time.

    Args:
        frames: The frames to read.
        tile: Height and width of the tiles to cut, or None to keep frames whole.
        scale: Factor for the sides of frames before they are cut, in (0, 1].
        progress: Called repeatedly with the numbers of frames read and of all frames.

    Raises:
        AreosegError: A frame cannot be read; the first one is reported.
    """
    tiled: list[TiledFrame] = []
    tasks = _tasks(frames)
    # Decoders release the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for done in pool.map(
            lambda task: [tile_frame(frame, tile, scale) for frame in task], tasks
        ):
            tiled += done
            if progress is not None:
                progress(len(tiled), len(frames))
    return tiled


def _tasks(frames: Sequence[LazyFrame]) -> list[list[LazyFrame]]:
    """Divide frames into tasks for the threads, without dividing a batch."""
    chunk = 1 + len(frames) // N_TASKS
    tasks: list[list[LazyFrame]] = []
    for frame in frames:
        task = tasks[-1] if tasks else []
        in_batch = bool(task) and frame.batch is not None and frame.batch == task[-1].batch
        if task and (len(task) < chunk or in_batch):
            task.append(frame)
        else:
            tasks.append([frame])
    return tasks


def tile_frame(frame: LazyFrame, tile: tuple[int, int] | None, scale: float) -> TiledFrame:
    """Decode one frame, scale it, and cut it into tiles.

    Raises:
        AreosegError: The frame cannot be read, or is smaller than a tile, or its mask has another
            size.
    """
    decoded = frame.read_image()
    levels, measured = measured_levels(decoded, frame.where), decoded.measured
    mask, not_ground = _mask_of(frame, levels.shape, measured, scale)
    image = reduced_image(levels, scale)
    if tile is None:
        names, windows = [frame.name], [(slice(None), slice(None))]
    else:
        names, windows = _windows(frame, image.shape, tile)
    return TiledFrame(
        name=frame.name,
        names=names,
        tiles=[image[window] for window in windows],
        masks=None if mask is None else [mask[window] for window in windows],
        not_ground=None if not_ground is None else [not_ground[window] for window in windows],
        range=intensity_range(levels, decoded.bits),
        file=frame.file,
        where=frame.where,
        missing=0 if measured is None else int(measured.size - np.count_nonzero(measured)),
        colored=decoded.colored,
        warnings=decoded.warnings,
    )


def _mask_of(
    frame: LazyFrame, size: tuple[int, ...], measured: NDArray[np.bool_] | None, scale: float
) -> tuple[Mask | None, NDArray[np.bool_] | None]:
    """Return the mask of a frame, and which of its pixels are certainly not ground, if known."""
    if frame.read_mask is None:
        return None, None
    mask = frame.read_mask()
    if mask.shape != size:
        raise AreosegError(
            f"{frame.where}: the image is {_by(size)} but its mask is {_by(mask.shape)}: give a"
            " mask of the size of its image"
        )
    not_ground = None
    if frame.read_not_ground is not None:
        not_ground = frame.read_not_ground(size)
        mask[not_ground] = MARS.background  # only formats of Mars have such masks
    if measured is not None:
        mask = np.where(measured, mask, np.uint8(VOID))
    if not_ground is None:
        return reduced_mask(mask, scale), None
    reduced = reduced_mask(not_ground.astype(np.uint8), scale)
    return reduced_mask(mask, scale), reduced.astype(bool)


def _windows(
    frame: LazyFrame, size: tuple[int, ...], tile: tuple[int, int]
) -> tuple[list[str], list[tuple[slice, slice]]]:
    """Return the names and windows of the tiles of a frame."""
    if tile[0] > size[0] or tile[1] > size[1]:
        raise AreosegError(
            f"{frame.where}: the scaled frame is {_by(size)}, too small for tiles of {_by(tile)}:"
            " choose smaller tiles"
        )
    corners = list(tile_corners((size[0], size[1]), tile))
    names = [f"{frame.name}@y{y:03d}x{x:03d}" for y, x in corners]
    return names, [(slice(y, y + tile[0]), slice(x, x + tile[1])) for y, x in corners]


def _by(size: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in size)


def to_dataset(
    frames: Sequence[TiledFrame],
    groups: Sequence[str | None],
    whites: Sequence[float | None],
    *,
    tiled: bool,
    splits: Sequence[str | None] | None = None,
) -> SegmentationDataset:
    """Return the tiles of all frames as one dataset, in order.

    The tiles are removed from `frames`, so that a large dataset is not in memory twice.

    Args:
        frames: The frames that were read.
        groups: Group of each frame, or None if it is unknown.
        whites: The white level of each frame, from `white_levels`.
        tiled: Whether frames were cut; if so, the tiles of a frame form a group.
        splits: The split of each frame by the dataset description, or None.
    """
    names: list[str] = []
    tile_groups: list[str] = []
    tile_splits: list[str | None] = []
    images: list[NDArray[Any]] = []
    masks: list[NDArray[np.uint8]] = []
    not_ground: list[NDArray[np.bool_] | None] = []
    for index, (frame, group, white) in enumerate(zip(frames, groups, whites, strict=True)):
        names += frame.names
        tile_groups += [group or frame.name] * len(frame.names)
        if splits is not None:
            tile_splits += [splits[index]] * len(frame.names)
        images += [to_image(tile, white) for tile in frame.tiles]
        not_ground += frame.not_ground or [None] * len(frame.names)
        frame.tiles.clear()
        if frame.masks is not None:
            masks += frame.masks
            frame.masks.clear()
    has_masks = bool(frames) and frames[0].masks is not None
    grouped = tiled or any(group is not None for group in groups)
    return SegmentationDataset(
        images=_stacked_if_equal(images),
        masks=_stacked_if_equal(masks) if has_masks else None,
        names=tuple(names),
        groups=tuple(tile_groups) if grouped and names else None,
        not_ground=not_ground if any(known is not None for known in not_ground) else None,
        splits=None if splits is None else tuple(tile_splits),
    )


def white_levels(frames: Sequence[TiledFrame]) -> list[float | None]:
    """Return the level of each frame that becomes 1; None if all frames stay uint8.

    Each file has a white level of its own, as in prediction.

    Raises:
        AreosegError: Levels of a frame exceed 65535 or are too far below 0.
    """
    files: dict[tuple[str, str], list[TiledFrame]] = {}
    for frame in frames:
        files.setdefault((frame.file or frame.where, frame.range.dtype), []).append(frame)
    whites: dict[int, float] = {}
    eight_bits = True
    for (where, _), members in files.items():
        merged = merged_range(frame.range for frame in members)
        white = white_level(merged, where)
        eight_bits &= is_eight_bit(merged, white)
        whites.update((id(frame), white) for frame in members)
    return [None if eight_bits else whites[id(frame)] for frame in frames]


def oddities(frames: Sequence[TiledFrame]) -> list[str]:
    """Return one line for each kind of anomaly that does not prevent reading."""
    kinds = [
        (
            "with missing pixels (nodata, transparent or NaN), which are read as 0 and ignored",
            [frame.name for frame in frames if frame.missing],
        ),
        (
            "constant, without contrast",
            [frame.name for frame in frames if frame.range.low == frame.range.high],
        ),
        ("in color, read as luminance", [frame.name for frame in frames if frame.colored]),
    ]
    choices = dict.fromkeys(warning for frame in frames for warning in frame.warnings)
    kinds += [
        (f"of which {choice}", [frame.name for frame in frames if choice in frame.warnings])
        for choice in choices
    ]
    return [
        f"{plural(len(names), 'image')} {what}: {shorten(names)}" for what, names in kinds if names
    ]


def mixed_depths(frames: Sequence[TiledFrame], whites: Sequence[float | None]) -> list[str]:
    """Return a line if images of one type, whose depth no file declares, got different depths.

    The highest level tells the depth of such an image; a very dark one is then read too bright.
    """
    lines = []
    for dtype, unit in (("uint16", "integers"), ("float32", "floats")):
        by_white: dict[float, list[str]] = {}
        for frame, white in zip(frames, whites, strict=True):
            if white is not None and frame.range.dtype == dtype and frame.range.bits is None:
                by_white.setdefault(white, []).append(frame.name)
        if len(by_white) > 1:
            parts = [f"{len(names)} to {white:g}" for white, names in sorted(by_white.items())]
            rarest = min(by_white.values(), key=len)
            lines.append(
                f"{unit} of undeclared depth are read by their highest level as gray levels up to"
                f" different whites ({', '.join(parts)}): check {shorten(rarest)}"
            )
    return lines


def _stacked_if_equal(arrays: list[NDArray[Any]]) -> Any:
    """Stack arrays of one size and empty the list; return the list if sizes differ."""
    if not arrays:
        return np.zeros((0, 0, 0), dtype=np.uint8)
    if len({array.shape for array in arrays}) > 1:
        return arrays
    stack = np.empty((len(arrays), *arrays[0].shape), dtype=arrays[0].dtype)
    for index in range(len(arrays) - 1, -1, -1):
        stack[index] = arrays.pop()
    return stack


def check_tile_and_scale(tile: tuple[int, int] | None, scale: float) -> None:
    """Check a tile size and a scale.

    Raises:
        AreosegError: `tile` is not two positive integers, or `scale` is not in (0, 1].
    """
    if not 0 < scale <= 1:
        raise AreosegError(f"scale {scale}: give a number above 0 and at most 1, such as 0.25")
    valid = tile is None or (len(tile) == 2 and all(isinstance(side, int) for side in tile))
    if not valid or (tile is not None and min(tile) < 1):
        raise AreosegError(f"tile {tile}: give height and width in pixels, such as (64, 128)")


def reduced_image(levels: NDArray[Any], scale: float) -> NDArray[Any]:
    """Downscale gray levels (H, W) by area averaging; the dtype is preserved."""
    if scale == 1:
        return levels
    # In float, since Pillow rounds 8-bit values twice, after rows and after columns.
    picture = PIL.Image.fromarray(levels.astype(np.float32))
    averaged = np.asarray(picture.resize(_reduced_size(levels, scale), PIL.Image.Resampling.BOX))
    return np.rint(averaged).astype(levels.dtype) if levels.dtype.kind == "u" else averaged


def reduced_mask(mask: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Downscale class indices (H, W): each new pixel gets the old one nearest to its center."""
    if scale == 1:
        return mask
    picture = PIL.Image.fromarray(mask)
    return np.asarray(picture.resize(_reduced_size(mask, scale), PIL.Image.Resampling.NEAREST))


def tile_corners(size: tuple[int, int], tile: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the top left corners (y, x) of the tiles that cover a frame, row by row.

    Tiles do not overlap, except that the last row and column are shifted inwards if the frame size
    is not a multiple of the tile size: every pixel is in a tile, and every tile is complete.
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
    """Return width and height, in Pillow's order."""
    height, width = values.shape
    return max(1, round(width * scale)), max(1, round(height * scale))
