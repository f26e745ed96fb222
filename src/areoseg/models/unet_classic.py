"""U-Net as it was published, on padded maps."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet-classic",
    summary="U-Net of 2015, 64 to 1024, up-convolutions, no norm",
    paper="Ronneberger et al. 2015, U-Net, arXiv 1505.04597",
)
class UNetClassic(nn.Module):
    """U-Net (Ronneberger et al. 2015).

    With B a block of two (3x3 convolution -> ReLU), D 2x2 max-pooling, U a 2x2 transposed
    convolution of stride 2 that halves the channels, [a, b] the concatenation of channels, and x
    the image::

        e_1 = B(x)            e_l = B(D e_(l-1))        down to the last level L
        d_L = e_L             d_l = B[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Dropout follows B on the two deepest levels, "the end of the contracting path". Weights are
    drawn from N(0, 2 / fan_in), which matters here: there is no norm to mend a wrong scale.

    Shapes for 64x128 images: 64x64x128, 128x32x64, 256x16x32, 512x8x16, 1024x4x8 (channels,
    height, width). 31.0 M parameters.

    Departs from the paper: padded convolutions, so that logits cover the image and skips need no
    crop. The dropout rate is not in the paper; 0.5 is usual.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        dropout: The share of values that dropout zeroes in training, 0 to 1.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for level, width in enumerate(skip_widths, start=1):
            block = double_convolution(channels, width, norm=None)
            if level == len(skip_widths):
                block.append(nn.Dropout(dropout))
            self.encoder.append(block)
            channels = width
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=None)
        self.bottleneck.append(nn.Dropout(dropout))

        self.ups = nn.ModuleList()
        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.ups.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.decoder.append(double_convolution(2 * width, width, norm=None))
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

        for up, block, skip in zip(self.ups, self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, up(features)), dim=1))
        return crop_like(self.head(features), images)
