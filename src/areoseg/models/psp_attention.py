"""U-Net with a pooling pyramid at the bottleneck and attention gates on the skips."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.attention import AttentionGate
from areoseg.models.layers.convolution import convolution_block, double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.pyramid import PoolingPyramid
from areoseg.models.layers.size import crop_like, pad_to_multiple, upsample_nearest
from areoseg.models.registry import register


@register(
    "psp-attention",
    summary="U-Net, 32 to 512, pooling pyramid, gated skips",
    paper="Zhao et al. 2017, PSPNet, arXiv 1612.01105; "
    "Oktay et al. 2018, Attention U-Net, arXiv 1804.03999",
)
class PSPAttention(nn.Module):
    """A U-Net with a pooling pyramid at the bottleneck and gates on the skips.

    With B a block of two (3x3 convolution -> batch norm -> ReLU), C one such convolution, D 2x2
    max-pooling, U nearest 2x upsampling, P the pooling pyramid (`PoolingPyramid`), G the
    additive attention gate (`AttentionGate`), and x the image::

        e_1 = B(x)            e_l = B(D e_(l-1))                      down to the last but one
        d_5 = P C(D e_4)      d_l = B[G(e_l, d_(l+1)), U d_(l+1)]     up to the second
        d_1 = B[e_1, U d_2]   logits = 1x1 convolution of d_1

    As in Attention U-Net, the finest skip has no gate. The pyramid replaces the second
    convolution of the bottleneck.

    Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32, 256x8x16, 512x4x8 (channels, height,
    width). 6.49 M parameters.

    Departs from PSPNet: a plain encoder trained from scratch, a decoder instead of one large
    resize, and bins that divide a 4x8 map (the paper: 1, 2, 3, 6).

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        bins: Parts of the map each way, for each branch of the pyramid.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        bins: Sequence[int] = (1, 2, 4),
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
        self.bottleneck = convolution_block(channels, bottleneck_width, norm=batch_norm)
        self.pyramid = PoolingPyramid(
            bottleneck_width, bottleneck_width // 4, bins=bins, norm=batch_norm
        )

        self.gates = nn.ModuleList()
        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths[1:]):
            self.gates.append(AttentionGate(width, channels, width // 2))
            self.decoder.append(double_convolution(width + channels, width, norm=batch_norm))
            channels = width
        finest = skip_widths[0]
        self.finest = double_convolution(finest + channels, finest, norm=batch_norm)
        self.head = nn.Conv2d(finest, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.pyramid(self.bottleneck(features))

        finest_skip, *gated_skips = skips
        stages = zip(self.gates, self.decoder, reversed(gated_skips), strict=True)
        for gate, block, skip in stages:
            gated = gate(skip, features)
            features = block(torch.cat((gated, upsample_nearest(features)), dim=1))
        features = self.finest(torch.cat((finest_skip, upsample_nearest(features)), dim=1))
        return crop_like(self.head(features), images)
