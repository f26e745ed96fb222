"""The images that a network is traced with."""

import torch
from torch import Tensor


def example_images(stride: int) -> Tensor:
    """Images (2, 1, 4 strides, 6 strides) uint8: three numbers that no exporter mistakes for one.

    Args:
        stride: The network's stride, in pixels.
    """
    return (
        torch.arange(2 * 24 * stride**2)
        .remainder(256)
        .to(torch.uint8)
        .view(2, 1, 4 * stride, 6 * stride)
    )
