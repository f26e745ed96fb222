"""Warps: maps of sampling positions, and the one sampling that follows them.

Positions are (N, H, W, 2): where each pixel of the new tile looks in the old one, as (x, y) in
pixels, with pixel centers at whole numbers. A warp maps positions to positions, so warps compose
without an interpolation between them. `resample` then reads the tile once. What the positions go
through last is what happens to the tile first.
"""

import torch
from torch import Tensor
from torch.nn import functional

from areoseg.taxonomy import VOID
from areoseg.transforms.draws import smoothing_matrix
from areoseg.transforms.draws import uniform


def identity_positions(images: Tensor) -> Tensor:
    """The positions (N, H, W, 2) at which every pixel looks at itself."""
    samples, _, height, width = images.shape
    rows = torch.arange(height, dtype=images.dtype, device=images.device)
    columns = torch.arange(width, dtype=images.dtype, device=images.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).expand(samples, -1, -1, -1)


def resample(images: Tensor, masks: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Read images and masks at the positions.

    Images are bilinear and reflected at the border. Masks take the nearest pixel, and `VOID` where
    there is none.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        positions: (N, H, W, 2) float, (x, y) in pixels.
    """
    height, width = masks.shape[-2:]
    size = positions.new_tensor([width, height])
    new_images = functional.grid_sample(
        images,
        (2 * positions + 1) / size - 1,  # grid_sample counts from -1 to 1, edge to edge
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )
    column, row = torch.floor(positions + 0.5).long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixel = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    nearest = masks.flatten(1).gather(1, pixel.flatten(1)).view_as(masks)
    return new_images, torch.where(inside, nearest, VOID)


def quarter_turn(positions: Tensor, *, generator: torch.Generator) -> Tensor:
    """Turn by 90, 180 or 270 degrees; an oblong tile is stretched back to its shape.

    The stretching is what the homework report did. On a square tile the turn is exact.
    """
    turns = uniform(len(positions), low=1, high=4, generator=generator, like=positions).floor()
    size = _size(positions)
    x, y = ((positions + 0.5) / size).unbind(-1)
    turned = [torch.stack(pair, dim=-1) for pair in ((y, 1 - x), (1 - x, 1 - y), (1 - y, x))]
    shares = torch.where(
        _spread(turns == 1), turned[0], torch.where(_spread(turns == 2), turned[1], turned[2])
    )
    return shares * size - 0.5


def random_crop(positions: Tensor, *, generator: torch.Generator, smallest: float) -> Tensor:
    """Zoom into a part of the tile, of the tile's shape; never looks outside.

    Args:
        positions: (N, H, W, 2).
        generator: Source of the draws.
        smallest: Least side of the part, as a share of the tile's; greater than 0, to 1.
    """
    samples = len(positions)
    side = uniform(samples, low=smallest, high=1, generator=generator, like=positions)
    place = uniform(samples, 2, low=0, high=1, generator=generator, like=positions)
    size = _size(positions)
    corner = place * (1 - side)[:, None] * size
    return (positions + 0.5) * _spread(side) + corner[:, None, None] - 0.5


def shift_scale_rotate(
    positions: Tensor, *, generator: torch.Generator, shift: float, scale: float, rotation: float
) -> Tensor:
    """Rotate about the tile's center, change the scale, and shift.

    Args:
        positions: (N, H, W, 2).
        generator: Source of the draws.
        shift: Most shift along each side, as a share of it.
        scale: Most change of scale; 0.1 gives factors of 0.9 to 1.1.
        rotation: Most rotation either way, in degrees.
    """
    draw = uniform(4, len(positions), low=-1, high=1, generator=generator, like=positions)
    size = _size(positions)
    center = (size - 1) / 2
    offset = positions - center - (draw[:2].T * shift * size)[:, None, None]
    angle = _spread(torch.deg2rad(draw[2] * rotation))
    turned = torch.cat(
        [
            angle.cos() * offset[..., :1] - angle.sin() * offset[..., 1:],
            angle.sin() * offset[..., :1] + angle.cos() * offset[..., 1:],
        ],
        dim=-1,
    )
    return turned / _spread(1 + draw[3] * scale) + center


def elastic(positions: Tensor, *, generator: torch.Generator, alpha: float, sigma: float) -> Tensor:
    """Displace each pixel by a smooth random field.

    Simard et al. 2003, Best Practices for Convolutional Neural Networks.
    White noise is smoothed by a Gaussian, then scaled to a root mean square of `alpha` pixels along
    each axis.

    Args:
        positions: (N, H, W, 2).
        generator: Source of the draws.
        alpha: Root mean square displacement, in pixels.
        sigma: Standard std of the Gaussian, in pixels. The field folds over itself where
            `alpha` comes near `sigma`.
    """
    samples, height, width, _ = positions.shape
    noise = uniform(samples, 2, height, width, low=-1, high=1, generator=generator, like=positions)
    spread = positions.new_tensor([sigma])
    field = smoothing_matrix(height, spread) @ noise @ smoothing_matrix(width, spread).mT
    strength = field.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    return positions + (field * (alpha / strength)).permute(0, 2, 3, 1)


def grid_distortion(
    positions: Tensor, *, generator: torch.Generator, steps: int, limit: float
) -> Tensor:
    """Stretch and squeeze the columns and the rows of a grid; the tile's border stays.

    Args:
        positions: (N, H, W, 2).
        generator: Source of the draws.
        steps: Cells along each side.
        limit: Most change of a cell's width before all are scaled to fill the tile, below 1.
    """
    samples = len(positions)
    cells = uniform(
        samples, 2, steps, low=1 - limit, high=1 + limit, generator=generator, like=positions
    )
    cells = cells / cells.sum(dim=-1, keepdim=True)
    starts = cells.cumsum(dim=-1) - cells
    size = _size(positions)
    place = ((positions + 0.5) / size * steps).movedim(-1, 1).flatten(2)  # (N, 2, H * W), in cells
    cell = place.floor().long().clamp(0, steps - 1)
    share = starts.gather(2, cell) + (place - cell) * cells.gather(2, cell)
    return share.reshape(samples, 2, *positions.shape[1:3]).movedim(1, -1) * size - 0.5


def optical_distortion(positions: Tensor, *, generator: torch.Generator, limit: float) -> Tensor:
    """Radial distortion of a lens: look at radius r (1 + k r^2), with r = 1 in the corner.

    Args:
        positions: (N, H, W, 2).
        generator: Source of the draws.
        limit: Most |k|; negative k magnifies the rim, positive k brings in pixels from outside.
    """
    k = uniform(len(positions), low=-limit, high=limit, generator=generator, like=positions)
    size = _size(positions)
    center = (size - 1) / 2
    offset = positions - center
    radius_squared = offset.square().sum(dim=-1, keepdim=True) / (size / 2).square().sum()
    return offset * (1 + _spread(k) * radius_squared) + center


def _size(positions: Tensor) -> Tensor:
    """Width and height of the tile, in the order of the coordinates."""
    return positions.new_tensor([positions.shape[2], positions.shape[1]])


def _spread(values: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1), to go with positions."""
    return values[:, None, None, None]
