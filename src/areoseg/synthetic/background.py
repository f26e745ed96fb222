"""Pixels that are background: sky, hills, parts of the rover, and ground left unlabeled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.synthetic.camera import View
from areoseg.synthetic.noise import Field, library, sample_texture
from areoseg.utils.images import Mask

Region = NDArray[np.bool_]
"""Boolean map (H, W) of covered pixels."""


@dataclass(frozen=True)
class RoverPart:
    """A part of the rover.

    Attributes:
        covers: (H, W) bool, the pixels that it covers.
        radiance: (H, W) float32, its radiance there.
    """

    covers: Region
    radiance: Field


def grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Return the row (H, 1) and column (1, W) of each pixel's center."""
    return (
        np.arange(shape[0], dtype=np.float32)[:, None] + 0.5,
        np.arange(shape[1], dtype=np.float32)[None, :] + 0.5,
    )


def draw_skyline(
    rng: np.random.Generator, shape: tuple[int, int], horizon: float, detail: float
) -> tuple[Region, Region, Field]:
    """Draw the sky and the hills in front of it.

    Args:
        rng: Random generator.
        shape: (H, W).
        horizon: Row where the plain ends.
        detail: Pixels of the sample for each pixel of a 256-pixel frame.

    Returns:
        The pixels of the sky, those of the hills, and a texture of the hills, about 1.
    """
    row, column = grid(shape)
    start = rng.uniform(0, 512, 2)
    texel = np.ones((1, 1), dtype=np.float32)
    along = column / detail + np.float32(start[0])
    ridge = sample_texture(library().smooth, along * 0.6, np.full_like(along, start[1]), texel)
    crest = horizon - detail * (rng.uniform(0, 14) + rng.uniform(0.5, 5) * (ridge + 1.5))
    crest = crest + rng.normal(0, 0.06) * (column - shape[1] / 2)
    sky = row < crest
    hills = (row < horizon) & ~sky
    folds = sample_texture(
        library().rugged,
        np.broadcast_to(along * 0.5, shape),
        np.broadcast_to(row * np.float32(2 / detail), shape).astype(np.float32),
        texel,
    )
    return sky, hills, np.asarray(1 + 0.1 * folds, dtype=np.float32)


