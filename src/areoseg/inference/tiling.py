"""Split a large image into overlapping tiles and blend their probabilities without seams.

Each tile is weighted by a squared sine (a raised cosine) that rises from its edge over the overlap
with its neighbor. The weights of all tiles sum to one at every pixel. They do not decrease
towards the border of the image, where there is no neighbor.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.models.gate import choose_class
from areoseg.utils.images import ImageArray, Mask

Weights = NDArray[np.float32]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True, repr=False, eq=False)
class RowBlock:
    """Consecutive rows of an image with their class probabilities.

    Attributes:
        top: Index of the first row in the image.
        image: (h, W) uint8, or float32 in 0..1.
        probabilities: (C, h, W) float32, which sum to one over C.
        valid: (h, W) bool, False where the image has no data; None: all pixels are valid.
        background: Index of the background class.
        background_threshold: The probability above which a pixel is background; None: the most
            probable class is chosen.
    """

    top: int
    image: ImageArray
    probabilities: Probabilities
    valid: NDArray[np.bool_] | None = None
    background: int = 0
    background_threshold: float | None = None

    @cached_property
    def mask(self) -> Mask:
        """The class of each pixel, (h, W) uint8; see `areoseg.models.gate.choose_class`."""
        probabilities = torch.from_numpy(self.probabilities)[None]
        classes = choose_class(probabilities, self.background, self.background_threshold)[0]
        return classes.to(torch.uint8).numpy()

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of that class, (h, W) float32."""
        if self.background_threshold is None:
            best: NDArray[np.float32] = self.probabilities.max(axis=0)
            return best
        chosen: NDArray[np.float32] = np.take_along_axis(
            self.probabilities, self.mask[np.newaxis].astype(np.intp), axis=0
        )[0]
        return chosen


@dataclass(frozen=True)
class Span:
    """One tile along one axis: pixels `start` to `stop`, exclusive.

    Attributes:
        start: The first pixel.
        stop: One past the last pixel.
        weights: (stop - start,) float32, the blending weight of each pixel.
    """

    start: int
    stop: int
    weights: Weights


@dataclass(frozen=True)
class Window:
    """One tile: rows `top` to `bottom` and columns `left` to `right`, exclusive."""

    top: int
    bottom: int
    left: int
    right: int


def spans(length: int, tile: int, *, overlap: int, size_divisor: int = 1) -> list[Span]:
    """Cover an axis with overlapping tiles.

    Tiles start at multiples of the size divisor, so that a network with pooling sees the same grid
    in a tile as in the whole image. They are spread evenly, so overlaps may be somewhat longer than
    requested.

    Args:
        length: Length of the axis in pixels.
        tile: Length of a tile in pixels, a multiple of `size_divisor`; the last tile may be shorter
            by less than `size_divisor`.
        overlap: Minimum number of pixels that neighbors share, less than `tile`.
        size_divisor: See `Engine`.
    """
    starts = _starts(length, tile, overlap=overlap, size_divisor=size_divisor)
    stops = [min(start + tile, length) for start in starts]
    shared = [stop - start for stop, start in zip(stops[:-1], starts[1:], strict=True)]
    raw = [
        _rise(stop - start, before) * _rise(stop - start, after)[::-1]
        for start, stop, before, after in zip(
            starts, stops, [0, *shared], [*shared, 0], strict=True
        )
    ]
    total = np.zeros(length)
    for start, stop, weights in zip(starts, stops, raw, strict=True):
        total[start:stop] += weights
    return [
        Span(start, stop, (weights / total[start:stop]).astype(np.float32))
        for start, stop, weights in zip(starts, stops, raw, strict=True)
    ]


def _starts(length: int, tile: int, *, overlap: int, size_divisor: int) -> list[int]:
    """Return the first pixel of each tile: multiples of the divisor, as far apart as allowed."""
    steps_between = max(1, (tile - overlap) // size_divisor)
    last = max(0, -(-(length - tile) // size_divisor))  # in units of the divisor
    gaps = -(-last // steps_between)
    return [size_divisor * round(last * index / max(gaps, 1)) for index in range(gaps + 1)]


def _rise(length: int, overlap: int) -> NDArray[np.float64]:
    """Return weights that rise over the first `overlap` pixels and are one afterwards."""
    weights = np.ones(length)
    weights[:overlap] = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / max(overlap, 1)) ** 2
    return weights


def tile_windows(rows: list[Span], columns: list[Span]) -> list[Window]:
    """Return the tiles of an image in row-major order."""
    return [
        Window(row.start, row.stop, column.start, column.stop) for row in rows for column in columns
    ]


def blended_rows(
    rows: list[Span],
    columns: list[Span],
    classes: int,
    tiles: Iterable[Probabilities | None],
    *,
    max_rows: int,
) -> Iterator[Probabilities]:
    """Blend the tiles of an image and yield the rows from top to bottom.

    Only the rows of one tile are held in memory.

    Args:
        rows: Tiles along the height.
        columns: Tiles along the width.
        classes: Number of classes, C.
        tiles: Probabilities (C, h, w) float32 of the windows of `tile_windows`, in that order;
            None counts as zeros.
        max_rows: Maximum number of rows that are yielded at once.

    Yields:
        (C, n, width) float32: the next rows, n at most `max_rows`.
    """
    tallest = max(span.stop - span.start for span in rows)
    held = np.zeros((classes, tallest, columns[-1].stop), np.float32)
    tops = [span.start for span in rows] + [rows[-1].stop]
    following = iter(tiles)
    for row, next_top in zip(rows, tops[1:], strict=True):
        for column, tile in zip(columns, following, strict=False):
            if tile is not None:
                weights = row.weights[:, None] * column.weights
                held[:, : row.stop - row.start, column.start : column.stop] += tile * weights
        finished = next_top - row.start
        for top in range(0, finished, max_rows):
            yield held[:, top : min(top + max_rows, finished)].copy()
        held[:, : tallest - finished] = held[:, finished:]
        held[:, tallest - finished :] = 0
