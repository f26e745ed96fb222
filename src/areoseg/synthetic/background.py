"""What is no terrain: sky and far hills, and parts of the rover."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.synthetic.noise import Field
from areoseg.synthetic.noise import sample_texture
from areoseg.synthetic.textures import library

Region = NDArray[np.bool_]
"""The pixels (H, W) that something covers."""


@dataclass(frozen=True)
class Part:
    """A part of the rover.

    Attributes:
        covers: (H, W) bool, the pixels that it hides.
        radiance: (H, W) float32, how it looks there.
    """

    covers: Region
    radiance: Field


def grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Row (H, 1) and column (1, W) of each pixel's middle."""
    return (
        np.arange(shape[0], dtype=np.float32)[:, None] + 0.5,
        np.arange(shape[1], dtype=np.float32)[None, :] + 0.5,
    )


def skyline(
    rng: np.random.Generator, shape: tuple[int, int], horizon: float, detail: float
) -> tuple[Region, Region, Field]:
    """The sky and the hills before it.

    Args:
        rng: The source of chance.
        shape: (H, W).
        horizon: The row where the plain ends.
        detail: Pixels of the sample for each pixel of a 256-pixel frame.

    Returns:
        The sky; the hills; and a texture of the hills, about 1.
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


def rover_parts(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> Part:
    """One to three parts of the rover that reach into the picture."""
    covers = np.zeros(shape, dtype=bool)
    radiance = np.zeros(shape, dtype=np.float32)
    for _ in range(rng.integers(1, 4)):
        draw = _PARTS[rng.integers(len(_PARTS))]
        part = draw(rng, shape, detail)
        radiance = np.where(part.covers, part.radiance, radiance)
        covers |= part.covers
    return Part(covers, radiance)


def _wheel(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> Part:
    """A dark wheel with cleats, seen from above: a barrel whose sides turn away."""
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
    return Part(covers, np.broadcast_to(radiance, shape).astype(np.float32))


def _cylinder(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> Part:
    """A canister or a strut: bright along one line, dark on both sides, with rings."""
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
    return Part(covers, np.broadcast_to(radiance, shape).astype(np.float32))


def _deck(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> Part:
    """A corner of the deck, cluttered with boxes."""
    row, column = grid(shape)
    slope = rng.uniform(-0.5, 0.5)
    edge = shape[0] * rng.uniform(0.55, 0.85) + slope * (column - shape[1] / 2)
    start = shape[1] * rng.uniform(-0.1, 0.7)
    end = start + detail * rng.uniform(35, 90)
    covers = (row > edge) & (column > start) & (column < end)
    across, down = (column - start) / detail, (row - edge) / detail
    radiance = np.full(shape, rng.uniform(0.2, 0.7), dtype=np.float32)
    for _ in range(rng.integers(8, 16)):  # boxes, lids and gaps, each over those before it
        left, top = rng.uniform(-5, 85), rng.uniform(-5, 60)
        wide, tall = rng.uniform(2, 26), rng.uniform(2, 16)
        box = (np.abs(across - left) < wide / 2) & (np.abs(down - top) < tall / 2)
        lid = box & (np.abs(down - top + 1) < tall / 2 - 1)
        tone = 0.9 * rng.random() ** 2 + 0.05
        radiance = np.where(box, 0.4 * tone, radiance)
        radiance = np.where(lid, tone * (1 - 0.02 * across), radiance)
    radiance = np.where(down < 1.2, 1.5 * radiance, radiance)  # the edge catches the light
    return Part(covers, radiance.astype(np.float32))


def _arm(rng: np.random.Generator, shape: tuple[int, int], detail: float) -> Part:
    """A beam from side to side with a cable beside it."""
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
    return Part(covers, np.where(cable, 0.04, radiance).astype(np.float32))


_PARTS: tuple[Callable[[np.random.Generator, tuple[int, int], float], Part], ...] = (
    _wheel,
    _cylinder,
    _deck,
    _arm,
)
