"""Flips: exact, no pixel is interpolated."""

import torch
from torch import Tensor


def horizontal_flip(
    images: Tensor, masks: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mirror left and right.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        generator: Not drawn from; every transform takes it.
    """
    return images.flip(-1), masks.flip(-1)


def vertical_flip(
    images: Tensor, masks: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mirror top and bottom.

    Args:
        images: (N, 1, H, W) float.
        masks: (N, H, W) int64.
        generator: Not drawn from; every transform takes it.
    """
    return images.flip(-2), masks.flip(-2)
