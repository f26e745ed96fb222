"""CutMix: boxes of one tile replaced by boxes of another, image and labels alike."""

import torch
from torch import Tensor

from areoseg.transforms.draws import inside_boxes
from areoseg.transforms.draws import random_start
from areoseg.transforms.draws import uniform


def cutmix(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, largest: float
) -> tuple[Tensor, Tensor]:
    """Replace a box by the same box of another tile of the batch.

    Yun et al. 2019, arXiv 1905.04899; for segmentation French et al. 2020, arXiv 1906.01916.
    A batch of one stays as it is.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Source of the draws.
        largest: The box covers a uniform share of the tile's area between 0 and this.
    """
    samples, _, height, width = images.shape
    draw = uniform(4, samples, low=0, high=1, generator=generator, like=images)
    others = 1 + (draw[0] * (samples - 1)).long()  # how far on the other tile is: never 0
    partner = (torch.arange(samples, device=images.device) + others) % samples
    rows, columns = _box_sides(draw[1] * largest, height, width)
    top, left = random_start(rows, height, draw[2]), random_start(columns, width, draw[3])
    return _mix(images, masks, partner, inside_boxes(top, left, rows, columns, (height, width)))


def rare_cutmix(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, largest: float, rare_class: int
) -> tuple[Tensor, Tensor]:
    """CutMix with boxes around pixels of the rare class.

    Each tile takes its box from around a rare pixel chosen at random among those of the batch, and
    puts it where it was. A tile may choose a pixel of its own, and a batch without the rare class
    has none to choose: both stay as they are.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Source of the draws.
        largest: The box covers a uniform share of the tile's area between 0 and this.
        rare_class: Class index looked for.
    """
    samples, _, height, width = images.shape
    draw = uniform(2, samples, low=0, high=1, generator=generator, like=images)
    rare = (masks == rare_class).nonzero()  # (rare pixels, 3): sample, row, column
    if len(rare) == 0:
        return images, masks
    chosen = rare[(draw[0] * len(rare)).long().clamp(max=len(rare) - 1)]
    partner, row, column = chosen.unbind(1)
    rows, columns = _box_sides(draw[1] * largest, height, width)
    top = (row - rows // 2).clamp(min=0).minimum(height - rows)
    left = (column - columns // 2).clamp(min=0).minimum(width - columns)
    return _mix(images, masks, partner, inside_boxes(top, left, rows, columns, (height, width)))


def _box_sides(area: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Rows and columns (N,) of boxes of the tile's shape that cover the share `area` (N,) of it."""
    side = area.sqrt()
    rows = (side * height).round().long().clamp(min=1)
    columns = (side * width).round().long().clamp(min=1)
    return rows, columns


def _mix(images: Tensor, masks: Tensor, partner: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """Take the pixels in `box` (N, H, W) from the samples `partner` (N,)."""
    mixed_images = torch.where(box[:, None], images[partner], images)
    return mixed_images, torch.where(box, masks[partner], masks)
