"""Sunlight on the terrain, and the camera that records it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.synthetic.noise import Field


@dataclass(frozen=True)
class Light:
    """The sun and the sky.

    Attributes:
        azimuth: Where the sun stands in the picture, in radians: 0 is right, pi / 2 is above.
        elevation: Of the sun, in radians.
        ambient: The share of light that comes from the sky and reaches shadows, 0 to 1.
    """

    azimuth: float
    elevation: float
    ambient: float


@dataclass(frozen=True)
class Sensor:
    """The camera.

    Attributes:
        exposure: The gray level, 0 to 255, of a flat white surface in full light.
        vignetting: How much darker the corners are, 0 to 1.
        blur: Standard std of the point spread, in pixels.
        noise: Standard std of the read noise, in gray levels.
    """

    exposure: float
    vignetting: float
    blur: float
    noise: float


def shade(height: Field, light: Light) -> Field:
    """The light on a height field: Lambert's law with cast shadows; 1 on flat ground.

    Args:
        height: (H, W) in pixels.
        light: Where it comes from.
    """
    toward = np.cos(light.azimuth), -np.sin(light.azimuth)  # x to the right, y down
    rise = np.tan(light.elevation)
    right, down = np.empty_like(height), np.empty_like(height)
    right[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * 0.5
    right[:, 0], right[:, -1] = right[:, 1], right[:, -2]
    down[1:-1] = (height[2:] - height[:-2]) * 0.5
    down[0], down[-1] = down[1], down[-2]
    lit = rise - toward[0] * right - toward[1] * down
    lit /= rise * np.sqrt(1 + right * right + down * down)
    np.clip(lit, 0, 2.2, out=lit)
    lit *= 1 - cast_shadows(height, toward, rise)
    return np.asarray(light.ambient + (1 - light.ambient) * lit, dtype=np.float32)


def cast_shadows(height: Field, toward: tuple[float, float], rise: float) -> Field:
    """How much of each pixel lies in shadow, 0 to 1.

    The ground between a pixel and the sun hides it where it rises above the ray. The highest such
    ground is found with steps of 1, 2, 4, ... pixels, each looking at twice the length of the last.
    """
    reach = np.ptp(height) / rise
    horizon = height
    step = 1
    while True:
        ahead = shifted(horizon, round(step * toward[1]), round(step * toward[0]))
        horizon = np.maximum(horizon, ahead - np.float32(step * rise))
        step *= 2
        if step > min(reach, max(height.shape)):
            break
    return np.asarray(np.clip((horizon - height) * 1.5, 0, 1), dtype=np.float32)


def shifted(values: Field, down: int, right: int) -> Field:
    """The value `down` rows below and `right` columns beside each pixel; itself at the edges."""
    rows, columns = values.shape
    result = values.copy()
    if abs(down) < rows and abs(right) < columns:
        target = (
            slice(max(0, -down), rows - max(0, down)),
            slice(max(0, -right), columns - max(0, right)),
        )
        source = (
            slice(max(0, down), rows + min(0, down)),
            slice(max(0, right), columns + min(0, right)),
        )
        result[target] = values[source]
    return result


def expose(
    radiance: Field, sensor: Sensor, rng: np.random.Generator, *, corner: tuple[float, float]
) -> NDArray[np.uint8]:
    """What the camera makes of the radiance: 8-bit gray levels (H, W).

    Args:
        radiance: (H, W), 1 for a flat white surface in full light.
        sensor: The camera.
        rng: The source of noise.
        corner: Where the middle of the frame lies, (row, column) in heights and widths of the
            sample; the corners of a tile are seldom those of its frame.
    """
    rows, columns = radiance.shape
    y = (np.arange(rows, dtype=np.float32)[:, None] / rows - corner[0]) ** 2
    x = (np.arange(columns, dtype=np.float32)[None, :] / columns - corner[1]) ** 2
    blurred = ndimage.gaussian_filter(radiance, sensor.blur, truncate=2.5)
    gray = blurred * (sensor.exposure * (1 - sensor.vignetting * (x + y)))
    shot = sensor.noise * np.sqrt(0.5 + np.maximum(gray, 0) / 120)
    gray += shot * rng.standard_normal(gray.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(gray), 0, 255), dtype=np.uint8)
