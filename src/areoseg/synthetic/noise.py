"""Periodic textures of the terrain: noise, gravel, stones, slabs and strata.

The textures are the same for every dataset: they are computed once per process from a fixed seed.
Samples read them at different positions, scales and angles. If the ground is far away, a pixel
covers many texels, so each row reads from a copy that is blurred accordingly (mip mapping:
Williams, Pyramidal Parametrics, SIGGRAPH 1983).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIZE = 512
"""Number of texels along each side of a texture, which is periodic."""

LEVELS = 13
"""Number of copies in a texture, each blurred by sqrt(2) more than the previous one."""

Field = NDArray[np.float32]
"""One value per pixel or texel, (H, W)."""


@dataclass(frozen=True)
class Texture:
    """A periodic texture with its blurred copies, concatenated in one array.

    Attributes:
        values: All copies, flattened; float32.
        starts: (LEVELS,) start of each copy in `values`.
        sizes: (LEVELS,) side of each copy, a power of two.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int32]
    sizes: NDArray[np.int32]


def fractal_noise(
    rng: np.random.Generator, *, exponent: float, longest: float = SIZE, shortest: float = 2.0
) -> Field:
    """Return periodic Gaussian noise (SIZE, SIZE) with mean 0 and standard deviation 1.

    Its spectrum is white noise filtered to a power law (spectral synthesis: Saupe, in The Science
    of Fractal Images, 1988, chapter 2).

    Args:
        rng: Random generator.
        exponent: The power spectrum falls with this power of the frequency: 2 is rugged, 4 is
            smooth.
        longest: Longest wavelength, in texels.
        shortest: Shortest wavelength, in texels.
    """
    white = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :])
    frequency[0, 0] = 1.0
    gain = frequency ** (-exponent / 2)
    gain[(frequency < 1 / longest) | (frequency > 1 / shortest)] = 0.0
    gain[0, 0] = 0.0
    noise = np.fft.irfft2(white * gain, s=(SIZE, SIZE))
    return np.asarray(noise / noise.std(), dtype=np.float32)


def make_texture(base: Field) -> Texture:
    """Return a texture with blurred copies of a periodic map (SIZE, SIZE)."""
    copies, starts, sizes, start = [], [], [], 0
    for level in range(LEVELS):
        step = 2 ** (level // 2)
        sigma = 0.0 if level == 0 else 0.45 * 2 ** (level / 2)
        copy = ndimage.gaussian_filter(base, sigma, mode="wrap")[::step, ::step]
        copies.append(copy.ravel())
        starts.append(start)
        sizes.append(copy.shape[0])
        start += copy.size
    return Texture(
        values=np.concatenate(copies).astype(np.float32),
        starts=np.array(starts, dtype=np.int32),
        sizes=np.array(sizes, dtype=np.int32),
    )


def sample_texture(texture: Texture, x: Field, y: Field, footprint: Field) -> Field:
    """Sample a texture at coordinates with bilinear interpolation.

    Args:
        texture: The texture to sample.
        x: (H, W) coordinates in texels; the texture is periodic.
        y: (H, W) coordinates in texels.
        footprint: (H, 1) number of texels that one pixel of a row covers.

    Returns:
        (H, W) float32.
    """
    level = np.rint(2.0 * np.log2(np.maximum(footprint, 1.0))).astype(np.int32)
    level = np.minimum(level, LEVELS - 1)
    side = texture.sizes[level]
    start, shrink, wrap = texture.starts[level], (side / SIZE).astype(np.float32), side - 1
    x, y = x * shrink, y * shrink
    left, top = np.floor(x), np.floor(y)
    right_share, bottom_share = x - left, y - top
    column, row = left.astype(np.int32), top.astype(np.int32)
    upper = start + (row & wrap) * side
    lower = start + ((row + 1) & wrap) * side
    column, next_column = column & wrap, (column + 1) & wrap
    values = texture.values
    above = values.take(upper + column)
    above += right_share * (values.take(upper + next_column) - above)
    below = values.take(lower + column)
    below += right_share * (values.take(lower + next_column) - below)
    return np.asarray(above + bottom_share * (below - above), dtype=np.float32)


@dataclass(frozen=True)
class Library:
    """All textures.

    Heights are in texels; other values have mean 0 and standard deviation 1, or are in 0..1.

    Attributes:
        broad: Wide, soft noise, for swells of sand and borders between terrains.
        smooth: Noise without fine detail, for patches and bends.
        rugged: Noise with fine detail, for rough ground.
        gravel: Heights of many small pebbles.
        stones: Heights of a few larger stones.
        slabs: Height of cracked bedrock, 0 (in a crack) to 1.
        slab_tone: Brightness of each slab, about 0.
        strata: Heights of stepped layers along x.
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
    """Return the textures, computing them on the first call."""
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
    """Return heights (SIZE, SIZE) of angular stones, most of them small."""
    smallest, largest = radii
    exponent = -1.8  # exponent of the cumulative size distribution on rocky plains
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
    """Return the height of one stone: an elliptical dome with a flat top."""
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.7)
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / stretch
    across = (dy * np.cos(angle) - dx * np.sin(angle)) * stretch
    distance = np.maximum(np.hypot(along, across), 0.8 * (np.abs(along) + np.abs(across)))
    dome = 1.3 * radius * (1 - (distance / radius) ** 2)
    top = radius * rng.uniform(0.6, 0.95)
    return np.asarray(np.clip(dome, 0, top), dtype=np.float32)


def cracked_slabs(rng: np.random.Generator, *, spacing: int = 32) -> tuple[Field, Field]:
    """Return bedrock broken into slabs: cells of warped Worley noise, each with a level and tilt.

    Returns:
        Height (SIZE, SIZE), 0 in cracks and buried cells, to about 1; and the tone of each cell,
        with standard deviation 1.
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
    """Return layers that end in ledges: warped steps along y, standard deviation 1."""
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
