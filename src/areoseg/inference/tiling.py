"""A large image as overlapping tiles, and their probabilities blended without seams.

Each tile counts with a weight that rises from its edge as a squared sine (a raised cosine) over
the overlap with its neighbor. The weights of all tiles sum to one at every pixel. At the border
of the image, where there is no neighbor, they do not fall.
"""

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """One tile along one axis.

    Attributes:
        start: Its first pixel.
        stop: The pixel behind its last.
        weights: (stop - start,) float32, the weight of each of its pixels.
    """

    start: int
    stop: int
    weights: Weights


@dataclass(frozen=True)
class Window:
    """One tile: rows `top` to `bottom` and columns `left` to `right`, without the last."""

    top: int
    bottom: int
    left: int
    right: int


def spans(length: int, tile: int, *, overlap: int, size_divisor: int = 1) -> list[Span]:
    """Cover an axis with overlapping tiles.

    Tiles begin at multiples of the size_divisor, so that a network which halves its maps sees the
    same grid in a tile as in the whole image. They are spread evenly, which makes overlaps somewhat
    longer than asked for.

    Args:
        length: Pixels of the axis.
        tile: Length of a tile, a multiple of `size_divisor`; the last one may be cut short by less
            than `size_divisor`.
        overlap: Pixels that neighbors share at least, less than `tile`.
        size_divisor: As for `Engine`.
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
    """First pixels of the tiles: multiples of `size_divisor`, spaced as widely as allowed."""
    steps_between = max(1, (tile - overlap) // size_divisor)
    last = max(0, -(-(length - tile) // size_divisor))  # in size_divisors
    gaps = -(-last // steps_between)
    return [size_divisor * round(last * index / max(gaps, 1)) for index in range(gaps + 1)]


def _rise(length: int, overlap: int) -> NDArray[np.float64]:
    """Weights that rise from the first pixel over `overlap` pixels and are one from there on."""
    weights = np.ones(length)
    weights[:overlap] = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / max(overlap, 1)) ** 2
    return weights


def blended_rows(
    rows: list[Span],
    columns: list[Span],
    classes: int,
    probabilities: Callable[[Window], Probabilities | None],
    *,
    most_rows: int,
) -> Iterator[Probabilities]:
    """Compute all tiles and yield the blended rows from top to bottom.

    No more than the rows of one tile are held.

    Args:
        rows: Tiles along the height.
        columns: Tiles along the width.
        classes: Number of classes, C.
        probabilities: Gives (C, h, w) float32 of a window, or None where nothing needs to be
            known; such a window counts as zeros.
        most_rows: Rows that are yielded at a time, at most.

    Yields:
        (C, n, width) float32: the next rows, n at most `most_rows`.
    """
    tallest = max(span.stop - span.start for span in rows)
    held = np.zeros((classes, tallest, columns[-1].stop), np.float32)
    tops = [span.start for span in rows] + [rows[-1].stop]
    for row, following in zip(rows, tops[1:], strict=True):
        for column in columns:
            found = probabilities(Window(row.start, row.stop, column.start, column.stop))
            if found is not None:
                weights = row.weights[:, None] * column.weights
                held[:, : row.stop - row.start, column.start : column.stop] += found * weights
        finished = following - row.start
        for top in range(0, finished, most_rows):
            yield held[:, top : min(top + most_rows, finished)].copy()
        held[:, : tallest - finished] = held[:, finished:]
        held[:, tallest - finished :] = 0
