"""CutMix: boxes of one tile are replaced by boxes of another, in image and mask."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from areoseg.transforms.draws import inside_boxes, random_start, uniform
from areoseg.transforms.registry import TRANSFORMS


@TRANSFORMS.register(
    "cutmix",
    summary="replace a box by the same box of another tile of the batch",
    paper="Yun et al. 2019, CutMix, arXiv 1905.04899; French et al. 2020, arXiv 1906.01916",
)
def cutmix(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    largest: Annotated[float, Field(gt=0, le=1)] = 0.5,
) -> tuple[Tensor, Tensor]:
    """Replace a box by the same box of another tile of the batch.

    Yun et al. 2019, arXiv 1905.04899; for segmentation French et al. 2020, arXiv 1906.01916.
    A batch of one is returned unchanged.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Random generator.
        largest: Maximum fraction of the tile's area that the box covers, drawn uniformly from 0.
    """
    samples, _, height, width = images.shape
    draw = uniform(4, samples, low=0, high=1, generator=generator, like=images)
    others = 1 + (draw[0] * (samples - 1)).long()  # offset to the other tile: never 0
    partner = (torch.arange(samples, device=images.device) + others) % samples
    rows, columns = _box_sides(draw[1] * largest, height, width)
    top, left = random_start(rows, height, draw[2]), random_start(columns, width, draw[3])
    return _mix(images, masks, partner, inside_boxes(top, left, rows, columns, (height, width)))


@TRANSFORMS.register(
    "rare_cutmix",
    summary="replace a box by one around the rare class in another tile of the batch",
    paper="Yun et al. 2019, CutMix, arXiv 1905.04899",
)
def rare_cutmix(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    rare_class: int,
    largest: Annotated[float, Field(gt=0, le=1)] = 0.25,
) -> tuple[Tensor, Tensor]:
    """CutMix with boxes around pixels of the rare class.

    Each tile receives the box around a rare pixel drawn from the batch, at the same place. A tile
    for which one of its own pixels is drawn stays unchanged, and so does a batch without the rare
    class.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Random generator.
        rare_class: Index of the rare class.
        largest: Maximum fraction of the tile's area that the box covers, drawn uniformly from 0.
    """
    samples, _, height, width = images.shape
    # Drawn before looking at the masks: the number of draws must not depend on the pixels.
    draw = uniform(2, samples, low=0, high=1, generator=generator, like=images)
    rare = (masks == rare_class).nonzero()  # (rare pixels, 3): sample, row, column
    if len(rare) == 0:
        return images, masks
    picked = rare[(draw[0] * len(rare)).long().clamp(max=len(rare) - 1)]
    partner, row, column = picked.unbind(1)
    rows, columns = _box_sides(draw[1] * largest, height, width)
    top = (row - rows // 2).clamp(min=0).minimum(height - rows)
    left = (column - columns // 2).clamp(min=0).minimum(width - columns)
    return _mix(images, masks, partner, inside_boxes(top, left, rows, columns, (height, width)))


def _box_sides(area: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return height and width (N,) of boxes of the tile's shape and a fraction `area` of it."""
    side = area.sqrt()
    rows = (side * height).round().long().clamp(min=1)
    columns = (side * width).round().long().clamp(min=1)
    return rows, columns


def _mix(images: Tensor, masks: Tensor, partner: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """Take the pixels in `box` (N, H, W) from the samples `partner` (N,)."""
    mixed_images = torch.where(box[:, None], images[partner], images)
    return mixed_images, torch.where(box, masks[partner], masks)
