"""Random numbers from an explicit generator, and the boxes made from them."""

import torch
from torch import Tensor


def uniform(
    *shape: int, low: float, high: float, generator: torch.Generator, like: Tensor
) -> Tensor:
    """Uniform numbers in [low, high), drawn on the CPU.

    Args:
        *shape: The shape of the result.
        low: Least value.
        high: Greatest value.
        generator: A CPU generator; so the numbers are the same on every device.
        like: Gives the dtype and device of the result.
    """
    drawn = torch.rand(shape, generator=generator) * (high - low) + low
    return drawn.to(dtype=like.dtype, device=like.device)


def random_start(length: Tensor, size: int, share: Tensor) -> Tensor:
    """The first pixel of an interval of `length` pixels placed at random within `size` pixels.

    Args:
        length: (...) int64, 1 to `size`.
        size: Pixels along the side.
        share: (...) uniform in [0, 1).

    Returns:
        (...) int64, each of the `size - length + 1` places as likely.
    """
    return ((size - length + 1) * share).long().clamp(max=size - length)


def inside_boxes(
    top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: tuple[int, int]
) -> Tensor:
    """Where the pixels of a tile lie in a box.

    Args:
        top: (...) int64, first row of each box.
        left: (...) int64, first column.
        height: (...) int64, rows.
        width: (...) int64, columns.
        size: Height and width of the tile.

    Returns:
        (..., H, W) bool.
    """
    rows = torch.arange(size[0], device=top.device)
    columns = torch.arange(size[1], device=top.device)
    in_rows = (rows >= top[..., None]) & (rows < (top + height)[..., None])
    in_columns = (columns >= left[..., None]) & (columns < (left + width)[..., None])
    return in_rows[..., :, None] & in_columns[..., None, :]


def smoothing_matrix(size: int, sigma: Tensor) -> Tensor:
    """Gaussian smoothing along one side, as a matrix.

    `rows @ image @ columns.T` smooths an image. Each row sums to one over the pixels that exist, so
    the border needs no padding; and each sample can have its own width.

    Args:
        size: Pixels along the side.
        sigma: (N,) positive standard deviations in pixels.

    Returns:
        (N, size, size) float.
    """
    place = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    distance = place[:, None] - place[None, :]
    return torch.softmax(-distance.square() / (2 * sigma[:, None, None].square()), dim=-1)
