"""Random draws from an explicit generator, and helpers that several transforms share."""

import torch
from torch import Tensor


def uniform(
    *shape: int, low: float, high: float, generator: torch.Generator, like: Tensor
) -> Tensor:
    """Draw uniform numbers in [low, high).

    Args:
        *shape: The shape of the result.
        low: Lower bound.
        high: Upper bound.
        generator: A CPU generator, so that the numbers are the same on every device.
        like: A tensor with the dtype and device of the result.
    """
    drawn = torch.rand(shape, generator=generator) * (high - low) + low
    return drawn.to(dtype=like.dtype, device=like.device)


def per_sample(values: Tensor) -> Tensor:
    """Reshape (N,) to (N, 1, 1, 1), to broadcast over images or positions."""
    return values[:, None, None, None]


def random_start(length: Tensor, size: int, share: Tensor) -> Tensor:
    """Place intervals of `length` pixels at random within `size` pixels.

    Args:
        length: (...) int64, 1 to `size`.
        size: Pixels along the side.
        share: (...) uniform in [0, 1).

    Returns:
        (...) int64, the first pixel; each of the `size - length + 1` places is equally likely.
    """
    return ((size - length + 1) * share).long().clamp(max=size - length)


def inside_boxes(
    top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: tuple[int, int]
) -> Tensor:
    """Rasterize boxes.

    Args:
        top: (...) int64, first row of each box.
        left: (...) int64, first column.
        height: (...) int64, rows.
        width: (...) int64, columns.
        size: Height and width of the tile.

    Returns:
        (..., H, W) bool, true inside the box.
    """
    rows = torch.arange(size[0], device=top.device)
    columns = torch.arange(size[1], device=top.device)
    in_rows = (rows >= top[..., None]) & (rows < (top + height)[..., None])
    in_columns = (columns >= left[..., None]) & (columns < (left + width)[..., None])
    return in_rows[..., :, None] & in_columns[..., None, :]


def smoothing_matrix(size: int, sigma: Tensor) -> Tensor:
    """Return the matrix of Gaussian smoothing along one side.

    `rows @ image @ columns.T` smooths an image. Each row sums to one over the existing pixels, so
    no padding is needed, and each sample can have its own sigma.

    Args:
        size: Pixels along the side.
        sigma: (N,) positive standard deviations in pixels.

    Returns:
        (N, size, size) float.
    """
    position = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    distance = position[:, None] - position[None, :]
    return torch.softmax(-distance.square() / (2 * sigma[:, None, None].square()), dim=-1)
