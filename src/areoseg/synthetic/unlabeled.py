"""Ground that nobody labeled: patches, far ground, seams between classes, the frame's edge."""

import numpy as np

from areoseg.synthetic.background import Region
from areoseg.synthetic.background import grid
from areoseg.synthetic.noise import Field
from areoseg.synthetic.view import View
from areoseg.utils.images import Mask


def unlabeled(view: View, mask: Mask, rng: np.random.Generator) -> Region:
    """Pixels of the sample that annotators left out: (H, W) bool.

    Args:
        view: The ground.
        mask: (H, W) the terrain, to find where classes meet.
        rng: The source of chance.
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
    """Pixels within about half of `width` of another class."""
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
    """A polygon that annotators left out: five sides, at a border as often as not."""
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
