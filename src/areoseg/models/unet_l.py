"""U-Net-L: the report's final model, five levels with group norm and spatial dropout."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import group_norm
from areoseg.models.layers.resize import upsample_nearest
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet-l",
    summary="U-Net-L, 32-64-128-256-512, group norm, spatial dropout: the report's final model",
    paper="The Backpropagators 2024, homework report; U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
class UNetL(nn.Module):
    """A deeper U-Net that holds its ground with small batches and little data.

    With B a block of two (3x3 convolution -> group norm -> ReLU), D 2x2 max-pooling, U nearest
    2x upsampling, S spatial dropout (whole channels at once), and x the image::

        e_1 = S B(x)          e_l = S B(D e_(l-1))        down to the last level but one
        d_L = B(D e_(L-1))    d_l = B S[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Dropout thus also meets the skips. Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32,
    256x8x16, 512x4x8 (channels, height, width). 7.852 M parameters.

    The report's dropout rates are not known; 0.1 is our choice. Its L2 regularization is no part
    of the network: set the optimizer's weight decay. It used 32 groups at every width, which is
    instance norm on the 32-channel level: `groups=32` builds that.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        groups: Groups of every group norm; None takes min(8, channels / 4).
        dropout: The share of channels that dropout zeroes in training, 0 to 1.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        groups: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        norm = group_norm(groups)
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(double_convolution(channels, width, norm=norm))
            channels = width
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=norm)

        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.decoder.append(double_convolution(width + channels, width, norm=norm))
            channels = width
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for block in self.encoder:
            features = self.dropout(block(features))
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.bottleneck(features)

        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            joined = torch.cat((skip, upsample_nearest(features)), dim=1)
            features = block(self.dropout(joined))
        return crop_like(self.head(features), images)
