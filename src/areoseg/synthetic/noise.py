"""Periodic noise, and sampling it at any scale without aliasing.

A texture is made once, at a fixed size, and then read at the ground coordinates of each pixel.
Far ground covers many texels a pixel, so each row reads from a copy that is blurred to suit
(mip-mapping: Williams, Pyramidal Parametrics, SIGGRAPH 1983).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIZE = 512
"""Texels along each side of a texture, which repeats beyond them."""

LEVELS = 13
"""Copies in a texture, each blurred by a factor of the square root of two more than the last."""

Field = NDArray[np.float32]
"""One value a pixel or a texel (H, W)."""


@dataclass(frozen=True)
class Texture:
    """A periodic texture with its blurred copies, end to end in one array.

    Attributes:
        values: All copies, flattened; float32.
        starts: (LEVELS,) where each copy begins in `values`.
        sizes: (LEVELS,) the side of each copy, a power of two.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int32]
    sizes: NDArray[np.int32]


def fractal_noise(
    rng: np.random.Generator, *, exponent: float, longest: float = SIZE, shortest: float = 2.0
) -> Field:
    """Periodic Gaussian noise (SIZE, SIZE) of mean 0 and std 1.

    Args:
        rng: The source of chance.
        exponent: Power falls with frequency to this power: 2 is rugged, 4 is smooth.
        longest: The longest wavelength in it, in texels.
        shortest: The shortest wavelength in it, in texels.
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
    """Add the blurred copies to a periodic map (SIZE, SIZE)."""
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
    """Read a texture at coordinates, bilinearly.

    Args:
        texture: What to read.
        x: (H, W) coordinates in texels, of any size: the texture repeats.
        y: (H, W), likewise.
        footprint: (H, 1) texels that one pixel of a row covers.

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
