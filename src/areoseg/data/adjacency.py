"""Find tiles that were cut from one image beside each other, and group them.

Tiles of one image show the same ground. A split that separates them tests a model on ground that it
was trained on, and its score is too high. Where a dataset does not name the image of each tile,
their edges do: neighboring tiles continue each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import plural

MIN_RATIO = 1.4
"""How much worse the second-best match of both edges has to be. On the tiles of the AN2DL homework,
of which the frames are known, 634 pairs reach it: 91 % of the pairs side by side and 97 % of the
pairs above each other are of one frame. Among 2,100 whole frames, 7 pairs reach it by chance."""

MIN_TILES = 50
"""Among fewer tiles, the second-best match is often much worse by chance."""

NOISE = 4.0
"""Added to the mean squared step along an edge, in squared levels of 8 bits, so that edges without
texture do not match each other."""

ROWS = 1024
"""Number of tiles that are compared with all others at once, which bounds the memory."""


@dataclass(frozen=True)
class Adjacent:
    """Two tiles that continue each other.

    Attributes:
        first: Index of the left or upper tile.
        second: Index of the right or lower tile.
        direction: `right` or `below`: where the second tile lies.
        ratio: The cost of the second-best match divided by that of this one, at least `MIN_RATIO`.
    """

    first: int
    second: int
    direction: str
    ratio: float


def find_adjacent(images: NDArray[Any]) -> list[Adjacent]:
    """Find the pairs of tiles that continue each other to the right or below.

    The lines a of a tile and b of another meet if both are extrapolated by half a pixel to nearly
    the same values: with a' and b' the lines behind them and t the mean squared step along a line,
    in squared levels,

        cost = mean((a + (a - a') / 2 - b - (b - b') / 2)^2) / sqrt((t(a) + NOISE) (t(b) + NOISE))

    A pair is found if each is the best match of the other, and the second-best match of both costs
    at least `MIN_RATIO` times as much.

    Args:
        images: (N, H, W) uint8, or float in 0..1.

    Returns:
        The pairs, by descending ratio.

    Examples:
        >>> noise = np.random.default_rng(0).normal(size=(64, 60 * 128))
        >>> scene = noise.cumsum(axis=0).cumsum(axis=1)
        >>> scene = (scene - scene.min()) / np.ptp(scene)
        >>> pairs = find_adjacent(np.stack(np.split(scene, 60, axis=1)))
        >>> {(pair.second - pair.first, pair.direction) for pair in pairs}
        {(1, 'right')}
    """
    if len(images) < MIN_TILES or min(images.shape[1:]) < 2:
        return []
    unit = np.float32(1 if images.dtype == np.uint8 else 255)
    columns = [images[:, :, column].astype(np.float32) * unit for column in (-1, -2, 0, 1)]
    rows = [images[:, row].astype(np.float32) * unit for row in (-1, -2, 0, 1)]
    right, below = _matches(*columns), _matches(*rows)
    pairs = [
        Adjacent(int(first), int(second), direction, float(ratio))
        for direction, found in (("right", right), ("below", below))
        for first, second, ratio in zip(*found, strict=True)
    ]
    return sorted(pairs, key=lambda pair: -pair.ratio)


def group_tiles(samples: SegmentationDataset) -> tuple[SegmentationDataset, str | None]:
    """Group the samples that continue each other.

    Args:
        samples: Samples without groups.

    Returns:
        The samples, with groups if pairs were found, and what to tell the user about it.
    """
    if not isinstance(samples.images, np.ndarray):  # of several sizes: no tiles
        return samples, None
    pairs = find_adjacent(samples.images)
    if not pairs:
        return samples, None
    note = (
        f"no groups are given: {plural(len(pairs), 'pair')} of samples continue each other at their"
        " edges, and these samples stay in one split. Others may still show the same ground: name"
        " the image of each sample with --groups FILE; --groups none ignores the pairs"
    )
    return replace(samples, groups=group_adjacent(samples.names, pairs)), note


def group_adjacent(names: Sequence[str], pairs: Sequence[Adjacent]) -> tuple[str, ...]:
    """Return a group for each tile: tiles that are connected by pairs have the same.

    Args:
        names: The names of the tiles.
        pairs: The pairs.

    Returns:
        The group of each tile, which is the name of the first tile in it.
    """
    count = len(names)
    ends = ([pair.first for pair in pairs], [pair.second for pair in pairs])
    graph = coo_array((np.ones(len(pairs)), ends), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    _, firsts = np.unique(labels, return_index=True)
    return tuple(names[firsts[label]] for label in labels)


def _matches(
    last: NDArray[np.float32],
    before: NDArray[np.float32],
    first: NDArray[np.float32],
    after: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the tiles whose last lines continue in the first lines of others.

    Args:
        last: (N, L) last line of each tile.
        before: (N, L) the line before it.
        first: (N, L) first line of each tile.
        after: (N, L) the line after it.

    Returns:
        Indices of the tile with the last line, of the tile with the first line, and the ratio.
    """
    half = np.float32(0.5)
    ends, starts = last + half * (last - before), first + half * (first - after)
    end_texture, start_texture = _texture(last), _texture(first)
    count = len(last)
    best_start, start_cost, next_start = (np.zeros(count, kind) for kind in (int, "f4", "f4"))
    best_end, end_cost, next_end = np.zeros(count, int), *np.full((2, count), np.inf, np.float32)
    for low in range(0, count, ROWS):
        rows = slice(low, min(low + ROWS, count))
        cost = _squared_distances(ends[rows], starts)
        cost /= np.sqrt(end_texture[rows, np.newaxis] * start_texture)
        cost[np.arange(len(cost)), np.arange(low, low + len(cost))] = np.inf  # with itself
        best_start[rows] = cost.argmin(axis=1)
        start_cost[rows], next_start[rows] = np.partition(cost, 1, axis=1)[:, :2].T
        smallest = np.partition(cost, min(1, len(cost) - 1), axis=0)[:2]
        best_end = np.where(smallest[0] < end_cost, low + cost.argmin(axis=0), best_end)
        end_cost, next_end = np.sort(np.concatenate([[end_cost, next_end], smallest]), axis=0)[:2]
    tiles = np.arange(count)
    second = np.minimum(next_start, next_end[best_start])
    ratio = second / np.maximum(start_cost, 1e-6)
    found = (best_end[best_start] == tiles) & (ratio >= MIN_RATIO)
    return tiles[found], best_start[found], ratio[found]


def _texture(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean squared step along each line (N,), plus `NOISE`."""
    steps: NDArray[np.float32] = np.square(np.diff(lines, axis=1)).mean(axis=1) + np.float32(NOISE)
    return steps


def _squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean squared differences (N, M) of the lines a (N, L) and b (M, L)."""
    squares = np.square(a).mean(axis=1)[:, np.newaxis] + np.square(b).mean(axis=1)
    distances: NDArray[np.float32] = np.maximum(squares - a @ b.T * (2 / a.shape[1]), 0)
    return distances
