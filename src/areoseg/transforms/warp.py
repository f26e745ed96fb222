"""Geometric transforms: flips, and warps followed by a single resampling.

A warp maps positions (N, H, W, 2): for each pixel of the new tile, the point (x, y) at which the
old tile is sampled, in pixels, with pixel centers at integers. Warps compose without interpolation,
and `resample` then samples the tile once. Because positions map new pixels to old ones, the last
warp of the positions is the first that acts on the tile.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from areoseg.taxonomy import VOID
from areoseg.transforms.draws import per_sample, smoothing_matrix, uniform
from areoseg.transforms.registry import TRANSFORMS
from areoseg.utils.options import Share


@TRANSFORMS.register("horizontal_flip", summary="mirror left and right; sky stays above ground")
def horizontal_flip(
    images: Tensor, masks: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mirror left and right; exact, without random numbers.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        generator: Not used.
    """
    return images.flip(-1), masks.flip(-1)


@TRANSFORMS.register("vertical_flip", summary="mirror top and bottom; a rover never sees this")
def vertical_flip(
    images: Tensor, masks: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mirror top and bottom; exact, without random numbers.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        generator: Not used.
    """
    return images.flip(-2), masks.flip(-2)


def identity_positions(images: Tensor) -> Tensor:
    """Return the positions (N, H, W, 2) at which every pixel samples itself."""
    samples, _, height, width = images.shape
    rows = torch.arange(height, dtype=images.dtype, device=images.device)
    columns = torch.arange(width, dtype=images.dtype, device=images.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).expand(samples, -1, -1, -1)


def resample(images: Tensor, masks: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Sample images and masks at the positions.

    Images are interpolated bilinearly and reflected at the border. Masks use the nearest
    pixel, so that no new label appears, and `VOID` outside the tile, where no label is known.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        positions: (N, H, W, 2) float, (x, y) in pixels.
    """
    height, width = masks.shape[-2:]
    size = positions.new_tensor([width, height])
    new_images = functional.grid_sample(
        images,
        (2 * positions + 1) / size - 1,  # grid_sample uses -1 to 1 from edge to edge
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )
    # A pixel covers half a pixel around its center, so rounding gives the nearest. `round` would
    # send halves to even numbers, which differs from one side of a pixel to the other.
    column, row = torch.floor(positions + 0.5).long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    pixel = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    nearest = masks.flatten(1).gather(1, pixel.flatten(1)).view_as(masks)
    return new_images, torch.where(inside, nearest, VOID)


@TRANSFORMS.register(
    "quarter_turn", summary="turn by 90, 180 or 270 degrees, stretched back to the tile's shape"
)
def quarter_turn(positions: Tensor, *, generator: torch.Generator) -> Tensor:
    """Turn by 90, 180 or 270 degrees; an oblong tile is stretched back to its shape.

    The stretching follows the homework report. On a square tile the turn is exact.
    """
    turns = uniform(len(positions), low=1, high=4, generator=generator, like=positions).floor()
    size = _size(positions)
    # In fractions of width and height, from edge to edge, a turn swaps and mirrors coordinates.
    x, y = ((positions + 0.5) / size).unbind(-1)
    turned = [torch.stack(pair, dim=-1) for pair in ((y, 1 - x), (1 - x, 1 - y), (1 - y, x))]
    shares = torch.where(
        per_sample(turns == 1), turned[0], torch.where(per_sample(turns == 2), turned[1], turned[2])
    )
    return shares * size - 0.5


@TRANSFORMS.register("random_crop", summary="zoom into a random part of the tile")
def random_crop(
    positions: Tensor,
    *,
    generator: torch.Generator,
    smallest: Annotated[float, Field(gt=0, le=1)] = 0.6,
) -> Tensor:
    """Zoom into a part of the tile with the tile's shape; never samples outside the tile.

    Args:
        positions: (N, H, W, 2).
        generator: Random generator.
        smallest: Minimum side of the part, as a fraction of the tile's.
    """
    samples = len(positions)
    side = uniform(samples, low=smallest, high=1, generator=generator, like=positions)
    place = uniform(samples, 2, low=0, high=1, generator=generator, like=positions)
    size = _size(positions)
    corner = place * (1 - side)[:, None] * size
    # Scale about the tile's edge, half a pixel before the first center, so that a side of 1 with
    # its corner at 0 is the identity.
    return (positions + 0.5) * per_sample(side) + corner[:, None, None] - 0.5


@TRANSFORMS.register("shift_scale_rotate", summary="shift, zoom and rotate about the tile's center")
def shift_scale_rotate(
    positions: Tensor,
    *,
    generator: torch.Generator,
    shift: Share = 0.1,
    scale: Annotated[float, Field(ge=0, le=0.9)] = 0.1,
    rotation: Annotated[float, Field(ge=0, le=180)] = 15,
) -> Tensor:
    """Rotate about the tile's center, change the scale, and shift.

    Args:
        positions: (N, H, W, 2).
        generator: Random generator.
        shift: Maximum shift along each side, as a fraction of its length.
        scale: Maximum change of scale; 0.1 gives factors of 0.9 to 1.1.
        rotation: Maximum rotation in either direction, in degrees.
    """
    draw = uniform(4, len(positions), low=-1, high=1, generator=generator, like=positions)
    size = _size(positions)
    center = (size - 1) / 2
    # Positions map new pixels to old ones, so they undergo the inverses in reverse order: shift
    # back, rotate back, and divide by the scale.
    offset = positions - center - (draw[:2].T * shift * size)[:, None, None]
    angle = per_sample(torch.deg2rad(draw[2] * rotation))
    turned = torch.cat(
        [
            angle.cos() * offset[..., :1] - angle.sin() * offset[..., 1:],
            angle.sin() * offset[..., :1] + angle.cos() * offset[..., 1:],
        ],
        dim=-1,
    )
    return turned / per_sample(1 + draw[3] * scale) + center


@TRANSFORMS.register(
    "elastic",
    summary="displace each pixel by a smooth random field",
    paper="Simard et al. 2003, Best Practices for Convolutional Neural Networks, ICDAR",
)
def elastic(
    positions: Tensor,
    *,
    generator: torch.Generator,
    alpha: Annotated[float, Field(ge=0, le=50)] = 2,
    sigma: Annotated[float, Field(gt=0, le=100)] = 8,
) -> Tensor:
    """Displace each pixel by a smooth random field (Simard et al. 2003).

    White noise is smoothed by a Gaussian, then scaled to a root mean square of `alpha` pixels along
    each axis. (In libraries that scale the noise itself, the displacement shrinks as sigma grows,
    so that the same alpha means different strengths.)

    Args:
        positions: (N, H, W, 2).
        generator: Random generator.
        alpha: Root mean square displacement, in pixels.
        sigma: Standard deviation of the Gaussian, in pixels. The field folds over itself if
            `alpha` approaches `sigma`.
    """
    samples, height, width, _ = positions.shape
    noise = uniform(samples, 2, height, width, low=-1, high=1, generator=generator, like=positions)
    spread = positions.new_tensor([sigma])
    field = smoothing_matrix(height, spread) @ noise @ smoothing_matrix(width, spread).mT
    rms = field.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    return positions + (field * (alpha / rms)).permute(0, 2, 3, 1)


@TRANSFORMS.register(
    "grid_distortion",
    summary="stretch and squeeze the columns and rows of a grid",
    paper="Buslaev et al. 2020, Albumentations, arXiv 1809.06839",
)
def grid_distortion(
    positions: Tensor,
    *,
    generator: torch.Generator,
    steps: Annotated[int, Field(ge=1, le=64)] = 5,
    limit: Annotated[float, Field(ge=0, le=0.9)] = 0.3,
) -> Tensor:
    """Stretch and squeeze the columns and rows of a grid; the tile's border is unchanged.

    Each axis is mapped by a piecewise linear function, as in `GridDistortion` of Albumentations
    (Buslaev et al. 2020, arXiv 1809.06839).

    Args:
        positions: (N, H, W, 2).
        generator: Random generator.
        steps: Number of cells along each side.
        limit: Maximum change of a cell's width before all are scaled to fill the tile, below 1.
    """
    samples = len(positions)
    cells = uniform(
        samples, 2, steps, low=1 - limit, high=1 + limit, generator=generator, like=positions
    )
    cells = cells / cells.sum(dim=-1, keepdim=True)  # source widths, as fractions of the side
    starts = cells.cumsum(dim=-1) - cells
    size = _size(positions)
    # All cells of the result have the same width, so a pixel's cell is the integer part of its
    # coordinate in cells. The clamp keeps positions outside the tile in the outermost cells.
    place = ((positions + 0.5) / size * steps).movedim(-1, 1).flatten(2)  # (N, 2, H * W), in cells
    cell = place.floor().long().clamp(0, steps - 1)
    share = starts.gather(2, cell) + (place - cell) * cells.gather(2, cell)
    return share.reshape(samples, 2, *positions.shape[1:3]).movedim(1, -1) * size - 0.5


@TRANSFORMS.register(
    "optical_distortion",
    summary="barrel or pincushion distortion of a lens",
    paper="Brown 1971, Close-Range Camera Calibration, Photogrammetric Engineering 37:855",
)
def optical_distortion(
    positions: Tensor,
    *,
    generator: torch.Generator,
    limit: Annotated[float, Field(ge=0, le=0.5)] = 0.1,
) -> Tensor:
    """Distort radially like a lens: sample radius r at r (1 + k r^2), with r = 1 in the corner.

    The first radial term of Brown (1971), Close-Range Camera Calibration.

    Args:
        positions: (N, H, W, 2).
        generator: Random generator.
        limit: Maximum |k|; negative k magnifies the rim, positive k samples outside the tile.
    """
    k = uniform(len(positions), low=-limit, high=limit, generator=generator, like=positions)
    size = _size(positions)
    center = (size - 1) / 2
    offset = positions - center
    radius_squared = offset.square().sum(dim=-1, keepdim=True) / (size / 2).square().sum()
    return offset * (1 + per_sample(k) * radius_squared) + center


def _size(positions: Tensor) -> Tensor:
    """Return width and height of the tile, in the order of the coordinates."""
    return positions.new_tensor([positions.shape[2], positions.shape[1]])