def draw_rover(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> RoverPart:
    """Draw one to three parts of the rover that reach into the image."""
    covers = np.zeros(shape, dtype=bool)
    radiance = np.zeros(shape, dtype=np.float32)
    for _ in range(rng.integers(1, 4)):
        draw = _PARTS[rng.integers(len(_PARTS))]
        part = draw(rng, shape, detail)
        radiance = np.where(part.covers, part.radiance, radiance)
        covers |= part.covers
    return RoverPart(covers, radiance)


def _wheel(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> RoverPart:
    """Draw a dark wheel with cleats, seen from above: a barrel with receding sides."""
    row, column = grid(shape)
    radius = detail * rng.uniform(16, 30)
    middle = shape[1] * rng.choice([rng.uniform(-0.05, 0.2), rng.uniform(0.8, 1.05)])
    tilt = rng.uniform(-0.25, 0.25)
    across = column - middle + tilt * (row - shape[0])
    top = shape[0] - rng.uniform(0.35, 0.9) * shape[0]
    along = row - top
    covers = (np.abs(across) < radius) & (along > 0.03 / radius * across**2 * detail)
    cleats = np.sin(2 * np.pi * (along + 0.35 * np.abs(across)) / (detail * rng.uniform(5, 8)))
    barrel = np.clip(1 - (along / (1.3 * shape[0])) * 1.1, 0.15, 1)
    radiance = 0.22 * barrel * (1 + 0.8 * np.clip(cleats, -0.6, 0.8))
    return RoverPart(covers, np.broadcast_to(radiance, shape).astype(np.float32))


def _cylinder(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> RoverPart:
    """Draw a canister or a strut: bright along one line, dark on both sides, with rings."""
    row, column = grid(shape)
    radius, length = detail * rng.uniform(4, 12), detail * rng.uniform(25, 60)
    angle = rng.uniform(-0.7, 0.7)
    foot = shape[1] * rng.uniform(0.1, 0.9)
    dx, dy = column - foot, shape[0] - row
    along = dx * np.sin(angle) + dy * np.cos(angle)
    across = dx * np.cos(angle) - dy * np.sin(angle)
    width = np.where(along > 0.55 * length, 0.75 * radius, radius)
    covers = (np.abs(across) < width) & (along < length) & (along > -radius)
    gleam = np.clip(1 - ((across / radius - rng.uniform(-0.5, 0.5)) / 0.9) ** 2, 0.1, 1)
    rings = np.where(np.abs(along % (0.3 * length) - 0.15 * length) < detail, 0.6, 1.0)
    radiance = rng.uniform(0.3, 0.75) * gleam * rings
    return RoverPart(covers, np.broadcast_to(radiance, shape).astype(np.float32))


def _deck(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> RoverPart:
    """Draw a corner of the deck with boxes on it."""
    row, column = grid(shape)
    slope = rng.uniform(-0.5, 0.5)
    edge = shape[0] * rng.uniform(0.55, 0.85) + slope * (column - shape[1] / 2)
    start = shape[1] * rng.uniform(-0.1, 0.7)
    end = start + detail * rng.uniform(35, 90)
    covers = (row > edge) & (column > start) & (column < end)
    across, down = (column - start) / detail, (row - edge) / detail
    radiance = np.full(shape, rng.uniform(0.2, 0.7), dtype=np.float32)
    for _ in range(rng.integers(8, 16)):  # boxes, lids and gaps, each over the previous ones
        left, top = rng.uniform(-5, 85), rng.uniform(-5, 60)
        wide, tall = rng.uniform(2, 26), rng.uniform(2, 16)
        box = (np.abs(across - left) < wide / 2) & (np.abs(down - top) < tall / 2)
        lid = box & (np.abs(down - top + 1) < tall / 2 - 1)
        tone = 0.9 * rng.random() ** 2 + 0.05
        radiance = np.where(box, 0.4 * tone, radiance)
        radiance = np.where(lid, tone * (1 - 0.02 * across), radiance)
    radiance = np.where(down < 1.2, 1.5 * radiance, radiance)  # the edge is bright
    return RoverPart(covers, radiance.astype(np.float32))


def _arm(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> RoverPart:
    """Draw a beam from one side with a cable beside it."""
    row, column = grid(shape)
    slope = rng.choice([-1, 1]) * rng.uniform(0.3, 0.9)
    middle = shape[0] * rng.uniform(0.2, 1.0)
    across = row - middle - slope * (column - shape[1] * rng.uniform(0.2, 0.8))
    half = detail * rng.uniform(4, 8)
    reach = shape[1] * rng.uniform(0.3, 0.6)
    inside = column < reach if slope < 0 else column > shape[1] - reach
    covers = (np.abs(across) < half) & inside & (row > 0)
    radiance = rng.uniform(0.2, 0.6) * np.clip(1.1 - np.abs(across / half + 0.4), 0.15, 1)
    cable = np.abs(across - 0.6 * half - 0.15 * half * np.sin(column / (3 * detail))) < 0.12 * half
    return RoverPart(covers, np.where(cable, 0.04, radiance).astype(np.float32))


_PARTS: tuple[Callable[[np.random.Generator, tuple[int, int], float], RoverPart], ...] = (
    _wheel,
    _cylinder,
    _deck,
    _arm,
)


def unlabeled_ground(view: View, mask: Mask, rng: np.random.Generator) -> Region:
    """Return the pixels (H, W) that annotators left unlabeled.

    These are patches, far ground, seams between classes and the margin of the frame.

    Args:
        view: The ground.
        mask: (H, W) classes, to find where they meet.
        rng: Random generator.
    """
    rows, columns = view.shape
    row, column = grid(view.shape)
    void = np.zeros(view.shape, dtype=bool)
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.2, 0.35, 0.3, 0.15])):
        void |= _patch(rng, view.shape)
    if view.horizon > -16 * view.detail:
        limit = max(view.horizon, 0) + rng.uniform(0.05, 0.2) * rows
        void |= row < limit + rng.normal(0, 0.05) * (column - columns / 2)
    seam = int(rng.integers(0, 4) * view.detail)
    if seam:
        void |= _near_border(mask, seam)
    margin = round(2 * view.detail)
    for side in range(4):
        if view.detail > 1 or rng.random() < 0.4:
            edge: Field = (row, rows - row, column, columns - column)[side]
            void |= edge < margin
    return void


def _near_border(mask: Mask, width: int) -> Region:
    """Return the pixels within about half of `width` of another class."""
    near = np.zeros(mask.shape, dtype=bool)
    after = (width + 1) // 2
    before = width + 1 - after
    for axis in (0, 1):
        first = np.moveaxis(mask, axis, 0)
        changed = first[1:] != first[:-1]
        view = np.moveaxis(near, axis, 0)
        for step in range(-before + 1, after + 1):
            start, stop = max(0, step), min(len(first), len(first) - 1 + step)
            view[start:stop] |= changed[max(0, -step) : max(0, -step) + stop - start]
    return near


def _patch(rng: np.random.Generator, shape: tuple[int, int]) -> Region:
    """Draw an unlabeled pentagon, often at the border of the sample."""
    row, column = grid(shape)
    middle = rng.uniform(-0.05, 1.05, 2) * shape
    size = 0.5 * np.sqrt(shape[0] * shape[1]) * rng.uniform(0.2, 0.68)
    covers = np.ones(shape, dtype=bool)
    turn = rng.uniform(0, np.pi)
    for side in range(5):
        angle = turn + 2 * np.pi / 5 * (side + rng.uniform(-0.4, 0.4))
        distance = size * rng.uniform(0.4, 1.2)
        covers &= (
            0.7 * (column - middle[1]) * np.cos(angle) + 1.3 * (row - middle[0]) * np.sin(angle)
        ) < distance
    return covers
