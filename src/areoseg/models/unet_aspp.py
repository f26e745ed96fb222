"""U-Net with atrous spatial pyramid pooling at the bottleneck."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.convolution import Activation
from areoseg.models.layers.convolution import convolution_block
from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.convolution import relu
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import Norm
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.pyramid import AtrousPyramid
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register
from areoseg.models.variants import choose_variant

AFTER_CONVOLUTION: dict[str, tuple[Norm | None, Activation]] = {
    "paper": (batch_norm, relu),
    "report": (None, nn.Identity),
}
"""The norm and the activation inside the pyramid."""


@register(
    "unet-aspp",
    summary="U-Net, 64-128-256-512-1024, with an atrous pyramid (ASPP) at the bottleneck",
    paper="Chen et al. 2017, DeepLabV3, arXiv 1706.05587; U-Net, arXiv 1505.04597; "
    "the homework report's U-Net + ASPP",
)
class UNetASPP(nn.Module):
    """A U-Net whose bottleneck looks at several distances at once.

    With B a block of two (3x3 convolution -> batch norm -> ReLU), C one such convolution, D 2x2
    max-pooling, S spatial dropout, U a 2x2 transposed convolution of stride 2, P the atrous
    pyramid (`blocks/pyramid.py`), and x the image::

        e_1 = S B(x)          e_l = S B(D e_(l-1))      down to the last level but one
        d_5 = P C(D e_4)      d_l = C[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Shapes for 64x128 images: 64x64x128, 128x32x64, 256x16x32, 512x8x16, 1024x4x8 and 256x4x8
    around the pyramid (channels, height, width). 24.8 M parameters.

    The pyramid's map has 4x8 pixels then. The report's rates 6, 12 and 18 reach past it: the
    kernels of the last two see padding with all taps but the middle one. Hence 1, 2 and 3 here;
    `rates=(6, 12, 18)` builds the report's. The default `variant="paper"` has batch norm and ReLU
    in the pyramid, as DeepLabV3 has. `variant="report"` has neither, as the report's network, so
    that its whole pyramid is one linear map.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the one that the pyramid reads.
        pyramid_width: Channels of each branch of the pyramid, and of its result.
        rates: Dilations of the pyramid, in pixels of its map.
        variant: What follows the pyramid's convolutions: `"paper"` or `"report"`.
        dropout: The share of channels that dropout zeroes in training, 0 to 1.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        pyramid_width: int = 256,
        rates: Sequence[int] = (1, 2, 3),
        variant: Literal["paper", "report"] = "paper",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        norm, activation = choose_variant("unet-aspp", AFTER_CONVOLUTION, variant)
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            block = double_convolution(channels, width, norm=batch_norm)
            self.encoder.append(block.append(nn.Dropout2d(dropout)))
            channels = width
        self.bottleneck = convolution_block(channels, bottleneck_width, norm=batch_norm)
        self.pyramid = AtrousPyramid(
            bottleneck_width, pyramid_width, rates=rates, norm=norm, activation=activation
        )

        self.ups = nn.ModuleList()
        self.decoder = nn.ModuleList()
        channels = pyramid_width
        for width in reversed(skip_widths):
            self.ups.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.decoder.append(convolution_block(2 * width, width, norm=batch_norm))
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

        features = self.pyramid(self.bottleneck(features))

        for up, block, skip in zip(self.ups, self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, up(features)), dim=1))
        return crop_like(self.head(features), images)
