"""Initial weights of convolutional networks."""

import math
from collections.abc import Callable

import torch
from torch import nn

from areoseg.models.layers.convolution import Residual, SqueezeExcitation
from areoseg.models.layers.normalization import NORMS
from areoseg.models.layers.regularization import DropPath

Convolution = nn.Conv2d | nn.ConvTranspose2d


def initialize_weights(
    network: nn.Module, *, scheme: str = "he", negative_slope: float = 0.0
) -> None:
    """Draw all convolution weights by a scheme, and set all their biases to zero.

    With n the number of weights that add up to one output value ("fan in"), m that of the outputs
    that one input value adds to ("fan out"), and a the slope of the leaky ReLU below zero:

    - `he` (He et al. 2015, arXiv 1502.01852, equation 15): w ~ N(0, 2 / ((1 + a^2) n)). It keeps
      the variance of the activations through a network of ReLUs, and gives logits of variance
      about one at the head.
    - `xavier` (Glorot and Bengio 2010, equation 16): w uniform within sqrt(6 / (n + m)) of zero,
      a compromise between activations and gradients that assumes no ReLU.
    - `orthogonal` (Saxe et al. 2013, arXiv 1312.6120): the filters of a layer, or its taps where
      they are fewer, are orthogonal, each of squared norm 2 / (1 + a^2).

    Normalization and linear layers are not changed.

    Args:
        network: Changed in place.
        scheme: One of `SCHEMES`.
        negative_slope: Slope of the network's leaky ReLU; 0 for ReLU.
    """
    gain = math.sqrt(2.0 / (1.0 + negative_slope**2))
    for layer in network.modules():
        if isinstance(layer, Convolution):
            SCHEMES[scheme](layer, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def leaky_slope(network: nn.Module) -> float:
    """Return the slope below zero of the network's leaky ReLUs, or 0 if it has none."""
    slopes = [layer.negative_slope for layer in network.modules() if type(layer) is nn.LeakyReLU]
    return slopes[0] if slopes else 0.0


def fan_in(layer: Convolution) -> float:
    """Count the weights that add up to one output value.

    A transposed convolution spreads each input pixel over its kernel, so an output pixel meets
    only `kernel area / stride area` of the taps.
    """
    taps = float(layer.kernel_size[0] * layer.kernel_size[1])
    if isinstance(layer, nn.ConvTranspose2d):
        taps /= layer.stride[0] * layer.stride[1]
    return taps * layer.in_channels / layer.groups


def fan_out(layer: Convolution) -> float:
    """Count the output values that one input value adds to.

    A convolution with a stride passes over an input pixel with `kernel area / stride area` of its
    taps.
    """
    taps = float(layer.kernel_size[0] * layer.kernel_size[1])
    if isinstance(layer, nn.Conv2d):
        taps /= layer.stride[0] * layer.stride[1]
    return taps * layer.out_channels / layer.groups


def _he(layer: Convolution, gain: float) -> None:
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in(layer)))


def _xavier(layer: Convolution, gain: float) -> None:
    bound = math.sqrt(6.0 / (fan_in(layer) + fan_out(layer)))
    nn.init.uniform_(layer.weight, -bound, bound)


def _orthogonal(layer: Convolution, gain: float) -> None:
    for group in layer.weight.detach().chunk(layer.groups):  # groups share no input: one by one
        contiguous = torch.empty_like(group, memory_format=torch.contiguous_format)
        group.copy_(nn.init.orthogonal_(contiguous, gain))


SCHEMES: dict[str, Callable[[Convolution, float], None]] = {
    "he": _he,
    "xavier": _xavier,
    "orthogonal": _orthogonal,
}
"""Functions that draw the weights of a layer, given the gain for its ReLU."""


KEEPS_ZERO = (
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.Dropout,
    nn.Dropout2d,
    SqueezeExcitation,
    DropPath,
)
"""Layers that map zeros to zeros: the branch still ends in the norm before them."""


def zero_last_gamma(network: nn.Module) -> int:
    """Set the last gamma of each residual branch to zero.

    Every block then starts as its shortcut, as if the network were less deep (Goyal et al. 2017,
    arXiv 1706.02677, section 5.1). Branches that do not end in a normalization are skipped.

    Args:
        network: Changed in place. Its residual blocks are those of `Residual`.

    Returns:
        Number of changed branches.
    """
    blocks = [block for block in network.modules() if isinstance(block, Residual)]
    norms = [norm for norm in map(last_norm, blocks) if norm is not None]
    for norm in norms:
        nn.init.zeros_(norm.weight)
    return len(norms)


def last_norm(block: Residual) -> nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d | None:
    """Return the normalization that the branch of a block ends in, or None."""
    layers = [block.body]
    while layers:
        layer = layers.pop()
        if isinstance(layer, NORMS):
            return layer if layer.affine else None
        if isinstance(layer, nn.Sequential):
            layers.extend(layer)
        elif not isinstance(layer, KEEPS_ZERO):
            return None
    return None
