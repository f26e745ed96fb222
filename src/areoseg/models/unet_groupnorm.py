"""A wide U-Net with group norm and dropout on the way up."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.errors import AreosegError
from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import group_norm
from areoseg.models.layers.resize import upsample_nearest
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet-groupnorm",
    summary="Wide U-Net, 64-128-256-512, group norm of 8 groups, dropout on the way up",
    paper="A variant of the homework report's notebook; U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
class UNetGroupNorm(nn.Module):
    """Four wide levels; regularized where the network decides, not where it looks.

    With B a block of two (3x3 convolution -> group norm -> ReLU), D 2x2 max-pooling, U nearest
    2x upsampling, S_p dropout of rate p (single values), and x the image::

        e_1 = B(x)            e_l = B(D e_(l-1))                  down to the last level but one
        d_4 = S_.3 B(D e_3)   d_l = S_p B[e_l, U d_(l+1)]         with p = .2, .2, .1 going up
        logits = 1x1 convolution of d_1

    Shapes for 64x128 images: 64x64x128, 128x32x64, 256x16x32, 512x8x16 (channels, height, width).
    7.78 M parameters.

    The source gives the rates for bottleneck and decoder but not the place within a level: here
    dropout ends it.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        groups: Groups of every group norm; None takes min(8, channels / 4).
        dropout: The share of values zeroed in training after the bottleneck and after each
            decoder level going up: as many rates as widths.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (64, 128, 256, 512),
        groups: int | None = 8,
        dropout: Sequence[float] = (0.3, 0.2, 0.2, 0.1),
    ) -> None:
        super().__init__()
        if len(dropout) != len(widths):
            raise AreosegError(
                f"unet-groupnorm has {len(widths)} widths and {len(dropout)} dropout rates: "
                "give one rate a width"
            )
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        norm = group_norm(groups)
        *skip_widths, bottleneck_width = widths
        bottleneck_dropout, *decoder_dropout = dropout

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(double_convolution(channels, width, norm=norm))
            channels = width
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=norm)
        self.bottleneck.append(nn.Dropout(bottleneck_dropout))

        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width, rate in zip(reversed(skip_widths), decoder_dropout, strict=True):
            block = double_convolution(width + channels, width, norm=norm)
            self.decoder.append(block.append(nn.Dropout(rate)))
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
