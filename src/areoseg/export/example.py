"""The images that a network is traced with."""

import torch
from torch import Tensor


def example_images(size_divisor: int) -> Tensor:
    """Example images (2, 1, 4 * size_divisor, 6 * size_divisor) uint8.

    Batch, height and width differ, so that no exporter takes one for another.

    Args:
        size_divisor: The network's size_divisor, in pixels.
    """
    return (
        torch.arange(2 * 24 * size_divisor**2)
        .remainder(256)
        .to(torch.uint8)
        .view(2, 1, 4 * size_divisor, 6 * size_divisor)
    )
