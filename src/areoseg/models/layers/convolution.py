"""Convolution blocks, the residual connection, and squeeze and excitation."""

from collections.abc import Callable

from torch import Tensor, nn

from areoseg.models.layers.normalization import Norm
from areoseg.models.layers.regularization import DropPath
from areoseg.models.layers.sampling import SampledConvolution

Activation = Callable[[], nn.Module]
"""Makes an activation layer."""


def relu() -> nn.Module:
    """Make a ReLU that works in place: the layer before it does not need its output again."""
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
    """Make convolution -> norm -> activation: (N, in, H, W) to (N, out, H / stride, W / stride).

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        norm: Makes the normalization layer. None omits it, and the convolution then has a bias,
            which a normalization would cancel.
        kernel_size: Odd edge of the kernel, in pixels.
        stride: Step of the kernel, in pixels.
        dilation: Distance between the taps of the kernel, in pixels.
        activation: Makes the activation layer.
    """
    layer = SampledConvolution if kernel_size == 1 and stride > 1 else nn.Conv2d
    convolution = layer(
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
    """Make two 3x3 convolution blocks, of which the first has the stride."""
    return nn.Sequential(
        convolution_block(
            in_channels, out_channels, norm=norm, stride=stride, activation=activation
        ),
        convolution_block(out_channels, out_channels, norm=norm, activation=activation),
    )


def residual_branch(
    in_channels: int, out_channels: int, *, norm: Norm, stride: int = 1
) -> nn.Sequential:
    """Make the branch of a basic residual block (He et al. 2016, Deep Residual Learning, figure 2).

    Two 3x3 convolution blocks, of which the first has the stride and the last no activation: that
    follows the sum with the shortcut.
    """
    return nn.Sequential(
        convolution_block(in_channels, out_channels, norm=norm, stride=stride),
        convolution_block(out_channels, out_channels, norm=norm, activation=nn.Identity),
    )


def separable_convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """Make a 3x3 convolution per channel, then a 1x1 across channels (Chollet 2017).

    It has `9 * in + in * out` weights where a full 3x3 convolution has `9 * in * out`. No bias:
    a normalization follows.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
    )


class Residual(nn.Module):
    """y = body(x) + shortcut(x) (He et al. 2016, Deep Residual Learning, equation 2).

    Args:
        body: What is learned on top of the shortcut. It must not change x in place.
        shortcut: Brings x to the shape of the body's output; the identity where they agree.
        drop_path: Probability of skipping the body in training; see `DropPath`.
    """

    def __init__(
        self, body: nn.Module, shortcut: nn.Module | None = None, *, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.body = body
        self.drop_path = DropPath(drop_path)
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, features: Tensor) -> Tensor:
        """Return body(x) + shortcut(x)."""
        total: Tensor = self.drop_path(self.body(features)) + self.shortcut(features)
        return total


class SqueezeExcitation(nn.Module):
    """y = x * sigmoid(W_2 ReLU(W_1 mean(x))) (Hu et al. 2018, arXiv 1709.01507, equations 2 to 4).

    The mean runs over the pixels of one image, so each channel gets one weight in (0, 1).

    Args:
        channels: Channels of x.
        reduction: Factor by which W_1 reduces the channels.
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            convolution_block(channels, inner, norm=None, kernel_size=1),
            convolution_block(inner, channels, norm=None, kernel_size=1, activation=nn.Sigmoid),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        weights: Tensor = self.weigh(features.mean(dim=(2, 3), keepdim=True))
        return features * weights
