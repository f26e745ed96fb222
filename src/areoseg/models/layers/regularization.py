"""DropBlock and stochastic depth: dropout of squares, and of residual branches."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.replace import replace_layers


def drop_block(features: Tensor, rate: float, size: int) -> Tensor:
    """Zero random squares of each channel (Ghiasi et al. 2018, arXiv 1810.12890, algorithm 1).

    Neighboring pixels are correlated, so dropping them one by one removes little information. A
    square starts at each place where one fits with the probability of equation 1::

        gamma = rate / size^2 * H W / ((H - size + 1) (W - size + 1))

    and the remaining pixels are scaled by 1 / (their share). As squares may overlap, and cover the
    border less often, slightly less than `rate` is dropped.

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
    share = kept.mean(dtype=torch.float32).clamp(min=1 / kept.numel())  # avoids 1 / 0
    return features * kept * share.reciprocal().to(features.dtype)


class DropBlock(nn.Module):
    """`drop_block` in training; the identity in evaluation.

    Args:
        rate: Share of the pixels to drop at the end of the training, 0 to 1.
        size: Edge of a square, in pixels.

    Attributes:
        progress: Progress of the training, 0 to 1; the rate grows with it, which the paper finds
            better than a constant one. See `set_progress`.
    """

    def __init__(self, rate: float, size: int) -> None:
        super().__init__()
        self.rate = rate
        self.size = size
        self.progress = 1.0

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        rate = self.rate * self.progress
        return drop_block(features, rate, self.size) if self.training and rate > 0 else features

    def extra_repr(self) -> str:
        """Describe the layer for `print`."""
        return f"rate={self.rate}, size={self.size}"


def use_dropblock(network: nn.Module, size: int) -> int:
    """Replace dropout by `DropBlock` with the same rates.

    Args:
        network: Changed in place, where it has `nn.Dropout` or `nn.Dropout2d` of a rate above 0.
        size: Edge of a square, in pixels.

    Returns:
        Number of replaced layers.
    """

    def replacement(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Dropout | nn.Dropout2d) and layer.p > 0:
            return DropBlock(layer.p, size)
        return None

    return replace_layers(network, replacement)


def set_progress(network: nn.Module, progress: float) -> None:
    """Set the progress of the training, 0 to 1, in each `DropBlock` of a network."""
    for layer in network.modules():
        if isinstance(layer, DropBlock):
            layer.progress = progress


def drop_path(branch: Tensor, rate: float) -> Tensor:
    """Zero the branch of each sample with probability `rate`, scale the others by 1 / (1 - rate).

    The expected value of the branch stays the same (Huang et al. 2016, arXiv 1603.09382).

    Args:
        branch: (N, ...), the branch of a residual block.
        rate: 0 to below 1.
    """
    keep = 1.0 - rate
    shape = (branch.shape[0],) + (1,) * (branch.ndim - 1)
    kept = torch.empty(shape, dtype=branch.dtype, device=branch.device).bernoulli_(keep)
    return branch * kept / keep


class DropPath(nn.Module):
    """`drop_path` in training; the identity in evaluation."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Map (N, ...) to the same shape."""
        return drop_path(branch, self.rate) if self.training and self.rate > 0 else branch

    def extra_repr(self) -> str:
        """Describe the layer for `print`."""
        return f"rate={self.rate}"


def rates_by_depth(depths: Sequence[int], last: float) -> list[list[float]]:
    """Return drop rates that grow linearly from 0 at the first block to `last` at the last.

    Args:
        depths: Number of blocks in each stage.
        last: Rate of the last block of all, 0 to below 1.

    Returns:
        One list per stage, with one rate per block.
    """
    blocks = sum(depths)
    rates = [last * index / max(blocks - 1, 1) for index in range(blocks)]
    starts = [sum(depths[:stage]) for stage in range(len(depths))]
    return [rates[start : start + depth] for start, depth in zip(starts, depths, strict=True)]


def set_drop_path(network: nn.Module, last: float) -> int:
    """Give the residual branches of a network the drop rates of Huang et al. (2016), equation 4.

    The l-th of L branches gets the rate `last * l / L`, in the order of `network.modules()`.

    Args:
        network: Changed in place. Its branches are those that end in a `DropPath`.
        last: Rate of the last branch, 0 to below 1.

    Returns:
        Number of branches.
    """
    branches = [layer for layer in network.modules() if isinstance(layer, DropPath)]
    for number, branch in enumerate(branches, start=1):
        branch.rate = last * number / len(branches)
    return len(branches)
