"""The camera: projection of pixels onto the ground, sunlight on the terrain, and the sensor.

Navcam frames are 1024 x 1024 over 45 degrees; the usual training frames are the same at 256 x 256,
and tiles are cut from those. A sample up to 256 pixels is therefore a part of a 256-pixel frame,
and a larger sample a whole frame with finer detail.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.synthetic.noise import Field
from areoseg.synthetic.settings import Light, Sensor

FRAME = 256
"""Side of the frame that lengths refer to, in pixels."""

FOCAL = FRAME / 2 / np.tan(np.radians(22.5))
"""Focal length in the same pixels."""


@dataclass(frozen=True)
class View:
    """The ground as the camera sees it.

    Lengths on the ground are in frame pixels at the center of the sample, so that a pebble of
    radius 2 has 2 pixels there, more below and fewer above.

    Attributes:
        x: (H, W) ground coordinate across.
        y: (H, W) ground coordinate away from the camera; negative and rising to the horizon.
        footprint: (H, 1) ground length that a pixel covers.
        horizon: Row of the horizon; negative if it is above the sample.
        detail: Pixels of the sample per pixel of a 256-pixel frame, at least 1.
    """

    x: Field
    y: Field
    footprint: Field
    horizon: float
    detail: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.x.shape[0], self.x.shape[1]


def look(
    height: int, width: int, *, horizon: float, steepness: float, offset: tuple[float, float]
) -> View:
    """Return the view of a flat plain.

    Args:
        height: Rows.
        width: Columns.
        horizon: Distance of the horizon below the upper edge, in frame pixels; negative is above.
        steepness: Foreshortening of the ground along y relative to x where the camera looks down by
            45 degrees; it increases towards the horizon.
        offset: (x, y) of the ground at the center of the sample.
    """
    detail = max(1.0, max(height, width) / FRAME)
    below = np.arange(height, dtype=np.float32)[:, None] + 0.5 - horizon * detail
    middle = max(height / 2 - horizon * detail, 0.25 * height)
    depth = np.maximum(below, 1.5)  # rows above the horizon are sky; any value works
    nearness = depth / middle
    footprint = (1.0 / (nearness * detail)).astype(np.float32)
    columns = np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2
    # A plain is foreshortened along y with the square of the distance, upright stones and slabs
    # less so. The power 3/2 is a compromise; y is its integral over the rows.
    shortening = steepness * max(1.0, FOCAL * detail / middle) ** 0.5
    y = -2.0 * shortening * middle / detail * nearness**-0.5
    return View(
        x=(columns * footprint + offset[0]).astype(np.float32),
        y=np.broadcast_to(y + offset[1], (height, width)).astype(np.float32),
        footprint=footprint,
        horizon=horizon * detail,
        detail=detail,
    )


def shade(height: Field, light: Light) -> Field:
    """Compute the light on a height field by Lambert's law with cast shadows; 1 on flat ground.

    Args:
        height: (H, W) in pixels.
        light: The sun.
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
    """Compute the fraction of each pixel that is in shadow, 0 to 1.

    A pixel is in shadow if the ground towards the sun rises above the ray of light. The highest
    such ground is found with steps of 1, 2, 4, ... pixels, each covering twice the last length.
    """
    reach = np.ptp(height) / rise
    horizon = height
    step = 1
    while True:
        toward_sun = shifted(horizon, round(step * toward[1]), round(step * toward[0]))
        horizon = np.maximum(horizon, toward_sun - np.float32(step * rise))
        step *= 2
        if step > min(reach, max(height.shape)):
            break
    return np.asarray(np.clip((horizon - height) * 1.5, 0, 1), dtype=np.float32)


def shifted(values: Field, down: int, right: int) -> Field:
    """Return values read `down` rows below and `right` columns to the right of each pixel.

    Pixels for which this position is outside the field keep their own value.
    """
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
    """Return the 8-bit gray levels (H, W) that the camera records.

    Args:
        radiance: (H, W), 1 for a flat white surface in full light.
        sensor: The camera.
        rng: Random generator of the noise.
        corner: Center of the frame, (row, column) in heights and widths of the sample; a tile is
            rarely at the center of its frame.
    """
    rows, columns = radiance.shape
    y = (np.arange(rows, dtype=np.float32)[:, None] / rows - corner[0]) ** 2
    x = (np.arange(columns, dtype=np.float32)[None, :] / columns - corner[1]) ** 2
    blurred = ndimage.gaussian_filter(radiance, sensor.blur, truncate=2.5)
    gray = blurred * (sensor.exposure * (1 - sensor.vignetting * (x + y)))
    shot = sensor.noise * np.sqrt(0.5 + np.maximum(gray, 0) / 120)
    gray += shot * rng.standard_normal(gray.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(gray), 0, 255), dtype=np.uint8)
