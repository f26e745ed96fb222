"""Normalization layers, as factories: a block asks for `norm(channels)` and need not know which.

All of them compute `y = gamma * (x - mean) / sqrt(variance + eps) + beta` with one gamma and one
beta a channel. They differ in what the mean and the variance run over.
"""

from collections.abc import Callable

from torch import nn

from areoseg.errors import AreosegError

Norm = Callable[[int], nn.Module]
"""Makes the normalization layer for a number of channels."""


def batch_norm(channels: int) -> nn.Module:
    """Mean and variance of a channel over the batch (Ioffe and Szegedy 2015)."""
    return nn.BatchNorm2d(channels)


def instance_norm(channels: int) -> nn.Module:
    """Mean and variance of a channel over one image (Ulyanov et al. 2016), with gamma and beta.

    The map must have more than one pixel.
    """
    return nn.InstanceNorm2d(channels, affine=True)


def group_norm(groups: int | None = None) -> Norm:
    """Mean and variance of a group of consecutive channels over one image (Wu and He 2018).

    Without batch statistics, training and evaluation compute the same.

    Args:
        groups: How many groups; it must divide the channels of every layer. None takes
            `default_groups(channels)`. As many groups as channels is instance norm, which forgets
            how bright a channel is: with the usual 32 groups that happens to 32-channel layers.
    """

    def norm(channels: int) -> nn.Module:
        chosen = default_groups(channels) if groups is None else groups
        if chosen < 1 or channels % chosen:
            raise AreosegError(
                f"groups={chosen} does not divide a layer of {channels} channels: "
                "choose a divisor, or leave groups out"
            )
        return nn.GroupNorm(chosen, channels)

    return norm


def default_groups(channels: int) -> int:
    """The largest divisor of `channels` that is at most 8 and leaves 4 channels a group."""
    most = max(1, min(8, channels // 4))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)
