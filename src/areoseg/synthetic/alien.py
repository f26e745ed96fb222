"""A cartoon alien, as it stands in some pictures of a well-known training file."""

import numpy as np

from areoseg.synthetic.background import grid
from areoseg.synthetic.noise import Field
from areoseg.utils.images import ImageArray

GRAIN = 0.004
"""Std of the figure's gray, 0 to 1 being black to white."""


def draw_alien(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """A copy of an image (H, W) with an alien over the terrain; same dtype.

    Its size, its brightness and how it stands out from the terrain are drawn as they were measured
    on the aliens of that file; it is a little grainier than they are.
    """
    rows, columns = image.shape
    tall = rows * rng.uniform(0.54, 1.02)
    # Measures of the figure in units of its height, from the middle of its head.
    highest, lowest = 0.34 * tall, rows - 0.53 * tall
    middle_row = rng.uniform(highest, max(highest + 1, lowest))
    middle_column = rng.uniform(0.15 * columns, 0.85 * columns)
    row, column = grid((rows, columns))
    y, x = (row - middle_row) / tall, (column - middle_column) / tall
    y, x = np.broadcast_arrays(y, x)
    figure, eyes = _figure(
        y, x, hands=(rng.uniform(0.11, 0.33), rng.uniform(0.11, 0.33)), pixel=1 / tall
    )
    white = 255 if image.dtype == np.uint8 else 1
    terrain = float(np.median(image)) / white
    body = rng.uniform(max(0.58, min(0.75, terrain + 0.23)), 0.91)
    grain = np.asarray(rng.normal(0, GRAIN, image.shape))
    painted = body + eyes * (0.02 - body) + grain
    mixed = np.asarray(image + figure * (painted * white - image))
    if image.dtype == np.uint8:
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return np.clip(mixed, 0, 1).astype(np.float32)


def _figure(y: Field, x: Field, hands: tuple[float, float], pixel: float) -> tuple[Field, Field]:
    """How much the figure covers each pixel, and how much its eyes do, each 0 to 1.

    Args:
        y: Rows below the middle of the head, in heights of the figure.
        x: Columns beside it.
        hands: Rows of its left and its right hand.
        pixel: Side of a pixel in the same unit; outlines are so soft.
    """
    parts = [
        _ellipse(y, x, 0.225, 0.22),  # head
        _ellipse(y - 0.40, x, 0.24, 0.13),  # body
    ]
    eyes = []
    for side, hand in zip((-1, 1), hands, strict=True):
        parts.append(_ellipse(y + 0.31, x - side * 0.157, 0.046, 0.046))  # feeler's tip
        parts.append(_limb(y, x, (-0.19, side * 0.09), (-0.31, side * 0.157), 0.014))
        parts.append(_limb(y, x, (0.32, side * 0.10), (hand, side * 0.30), 0.028))
        eyes.append(_ellipse(y - 0.03, x - side * 0.098, 0.095, 0.068))
    return _covered(parts, pixel), _covered(eyes, pixel)


def _covered(distances: list[Field], pixel: float) -> Field:
    """How much shapes cover each pixel, given the distances from their outlines."""
    nearest = np.minimum.reduce(distances)
    return np.asarray(np.clip(0.5 - nearest / (1.5 * pixel), 0, 1), dtype=np.float32)


def _ellipse(y: Field, x: Field, half_height: float, half_width: float) -> Field:
    """About the distance from the outline of an ellipse, negative inside it."""
    radius = np.hypot(y / half_height, x / half_width)
    return np.asarray((radius - 1) * min(half_height, half_width))


def _limb(
    y: Field, x: Field, start: tuple[float, float], end: tuple[float, float], thickness: float
) -> Field:
    """Distance from the outline of a line of that half thickness, negative inside it."""
    dy, dx = end[0] - start[0], end[1] - start[1]
    along = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / (dy * dy + dx * dx), 0, 1)
    return np.asarray(np.hypot(y - start[0] - along * dy, x - start[1] - along * dx) - thickness)
