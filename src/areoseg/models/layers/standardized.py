"""Weight standardization: every filter with mean zero and variance one."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.last_gamma import NORMS
from areoseg.models.layers.replace import replace_layers

EPSILON = 1e-10  # on the variance; small beside that of fresh weights, about 2 / fan in


def standardize(weight: Tensor) -> Tensor:
    """Filters of mean zero and variance one (Qiao et al. 2019, arXiv 1903.10520, equation 5).

        w_hat = (w - mean(w)) / sqrt(var(w) + 1e-10)

    with mean and biased variance over the weights of one filter, the weights of one output value.

    Args:
        weight: (out, in / groups, rows, columns), float, of more than one weight a filter.

    Returns:
        The same shape.
    """
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) * torch.rsqrt(variance + EPSILON)


class StandardizedConvolution(nn.Module):
    """A convolution by `standardize(weight)`.

    It has the parameters of the convolution that it takes the place of, under the same names, so
    that weights are saved and loaded as before.

    Args:
        convolution: Whose weights and geometry to take.
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
        """(N, in, H, W) to (N, out, H', W'), as the convolution."""
        return functional.conv2d(features, standardize(self.weight), self.bias, **self.geometry)

    def extra_repr(self) -> str:
        """What print() shows of the layer."""
        return ", ".join(
            [f"weight={tuple(self.weight.shape)}", *map(_shown, self.geometry.items())]
        )

    @torch.no_grad()
    def plain(self) -> nn.Conv2d:
        """The ordinary convolution that answers the same."""
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

    The normalization makes up for the scale that the filters lose. What no normalization follows,
    such as a head, is left alone. So are filters that read a single channel, which departs from
    the paper: with mean zero they answer to contrast alone, and the first layer would not see how
    bright a gray image is.

    Args:
        network: Changed in place: the convolutions become `StandardizedConvolution`, with their
            parameters. A normalization follows where an `nn.Sequential` puts it next.

    Returns:
        How many convolutions were changed.
    """
    chosen = {
        layer
        for chain in network.modules()
        if isinstance(chain, nn.Sequential)
        for layer, following in pairwise(_in_order(chain))
        if type(layer) is nn.Conv2d and isinstance(following, NORMS) and layer.weight.shape[1] > 1
    }

    def replacement(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Conv2d) and layer in chosen:
            return StandardizedConvolution(layer)
        return None

    return replace_layers(network, replacement)


def fold_standardization(network: nn.Module) -> int:
    """Undo `standardize_convolutions` for a network that is trained: the same answers, plainly.

    Args:
        network: Changed in place: its `StandardizedConvolution`s become convolutions by the
            standardized weights, which cost nothing extra and export as any other.

    Returns:
        How many convolutions were changed.
    """
    return replace_layers(
        network,
        lambda layer: layer.plain() if isinstance(layer, StandardizedConvolution) else None,
    )


def _in_order(chain: nn.Sequential) -> list[nn.Module]:
    """The layers of a chain and of the chains within it."""
    layers: list[nn.Module] = []
    for layer in chain:
        layers.extend(_in_order(layer) if isinstance(layer, nn.Sequential) else [layer])
    return layers


def _shown(option: tuple[str, Any]) -> str:
    name, value = option
    return f"{name}={value}"
