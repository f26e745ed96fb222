"""Fresh weights for convolutional networks."""

import math

from torch import nn


def initialise_weights(network: nn.Module, *, negative_slope: float = 0.0) -> None:
    """Draw all convolution weights as He et al. (2015) do, and set all their biases to zero.

    w ~ N(0, 2 / ((1 + a^2) n)), with n the number of weights that add up to one output value
    ("fan in") and a the slope of the leaky ReLU below zero. It keeps the variance of the
    activations through a network of ReLUs, and gives logits of variance about one at the head.
    Normalisation and linear layers keep what they were built with.

    Args:
        network: Changed in place.
        negative_slope: Slope of the network's leaky ReLU; 0 for ReLU.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            gain = math.sqrt(2.0 / (1.0 + negative_slope**2))
            nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in(layer)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def fan_in(layer: nn.Conv2d | nn.ConvTranspose2d) -> float:
    """How many weights add up to one output value.

    A transposed convolution spreads each input pixel over its kernel, so an output pixel meets
    only `kernel area / stride area` of the taps.
    """
    taps = float(layer.kernel_size[0] * layer.kernel_size[1])
    if isinstance(layer, nn.ConvTranspose2d):
        taps /= layer.stride[0] * layer.stride[1]
    return taps * layer.in_channels / layer.groups
