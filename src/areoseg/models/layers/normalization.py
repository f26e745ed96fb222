"""Normalization layers, and weight standardization.

The layers are created by factories: a block calls `norm(channels)` without knowing the norm.
All compute `y = gamma * (x - mean) / sqrt(variance + eps) + beta` with one gamma and one beta per
channel. They differ in the set over which the mean and variance are computed.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from areoseg.errors import AreosegError
from areoseg.models.layers.replace import replace_layers
from areoseg.models.layers.sampling import convolve

NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)

Norm = Callable[[int], nn.Module]
"""Makes the normalization layer for a number of channels."""


def batch_norm(channels: int) -> nn.Module:
    """Batch norm: statistics of a channel over the batch (Ioffe and Szegedy 2015)."""
    return nn.BatchNorm2d(channels)


def instance_norm(channels: int) -> nn.Module:
    """Instance norm: statistics of a channel over one image (Ulyanov et al. 2016).

    The map must have more than one pixel.
    """
    return nn.InstanceNorm2d(channels, affine=True)


def group_norm(groups: int | None = None) -> Norm:
    """Group norm: statistics of a group of channels over one image (Wu and He 2018).

    Without batch statistics, the output in training and evaluation is the same.

    Args:
        groups: Number of groups, a divisor of the channels of every layer. None means
            `default_groups(channels)`. As many groups as channels is instance norm, which forgets
            how bright a channel is: with the usual 32 groups that happens to 32-channel layers.
    """

    def norm(channels: int) -> nn.Module:
        count = default_groups(channels) if groups is None else groups
        if count < 1 or channels % count:
            raise AreosegError(
                f"groups={count} does not divide a layer of {channels} channels: "
                "choose a divisor, or omit groups"
            )
        return nn.GroupNorm(count, channels)

    return norm


def default_groups(channels: int) -> int:
    """Return the largest divisor of `channels` up to 8 with at least 4 channels per group."""
    most = max(1, min(8, channels // 4))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


EPSILON = 1e-10  # on the variance; small beside that of fresh weights, about 2 / fan in


def standardize(weight: Tensor) -> Tensor:
    """Filters of mean zero and variance one (Qiao et al. 2019, arXiv 1903.10520, equation 5).

        w_hat = (w - mean(w)) / sqrt(var(w) + 1e-10)

    with mean and biased variance over the weights of one filter, the weights of one output value.

    Args:
        weight: (out, in / groups, rows, columns), float, of more than one weight per filter.

    Returns:
        The same shape.
    """
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) * torch.rsqrt(variance + EPSILON)


class StandardizedConvolution(nn.Module):
    """A convolution with `standardize(weight)`.

    It has the parameters of the convolution that it replaces, under the same names, so that
    checkpoints stay compatible.

    Args:
        convolution: The convolution to replace.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight = convolution.weight
        self.bias = convolution.bias
        self.geometry: dict[str, Any] = {
            "stride": convolution.stride,
            "padding": convolution.padding,
            "dilation": convolution.dilation,
            "groups": convolution.groups,
        }

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H', W'), as the convolution."""
        return convolve(features, standardize(self.weight), self.bias, **self.geometry)

    def extra_repr(self) -> str:
        """Describe the layer for `print`."""
        return ", ".join(
            [f"weight={tuple(self.weight.shape)}", *map(_shown, self.geometry.items())]
        )

    @torch.no_grad()
    def plain(self) -> nn.Conv2d:
        """Return the ordinary convolution with the same output."""
        out_channels, in_channels, *kernel_size = self.weight.shape
        convolution = nn.Conv2d(
            in_channels * self.geometry["groups"],
            out_channels,
            tuple(kernel_size),  # type: ignore[arg-type]
            bias=self.bias is not None,
            device="meta",
            **self.geometry,
        )
        convolution.weight = nn.Parameter(standardize(self.weight))
        convolution.bias = self.bias
        return convolution.train(self.training)


def standardize_convolutions(network: nn.Module) -> int:
    """Standardize the weights of each convolution that a normalization follows directly.

    The normalization makes up for the scale that the filters lose, so convolutions that no
    normalization follows, such as heads, are skipped. Departing from the paper, so are filters
    that read a single channel: with mean zero they respond to contrast alone, and the first layer
    would not see how bright a gray image is.

    Args:
        network: Changed in place: the convolutions become `StandardizedConvolution`, with their
            parameters. A normalization follows where an `nn.Sequential` puts it next.

    Returns:
        Number of changed convolutions.
    """
    suited = {
        layer
        for chain in network.modules()
        if isinstance(chain, nn.Sequential)
        for layer, following in pairwise(_in_order(chain))
        if type(layer) is nn.Conv2d and isinstance(following, NORMS) and layer.weight.shape[1] > 1
    }

    def replacement(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Conv2d) and layer in suited:
            return StandardizedConvolution(layer)
        return None

    return replace_layers(network, replacement)


def fold_standardization(network: nn.Module) -> int:
    """Replace `StandardizedConvolution` in a trained network by ordinary convolutions.

    Args:
        network: Changed in place. Its outputs stay the same, at the cost and with the export of
            ordinary convolutions.

    Returns:
        Number of changed convolutions.
    """
    return replace_layers(
        network,
        lambda layer: layer.plain() if isinstance(layer, StandardizedConvolution) else None,
    )


def _in_order(chain: nn.Sequential) -> list[nn.Module]:
    """List the layers of a chain and of the chains within it."""
    layers: list[nn.Module] = []
    for layer in chain:
        layers.extend(_in_order(layer) if isinstance(layer, nn.Sequential) else [layer])
    return layers


def _shown(option: tuple[str, Any]) -> str:
    name, value = option
    return f"{name}={value}"
