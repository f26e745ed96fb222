"""Erasing: parts of the image are replaced by the tile's mean gray; labels are unchanged.

The network has to classify the hidden pixels from their surroundings.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from areoseg.transforms.draws import inside_boxes, random_start, uniform
from areoseg.transforms.registry import TRANSFORMS


@TRANSFORMS.register(
    "coarse_dropout",
    summary="hide square holes of the image; labels stay",
    paper="DeVries and Taylor 2017, Cutout, arXiv 1708.04552",
)
def coarse_dropout(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    holes: Annotated[int, Field(ge=1, le=64)] = 4,
    size: Annotated[int, Field(ge=1, le=1024)] = 16,
) -> tuple[Tensor, Tensor]:
    """Hide square holes at random places (Cutout, DeVries and Taylor 2017, arXiv 1708.04552).

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        holes: Number of holes per tile; they may overlap.
        size: Side of a hole, in pixels, limited to the tile's.
    """
    samples, _, height, width = images.shape
    place = uniform(2, samples, holes, low=0, high=1, generator=generator, like=images)
    rows = torch.full_like(place[0], min(size, height), dtype=torch.long)
    columns = torch.full_like(place[1], min(size, width), dtype=torch.long)
    top, left = random_start(rows, height, place[0]), random_start(columns, width, place[1])
    hidden = inside_boxes(top, left, rows, columns, (height, width)).any(dim=1)
    return _hide(images, hidden), masks


@TRANSFORMS.register(
    "grid_mask",
    summary="hide a regular grid of squares of the image; labels stay",
    paper="Chen et al. 2020, GridMask, arXiv 2001.04086",
)
def grid_mask(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    period: Annotated[int, Field(ge=2, le=1024)] = 24,
    ratio: Annotated[float, Field(gt=0, lt=1)] = 0.4,
) -> tuple[Tensor, Tensor]:
    """Hide the squares of a regular grid, shifted at random (GridMask, arXiv 2001.04086).

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        period: Distance from one square to the next, in pixels.
        ratio: Side of a square as a fraction of the period; ratio^2 of the tile is hidden.
    """
    samples, _, height, width = images.shape
    start = uniform(2, samples, 1, low=0, high=period, generator=generator, like=images).floor()
    rows = torch.arange(height, dtype=images.dtype, device=images.device)
    columns = torch.arange(width, dtype=images.dtype, device=images.device)
    in_rows = (rows + start[0]) % period < ratio * period
    in_columns = (columns + start[1]) % period < ratio * period
    return _hide(images, in_rows[:, :, None] & in_columns[:, None, :]), masks


def _hide(images: Tensor, hidden: Tensor) -> Tensor:
    """Fill images with their mean where `hidden` (N, H, W) is true."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(hidden[:, None], mean, images)
