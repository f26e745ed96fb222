"""A small U-Net of residual blocks with squeeze and excitation."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.convolution import convolution_block
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.residual import Residual
from areoseg.models.layers.resize import upsample_nearest
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.layers.squeeze_excitation import SqueezeExcitation
from areoseg.models.registry import register


@register(
    "unet-resse",
    summary="Small residual U-Net with squeeze and excitation, 32-64-128, 0.5 M parameters",
    paper="Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507; "
    "He et al. 2016, arXiv 1512.03385; U-Net, arXiv 1505.04597",
)
class UNetResSE(nn.Module):
    """The basic U-Net with better blocks; small networks of this family do best on small sets.

    With C a 3x3 convolution, N batch norm, R ReLU, W a 1x1 convolution with norm, E squeeze and
    excitation (`blocks/squeeze_excitation.py`), D 2x2 max-pooling, U nearest 2x upsampling, and x
    the image::

        B(x) = R(E N C R N C x + W x)
        e_1 = B(x)            e_l = B(D e_(l-1))        down to the last level L
        d_L = e_L             d_l = B[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    E comes before the sum, as in the paper's SE-ResNet. Shapes for 64x128 images: 32x64x128,
    64x32x64, 128x16x32 (channels, height, width). 0.50 M parameters.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        reduction: How many times fewer channels the excitation has inside.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128),
        reduction: int = 8,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(_block(channels, width, reduction))
            channels = width
        self.bottleneck = _block(channels, bottleneck_width, reduction)

        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.decoder.append(_block(width + channels, width, reduction))
            channels = width
        self.head = nn.Conv2d(channels, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.bottleneck(features)

        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, upsample_nearest(features)), dim=1))
        return crop_like(self.head(features), images)


def _block(in_channels: int, out_channels: int, reduction: int) -> nn.Module:
    """(N, in, H, W) to (N, out, H, W)."""
    body = nn.Sequential(
        convolution_block(in_channels, out_channels, norm=batch_norm),
        convolution_block(out_channels, out_channels, norm=batch_norm, activation=nn.Identity),
        SqueezeExcitation(out_channels, reduction=reduction),
    )
    shortcut = convolution_block(
        in_channels, out_channels, norm=batch_norm, kernel_size=1, activation=nn.Identity
    )
    return nn.Sequential(Residual(body, shortcut), nn.ReLU(inplace=True))
