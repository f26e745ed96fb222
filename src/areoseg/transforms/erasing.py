"""Erasing: hide parts of the image behind the tile's mean gray; the labels stay.

The network has to name a hidden pixel by what surrounds it.
"""

import torch
from torch import Tensor

from areoseg.transforms.draws import inside_boxes
from areoseg.transforms.draws import random_start
from areoseg.transforms.draws import uniform


def coarse_dropout(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, holes: int, size: int
) -> tuple[Tensor, Tensor]:
    """Hide square holes at random places (Cutout, arXiv 1708.04552).

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        holes: Holes in a tile; they may overlap.
        size: Side of a hole, in pixels; cut to the tile's.
    """
    samples, _, height, width = images.shape
    place = uniform(2, samples, holes, low=0, high=1, generator=generator, like=images)
    rows = torch.full_like(place[0], min(size, height), dtype=torch.long)
    columns = torch.full_like(place[1], min(size, width), dtype=torch.long)
    top, left = random_start(rows, height, place[0]), random_start(columns, width, place[1])
    hidden = inside_boxes(top, left, rows, columns, (height, width)).any(dim=1)
    return _hide(images, hidden), masks


def grid_mask(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, period: int, ratio: float
) -> tuple[Tensor, Tensor]:
    """Hide the squares of a regular grid, shifted at random (GridMask, arXiv 2001.04086).

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        period: Distance from one square to the next, in pixels.
        ratio: Side of a square as a share of the period; ratio^2 of the tile is hidden.
    """
    samples, _, height, width = images.shape
    start = uniform(2, samples, 1, low=0, high=period, generator=generator, like=images).floor()
    rows = torch.arange(height, dtype=images.dtype, device=images.device)
    columns = torch.arange(width, dtype=images.dtype, device=images.device)
    in_rows = (rows + start[0]) % period < ratio * period
    in_columns = (columns + start[1]) % period < ratio * period
    return _hide(images, in_rows[:, :, None] & in_columns[:, None, :]), masks


def _hide(images: Tensor, hidden: Tensor) -> Tensor:
    """`images` with their mean where `hidden` (N, H, W) is true."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(hidden[:, None], mean, images)
