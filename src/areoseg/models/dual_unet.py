"""U-Net with an atrous pyramid, attention over pixels on the skips, and deep supervision."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.errors import AreosegError
from areoseg.models.layers.convolution import convolution_block, double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.pyramid import AtrousPyramid
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.models.registry import register

AUXILIARY_WEIGHTS = (0.5, 0.3, 0.2, 0.1)
"""Weights of the auxiliary losses at 1/2, 1/4, 1/8 and 1/16 of the image size."""


@register(
    "dual-unet",
    summary="U-Net, ASPP, attention, deep supervision",
    paper="The homework report's deep-supervised U-Net; DeepLabV3, arXiv 1706.05587; "
    "Lee et al. 2015, Deeply-Supervised Nets, arXiv 1409.5185",
)
class DualUNet(nn.Module):
    """The U-Net with deep supervision of the homework report.

    Auxiliary heads at the coarser decoder levels have losses of their own in training.

    With B a block of two (3x3 convolution -> batch norm -> ReLU), C one such convolution, D 2x2
    max-pooling, S dropout of whole channels, U a 2x2 transposed convolution of stride 2 to the
    channels of the level, P the atrous pyramid (`AtrousPyramid`), [., .] a concatenation, and x the
    image::

        e_1 = S B(x)          e_l = S B(D e_(l-1))               down to the last level but one
        a_l = e_l * sigmoid(1x1 convolution of e_l to 1 channel) pointwise spatial attention
        d_5 = P C(D e_4)      d_l = C[a_l, U d_(l+1)]            up to the first
        logits_l = 1x1 convolution of d_l                        every level

    logits_1 is the output. In training, logits_2 to logits_5, at 1/2 to 1/16 of the image size, are
    auxiliary outputs with loss weights 0.5, 0.3, 0.2 and 0.1. The homework report gives the weights
    but not their order; as in nnU-Net, finer levels have larger weights.

    Shapes for 64x128 images: e_1 64x64x128, e_2 128x32x64, e_3 256x16x32, e_4 512x8x16, C(D e_4)
    1024x4x8, d_5 256x4x8, and d_l as e_l (channels, height, width). 24.8 M parameters.

    Differs from the homework report in the dilation rates 1, 2 and 3, and in batch norm and ReLU in
    the pyramid; `unet_aspp` explains why.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the one that the pyramid reads.
        pyramid_width: Channels of each branch of the pyramid, and of its result.
        rates: Dilations of the pyramid, in pixels of its map.
        dropout: The dropout rate for whole channels, 0 to 1.

    Attributes:
        auxiliary_weights: Weight of each auxiliary loss, relative to 1 for the final logits.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        pyramid_width: int = 256,
        rates: Sequence[int] = (1, 2, 3),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if len(widths) > 1 + len(AUXILIARY_WEIGHTS):
            raise AreosegError(
                f"dual-unet has auxiliary weights for {1 + len(AUXILIARY_WEIGHTS)} levels "
                f"and got {len(widths)} widths: remove some"
            )
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        self.auxiliary_weights = AUXILIARY_WEIGHTS[: len(widths) - 1]
        *skip_widths, bottleneck_width = widths

        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            block = double_convolution(channels, width, norm=batch_norm)
            self.encoder.append(block.append(nn.Dropout2d(dropout)))
            channels = width
        self.bottleneck = convolution_block(channels, bottleneck_width, norm=batch_norm)
        self.pyramid = AtrousPyramid(bottleneck_width, pyramid_width, rates=rates, norm=batch_norm)

        self.ups = nn.ModuleList()
        self.attention = nn.ModuleList()
        self.decoder = nn.ModuleList()
        self.heads = nn.ModuleList([nn.Conv2d(pyramid_width, classes, 1)])
        channels = pyramid_width
        for width in reversed(skip_widths):
            self.ups.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.attention.append(nn.Sequential(nn.Conv2d(width, 1, 1), nn.Sigmoid()))
            self.decoder.append(convolution_block(2 * width, width, norm=batch_norm))
            self.heads.append(nn.Conv2d(width, classes, 1))
            channels = width
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W).

        In training: those, then the auxiliary logits at 1/2, 1/4, ... of that size.
        """
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.pyramid(self.bottleneck(features))
        levels = [features]

        stages = zip(self.ups, self.attention, self.decoder, reversed(skips), strict=True)
        for up, attend, block, skip in stages:
            features = block(torch.cat((skip * attend(skip), up(features)), dim=1))
            levels.append(features)

        if not self.training:
            return crop_like(self.heads[-1](levels[-1]), images)
        fine_to_coarse = zip(reversed(self.heads), reversed(levels), strict=True)
        return tuple(
            crop_like(head(level), images, scale=2**halvings)
            for halvings, (head, level) in enumerate(fine_to_coarse)
        )
