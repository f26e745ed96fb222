"""DropBlock: dropout of squares, which their surroundings cannot fill in."""

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.replace import replace_layers


def drop_block(features: Tensor, rate: float, size: int) -> Tensor:
    """Zero random squares of each channel (Ghiasi et al. 2018, arXiv 1810.12890, algorithm 1).

    Neighboring pixels say much the same, so dropping them one by one takes little away. Each
    place where a square fits begins one with the probability of equation 1::

        gamma = rate / size^2 * H W / ((H - size + 1) (W - size + 1))

    and what is left is scaled up by 1 / (its share). As squares may overlap, and cover the rim
    less often, slightly less than `rate` is dropped.

    Args:
        features: (N, C, H, W).
        rate: Share of the pixels to drop, 0 to 1.
        size: Edge of a square, in pixels; at most H and W count. One pixel is plain dropout.
    """
    samples, channels, height, width = features.shape
    rows, columns = min(size, height), min(size, width)
    down, across = height - rows + 1, width - columns + 1  # places where a square fits
    gamma = min(1.0, rate * height * width / (rows * columns * down * across))
    starts = torch.empty(
        (samples, channels, down, across),
        dtype=features.dtype,
        device=features.device,
        memory_format=torch.channels_last,
    ).bernoulli_(gamma)
    starts = functional.pad(starts, (columns - 1, columns - 1, rows - 1, rows - 1))
    # The largest value of a square is that of its columns' largest: two passes cost less than one.
    dropped = functional.max_pool2d(starts, (rows, 1), stride=1)
    kept = 1 - functional.max_pool2d(dropped, (1, columns), stride=1)
    share = kept.mean(dtype=torch.float32).clamp(min=1 / kept.numel())  # never nothing at all
    return features * kept * share.reciprocal().to(features.dtype)


class DropBlock(nn.Module):
    """`drop_block` while training; the identity in evaluation.

    Args:
        rate: Share of the pixels to drop at the end of the training, 0 to 1.
        size: Edge of a square, in pixels.

    Attributes:
        progress: How far the training has come, 0 to 1; the rate grows with it, which the paper
            finds better than a constant one. See `set_progress`.
    """

    def __init__(self, rate: float, size: int) -> None:
        super().__init__()
        self.rate = rate
        self.size = size
        self.progress = 1.0

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        rate = self.rate * self.progress
        return drop_block(features, rate, self.size) if self.training and rate > 0 else features

    def extra_repr(self) -> str:
        """What print() shows of the layer."""
        return f"rate={self.rate}, size={self.size}"


def use_dropblock(network: nn.Module, size: int) -> int:
    """Put `DropBlock` in the place of dropout, with the same rates.

    Args:
        network: Changed in place, where it has `nn.Dropout` or `nn.Dropout2d` of a rate above 0.
        size: Edge of a square, in pixels.

    Returns:
        How many layers were replaced.
    """

    def replacement(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Dropout | nn.Dropout2d) and layer.p > 0:
            return DropBlock(layer.p, size)
        return None

    return replace_layers(network, replacement)


def set_progress(network: nn.Module, progress: float) -> None:
    """Tell each `DropBlock` of a network how far the training has come, 0 to 1."""
    for layer in network.modules():
        if isinstance(layer, DropBlock):
            layer.progress = progress
