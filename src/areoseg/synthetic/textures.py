"""The periodic maps that terrain is made of: noise, gravel, stones, slabs and strata.

They are the same for every set: made once a process, from a fixed seed, on first use. Samples
differ by where, at what scale and at what angle they read them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from areoseg.synthetic.noise import SIZE
from areoseg.synthetic.noise import Field
from areoseg.synthetic.noise import Texture
from areoseg.synthetic.noise import fractal_noise
from areoseg.synthetic.noise import make_texture


@dataclass(frozen=True)
class Library:
    """All textures. Heights are in texels; the rest is about 0 with std 1, or 0 to 1.

    Attributes:
        broad: Wide, soft noise: swells of sand, borders between terrains.
        smooth: Noise without fine detail: patches, bends.
        rugged: Noise with fine detail: rough ground.
        gravel: Heights of many small pebbles.
        stones: Heights of a few larger stones.
        slabs: Height of cracked bedrock, 0 in a crack, to 1.
        slab_tone: Brightness of each slab, about 0.
        strata: Heights of stepped layers that run along x.
    """

    broad: Texture
    smooth: Texture
    rugged: Texture
    gravel: Texture
    stones: Texture
    slabs: Texture
    slab_tone: Texture
    strata: Texture


@lru_cache(maxsize=1)
def library() -> Library:
    """The textures, made on the first call."""
    rng = np.random.default_rng(20120806)
    slabs, slab_tone = cracked_slabs(rng)
    maps = {
        "broad": fractal_noise(rng, exponent=4.0, longest=260, shortest=9),
        "smooth": fractal_noise(rng, exponent=3.2, longest=200, shortest=10),
        "rugged": fractal_noise(rng, exponent=2.0, longest=48),
        "gravel": scattered_stones(rng, count=7000, radii=(0.9, 3.2)),
        "stones": scattered_stones(rng, count=420, radii=(1.6, 4.6)),
        "slabs": slabs,
        "slab_tone": slab_tone,
        "strata": stepped_strata(rng),
    }
    return Library(**{name: make_texture(values) for name, values in maps.items()})


def scattered_stones(rng: np.random.Generator, *, count: int, radii: tuple[float, float]) -> Field:
    """Heights (SIZE, SIZE) of angular stones, small ones far more often than large ones."""
    smallest, largest = radii
    exponent = -1.8  # of the cumulative size distribution, as counted on rocky plains
    low, high = smallest**exponent, largest**exponent
    radius = (low + rng.random(count) * (high - low)) ** (1 / exponent)
    center = rng.uniform(0, SIZE, (count, 2))
    heights = np.zeros((SIZE, SIZE), dtype=np.float32)
    for (row, column), size in zip(center, radius, strict=True):
        reach = np.arange(-int(size * 1.5) - 1, int(size * 1.5) + 2)
        rows, columns = int(row) + reach, int(column) + reach
        dome = _stone(rng, rows[:, None] - row, columns[None, :] - column, size)
        window = np.ix_(rows % SIZE, columns % SIZE)
        heights[window] = np.maximum(heights[window], dome)
    return heights


def _stone(rng: np.random.Generator, dy: Field, dx: Field, radius: float) -> Field:
    """The height of one stone: a dome over an ellipse, cut flat on top."""
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.7)
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / stretch
    across = (dy * np.cos(angle) - dx * np.sin(angle)) * stretch
    distance = np.maximum(np.hypot(along, across), 0.8 * (np.abs(along) + np.abs(across)))
    dome = 1.3 * radius * (1 - (distance / radius) ** 2)
    top = radius * rng.uniform(0.6, 0.95)
    return np.asarray(np.clip(dome, 0, top), dtype=np.float32)


def cracked_slabs(rng: np.random.Generator, *, spacing: int = 32) -> tuple[Field, Field]:
    """Bedrock broken into slabs: cells of a warped Worley noise, each with its own level and tilt.

    Returns:
        Height (SIZE, SIZE), 0 in cracks and in cells that are buried, to about 1; and the tone of
        each cell, std 1.
    """
    cells = SIZE // spacing
    points = (np.indices((cells, cells)) + rng.uniform(0.05, 0.95, (2, cells, cells))) * spacing
    level = rng.choice([0.0, 0.55, 0.8, 1.0], (cells, cells), p=[0.14, 0.22, 0.34, 0.3])
    tilt = rng.normal(0, 0.014, (2, cells, cells))
    tone = rng.standard_normal((cells, cells))
    warp = [fractal_noise(rng, exponent=2.6, longest=64) * 3.2 for _ in range(2)]
    y, x = np.indices((SIZE, SIZE)) + np.array(warp)
    nearest = np.full((SIZE, SIZE), np.inf)
    second = nearest.copy()
    owner = np.zeros((2, SIZE, SIZE), dtype=int)
    slope = np.zeros((SIZE, SIZE))
    for down in (-2, -1, 0, 1, 2):
        for right in (-2, -1, 0, 1, 2):
            row = np.floor(y / spacing).astype(int) + down
            column = np.floor(x / spacing).astype(int) + right
            index = row % cells, column % cells
            dy = y - points[0][index] - (row - index[0]) * spacing
            dx = x - points[1][index] - (column - index[1]) * spacing
            distance = np.hypot(dy, dx)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            nearest = np.where(closer, distance, nearest)
            owner[:, closer] = row[closer] % cells, column[closer] % cells
            slope = np.where(closer, tilt[0][index] * dy + tilt[1][index] * dx, slope)
    cell = owner[0], owner[1]
    inside = np.clip((second - nearest - 1.2) / 2.4, 0, 1)  # 0 on a crack
    height = np.where(level[cell] > 0, np.maximum(level[cell] + slope, 0.15), 0) * inside
    return height.astype(np.float32), (tone[cell] * inside).astype(np.float32)


def stepped_strata(rng: np.random.Generator) -> Field:
    """Layers that end in ledges: stairs along y, warped, std 1."""
    edges = np.sort(rng.choice(np.arange(SIZE), SIZE // 9, replace=False))
    profile = np.zeros(SIZE)
    for start, end in zip(edges, np.append(edges[1:], edges[0] + SIZE), strict=True):
        rows = np.arange(start, end)
        profile[rows % SIZE] = rng.uniform(0.2, 1.0) * (1 - 0.75 * (rows - start) / (end - start))
    warp = 5.0 * fractal_noise(rng, exponent=3.0, longest=128)
    broken = 1.0 + 0.5 * fractal_noise(rng, exponent=2.4, longest=40)
    y, x = np.indices((SIZE, SIZE), dtype=np.float64)
    layers = ndimage.map_coordinates(
        np.repeat(profile[:, None], 2, axis=1), [(y + warp) % SIZE, x * 0], order=1, mode="wrap"
    )
    layers = layers * np.clip(broken, 0.1, 1.8)
    return np.asarray((layers - layers.mean()) / layers.std(), dtype=np.float32)
