"""Squeeze and excitation: weigh the channels of a map by what the whole map holds."""

from torch import Tensor
from torch import nn

from areoseg.models.layers.convolution import convolution_block


class SqueezeExcitation(nn.Module):
    """y = x * sigmoid(W_2 ReLU(W_1 mean(x))) (Hu et al. 2018, arXiv 1709.01507, equations 2 to 4).

    The mean runs over the pixels of one image, so that each channel gets one weight in (0, 1).

    Args:
        channels: Channels of x.
        reduction: How many times fewer channels there are between W_1 and W_2.
    """

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        inner = max(1, channels // reduction)
        self.weigh = nn.Sequential(
            convolution_block(channels, inner, norm=None, kernel_size=1),
            convolution_block(inner, channels, norm=None, kernel_size=1, activation=nn.Sigmoid),
        )

    def forward(self, features: Tensor) -> Tensor:
        """The weighted map, of the shape (N, C, H, W) of `features`."""
        weights: Tensor = self.weigh(features.mean(dim=(2, 3), keepdim=True))
        return features * weights
