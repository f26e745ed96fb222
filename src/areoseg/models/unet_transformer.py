"""U-Net with transformer blocks at the bottleneck."""

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
from areoseg.models.layers.stochastic_depth import rates_by_depth
from areoseg.models.layers.transformer import TransformerBlock
from areoseg.models.registry import register


@register(
    "unet-transformer",
    summary="U-Net, 32-64-128-256, with two transformer blocks at the bottleneck",
    paper="Chen et al. 2021, TransUNet, arXiv 2102.04306; "
    "Chu et al. 2021, Conditional Positional Encodings, arXiv 2102.10882",
)
class UNetTransformer(nn.Module):
    """A U-Net whose coarsest pixels all look at each other (after Chen et al. 2021).

    Convolutions find texture; whether gray texture is sand or soil is often told by the rest of
    the sample. At 1/8 of the image size every pixel can afford to look at the whole of it. With B a
    block of two (3x3 convolution -> group norm -> ReLU), D 2x2 max-pooling, U nearest 2x
    upsampling, T a transformer block (`TransformerBlock`), and x the image::

        e_1 = B(x)                e_l = B(D e_(l-1))        down to the last level L
        d_L = T ... T(e_L)        d_l = B[e_l, U d_(l+1)]   up to the first
        logits = 1x1 convolution of d_1

    Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32, 256x8x16 (channels, height, width),
    so attention runs over 128 pixels.

    The homework report names "transformer-like blocks" in a U-Net and does not describe them: this
    design is ours. It departs from TransUNet to be trainable from scratch on some thousand images:
    a convolutional encoder of three levels instead of a pretrained ResNet-50, two blocks instead
    of twelve, positions by a depth-wise convolution in each block instead of a learned table (so
    that any image size will do), stochastic depth, and group norm.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        blocks: How many transformer blocks.
        heads: Heads of their attention; they must divide the last of `widths`.
        drop_path: Probability of leaving out each half of the last block while training; it grows
            linearly from 0 at the first block.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128, 256),
        blocks: int = 2,
        heads: int = 8,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        norm = group_norm()
        *skip_widths, bottleneck_width = widths
        if bottleneck_width % heads:
            raise AreosegError(
                f"unet-transformer: heads={heads} does not divide the last of widths, "
                f"{bottleneck_width}: choose a divisor"
            )

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(double_convolution(channels, width, norm=norm))
            channels = width
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=norm)
        self.transformer = nn.Sequential(
            *(
                TransformerBlock(bottleneck_width, heads, drop_path=rate)
                for rate in rates_by_depth([blocks], drop_path)[0]
            )
        )

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
            features = functional.max_pool2d(features, 2)

        features = self.transformer(self.bottleneck(features))

        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, upsample_nearest(features)), dim=1))
        return crop_like(self.head(features), images)
