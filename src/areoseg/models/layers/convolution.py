"""Convolution, normalization, activation: the brick that every network here is built of."""

from collections.abc import Callable

from torch import nn

from areoseg.models.layers.normalization import Norm

Activation = Callable[[], nn.Module]
"""Makes an activation layer."""


def relu() -> nn.Module:
    """max(x, 0), in place: the layer before it does not need its own output again."""
    return nn.ReLU(inplace=True)


def convolution_block(
    in_channels: int,
    out_channels: int,
    *,
    norm: Norm | None,
    kernel_size: int = 3,
    stride: int = 1,
    dilation: int = 1,
    activation: Activation = relu,
) -> nn.Sequential:
    """Convolution -> norm -> activation; (N, in, H, W) to (N, out, H / stride, W / stride).

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        norm: Makes the normalization layer. None leaves it out, and the convolution then has the
            bias that the normalization would otherwise cancel.
        kernel_size: Odd edge of the kernel, in pixels.
        stride: Step of the kernel, in pixels.
        dilation: Distance between the taps of the kernel, in pixels.
        activation: Makes the activation layer.
    """
    convolution = nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        stride=stride,
        padding=dilation * (kernel_size // 2),  # "same" for an odd kernel
        dilation=dilation,
        bias=norm is None,
    )
    if norm is None:
        return nn.Sequential(convolution, activation())
    return nn.Sequential(convolution, norm(out_channels), activation())


def double_convolution(
    in_channels: int,
    out_channels: int,
    *,
    norm: Norm | None,
    stride: int = 1,
    activation: Activation = relu,
) -> nn.Sequential:
    """Two 3x3 convolution blocks, a U-Net's level; the first one takes the stride."""
    return nn.Sequential(
        convolution_block(
            in_channels, out_channels, norm=norm, stride=stride, activation=activation
        ),
        convolution_block(out_channels, out_channels, norm=norm, activation=activation),
    )


def separable_convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3x3 convolution a channel, then a 1x1 convolution across channels (Chollet 2017).

    It has `9 * in + in * out` weights where a full 3x3 convolution has `9 * in * out`. No bias:
    a normalization follows.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
    )
