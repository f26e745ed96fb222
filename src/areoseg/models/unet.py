"""U-Net, basic: three levels with batch norm."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.resize import upsample_nearest
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet",
    summary="Basic U-Net, 32-64-128, batch norm",
    paper="Ronneberger et al. 2015, U-Net, arXiv 1505.04597",
)
class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) cut down to three levels.

    With B a block of two (3x3 convolution -> batch norm -> ReLU), D 2x2 max-pooling, U nearest
    2x upsampling, [a, b] the concatenation of channels, and x the image::

        e_1 = B(x)            e_l = B(D e_(l-1))        down to the last level L
        d_L = e_L             d_l = B[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32 (channels, height, width).

    Departs from the paper: padded convolutions, so that logits cover the image; batch norm; three
    levels of half the width; upsampling has no convolution of its own. 0.472 M parameters instead
    of 31 M, for a set of some thousand small images.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
    """

    def __init__(
        self, *, in_channels: int = 1, classes: int = 5, widths: Sequence[int] = (32, 64, 128)
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(double_convolution(channels, width, norm=batch_norm))
            channels = width
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=batch_norm)

        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.decoder.append(double_convolution(width + channels, width, norm=batch_norm))
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
