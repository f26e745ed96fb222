"""Where each pixel meets the ground.

Navcam frames are 1024 x 1024 over 45 degrees; the usual training frames are the same at 256 x 256,
and tiles are cut from those. A sample up to 256 pixels is therefore a part of a 256-pixel frame,
and a larger sample a whole frame with finer detail.
"""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.noise import Field

FRAME = 256
"""The side of the frame that lengths refer to, in pixels."""

FOCAL = FRAME / 2 / np.tan(np.radians(22.5))
"""The focal length in the same pixels."""


@dataclass(frozen=True)
class View:
    """The ground as the camera sees it.

    Lengths on the ground are in frame pixels at the middle of the sample, so that a pebble of
    radius 2 is 2 pixels there, more below and less above.

    Attributes:
        x: (H, W) ground coordinate across.
        y: (H, W) ground coordinate away from the camera; negative and rising to the horizon.
        footprint: (H, 1) ground length that a pixel covers.
        horizon: The row of the horizon; negative where it is above the sample.
        detail: Pixels of the sample for each pixel of a 256-pixel frame, at least 1.
    """

    x: Field
    y: Field
    footprint: Field
    horizon: float
    detail: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.x.shape[0], self.x.shape[1]


def look(
    height: int, width: int, *, horizon: float, steepness: float, offset: tuple[float, float]
) -> View:
    """The view of a flat plain.

    Args:
        height: Rows.
        width: Columns.
        horizon: How far the horizon is below the upper edge, in frame pixels; negative is above.
        steepness: How much shorter the ground looks along y than along x where the camera looks
            down by half a right angle; more so the nearer the horizon is.
        offset: (x, y) of the ground under the middle of the sample.
    """
    detail = max(1.0, max(height, width) / FRAME)
    below = np.arange(height, dtype=np.float32)[:, None] + 0.5 - horizon * detail
    middle = max(height / 2 - horizon * detail, 0.25 * height)
    depth = np.maximum(below, 1.5)  # rows above the horizon are sky; they only need a number
    nearness = depth / middle
    footprint = (1.0 / (nearness * detail)).astype(np.float32)
    columns = np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2
    # A true plain shrinks along y with the square of the distance. Stones and slabs stand up from
    # it, so the power 3/2 looks right for both; y is its integral over the rows.
    shortening = steepness * max(1.0, FOCAL * detail / middle) ** 0.5
    y = -2.0 * shortening * middle / detail * nearness**-0.5
    return View(
        x=(columns * footprint + offset[0]).astype(np.float32),
        y=np.broadcast_to(y + offset[1], (height, width)).astype(np.float32),
        footprint=footprint,
        horizon=horizon * detail,
        detail=detail,
    )
