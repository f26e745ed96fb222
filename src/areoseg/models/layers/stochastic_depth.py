"""Stochastic depth: leave out a residual branch now and then while training."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn


def drop_path(branch: Tensor, rate: float) -> Tensor:
    """Zero the branch of each sample with probability `rate`, scale the others by 1 / (1 - rate).

    The expected value of the branch stays the same (Huang et al. 2016, arXiv 1603.09382).

    Args:
        branch: (N, ...), what a residual block adds to its input.
        rate: 0 to below 1.
    """
    keep = 1.0 - rate
    shape = (branch.shape[0],) + (1,) * (branch.ndim - 1)
    kept = torch.empty(shape, dtype=branch.dtype, device=branch.device).bernoulli_(keep)
    return branch * kept / keep


class DropPath(nn.Module):
    """`drop_path` while training; the identity in evaluation."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """(N, ...) to the same shape."""
        return drop_path(branch, self.rate) if self.training and self.rate > 0 else branch

    def extra_repr(self) -> str:
        """What print() shows of the layer."""
        return f"rate={self.rate}"


def rates_by_depth(depths: Sequence[int], last: float) -> list[list[float]]:
    """Drop rates that grow linearly from 0 at the first block to `last` at the last one.

    Args:
        depths: Number of blocks in each stage.
        last: Rate of the last block of all, 0 to below 1.

    Returns:
        One list a stage, of one rate a block.
    """
    blocks = sum(depths)
    rates = [last * index / max(blocks - 1, 1) for index in range(blocks)]
    starts = [sum(depths[:stage]) for stage in range(len(depths))]
    return [rates[start : start + depth] for start, depth in zip(starts, depths, strict=True)]


def set_drop_path(network: nn.Module, last: float) -> int:
    """Give the residual branches of a network the drop rates of Huang et al. (2016), equation 4.

    The l-th of L branches gets the rate `last * l / L`, in the order in which the network names
    them. Without training, nothing changes.

    Args:
        network: Changed in place. Its branches are what passes a `DropPath`.
        last: Rate of the last branch, 0 to below 1.

    Returns:
        How many branches there are.
    """
    branches = [layer for layer in network.modules() if isinstance(layer, DropPath)]
    for number, branch in enumerate(branches, start=1):
        branch.rate = last * number / len(branches)
    return len(branches)
