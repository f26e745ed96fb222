"""U-Net-L small: one level less, and skips that dropout leaves alone."""

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
    "unet-l-small",
    summary="U-Net-L with one level less, 32-64-128-256, dropout beside the skips only",
    paper="The last variant of the homework report's U-Net-L; U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
class UNetLSmall(nn.Module):
    """The last variant of U-Net-L.

    With B a block of two (3x3 convolution -> group norm -> ReLU), D 2x2 max-pooling, U nearest
    2x upsampling, S spatial dropout (whole channels at once), and x the image::

        e_1 = B(x)            e_l = B(S D e_(l-1))      down to the last level L
        d_L = e_L             d_l = B[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Unlike in `unet-l`, the skips reach the decoder whole. Shapes for 64x128 images: 32x64x128,
    64x32x64, 128x16x32, 256x8x16 (channels, height, width). 1.95 M parameters.

    Departs from its source as `unet-l` does: 0.1 for the unknown dropout rate, and fewer groups
    than 32 where layers are narrow (`groups=32` builds the source's).

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
        widths: Sequence[int] = (32, 64, 128, 256),
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
        self.dropout = nn.Dropout2d(dropout)
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=norm)

        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.decoder.append(double_convolution(width + channels, width, norm=norm))
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
            features = self.dropout(functional.max_pool2d(features, 2))

        features = self.bottleneck(features)

        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, upsample_nearest(features)), dim=1))
        return crop_like(self.head(features), images)
