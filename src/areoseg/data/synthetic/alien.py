"""A cartoon alien, as it stands in some pictures of a well-known training file."""

import numpy as np

from areoseg.data.scenes import Image
from areoseg.data.synthetic.background import grid
from areoseg.data.synthetic.noise import Field


def draw_alien(image: Image, rng: np.random.Generator) -> Image:
    """A copy of an image (H, W) with an alien over the terrain; same dtype."""
    rows, columns = image.shape
    tall = rows * rng.uniform(0.42, 0.85)
    # Measures of the figure in units of its height, from the middle of its head.
    middle_row = rng.uniform(0.30 * tall, max(0.31 * tall, rows - 0.55 * tall))
    middle_column = rng.uniform(0.15 * columns, 0.85 * columns)
    row, column = grid((rows, columns))
    y, x = (row - middle_row) / tall, (column - middle_column) / tall
    y, x = np.broadcast_arrays(y, x)
    figure, eyes = _figure(y, x, arms=rng.uniform(-0.09, 0.09))
    white = 255 if image.dtype == np.uint8 else 1
    body = rng.uniform(0.5, 0.9)
    grain = np.asarray(rng.normal(0, 0.008, image.shape))
    painted = np.where(eyes, 0.06, body) + grain
    mixed = image + figure * (painted * white - image)
    if image.dtype == np.uint8:
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return np.clip(mixed, 0, 1).astype(np.float32)


def _figure(y: Field, x: Field, arms: float) -> tuple[Field, Field]:
    """How much the figure covers each pixel, 0 to 1, and where its eyes are."""
    parts = [
        np.hypot(x / 0.18, y / 0.19),  # head
        np.hypot(x / 0.12, (y - 0.40) / 0.26),  # body
    ]
    eyes = np.zeros(y.shape, dtype=bool)
    for side in (-1, 1):
        parts.append(np.hypot(x - side * 0.13, y + 0.30) / 0.035)  # feeler's tip
        parts.append(_limb(y, x, (-0.17, side * 0.07), (-0.30, side * 0.13), 0.014))
        parts.append(_limb(y, x, (0.30, side * 0.09), (0.27 + side * arms, side * 0.27), 0.022))
        eyes |= np.hypot((x - side * 0.075) / 0.05, (y - 0.01) / 0.075) < 1
    nearest = np.minimum.reduce(parts)
    # A soft outline of a few hundredths, about one pixel on a tile.
    return np.clip((1.04 - nearest) / 0.08, 0, 1).astype(np.float32), eyes


def _limb(
    y: Field, x: Field, start: tuple[float, float], end: tuple[float, float], thickness: float
) -> Field:
    """Distance from a line in units of its half thickness."""
    dy, dx = end[0] - start[0], end[1] - start[1]
    along = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / (dy * dy + dx * dx), 0, 1)
    return np.asarray(np.hypot(y - start[0] - along * dy, x - start[1] - along * dx) / thickness)
