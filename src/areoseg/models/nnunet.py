"""The plain U-Net of nnU-Net, the strong default of medical segmentation."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import instance_norm
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.models.registry import register

NEGATIVE_SLOPE = 0.01


@register(
    "nnunet",
    summary="nnU-Net, 32 to 512, deep supervision",
    paper="Isensee et al. 2021, nnU-Net, Nature Methods 18:203, arXiv 1809.10486",
)
class NNUNet(nn.Module):
    """The network that nnU-Net configures by default.

    With B a block of two (3x3 convolution -> instance norm -> leaky ReLU of slope 0.01), B_2 the
    same with stride 2 in its first convolution, U a 2x2 transposed convolution of stride 2, and x
    the image::

        e_1 = B(x)            e_l = B_2(e_(l-1))        down to the last level L
        d_L = e_L             d_l = B[e_l, U d_(l+1)]   up to the first
        logits_l = 1x1 convolution of d_l               every level but the two coarsest

    logits_1 is the output. In training the loss also scores the others, with weights 1/2, 1/4, ...
    beside 1 for the output. (nnU-Net scales the weights to a sum of one, and gives the coarsest
    decoder level the weight zero; here that level has no head.)

    Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32, 256x8x16, 512x4x8 (channels, height,
    width); 4 pixels are the minimum edge of nnU-Net's own planner.

    Instance norm needs more than one pixel at the bottleneck. The size divisor is therefore twice
    the encoder's.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.

    Attributes:
        auxiliary_weights: Weight of each auxiliary loss, relative to 1 for the final logits.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** len(widths)
        *skip_widths, bottleneck_width = widths
        self.auxiliary_weights = tuple(0.5**halvings for halvings in range(1, len(skip_widths) - 1))

        self.encoder = nn.ModuleList([_block(in_channels, widths[0])])
        for above, below in pairwise(widths):
            self.encoder.append(_block(above, below, stride=2))

        self.ups = nn.ModuleList()
        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.ups.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.decoder.append(_block(2 * width, width))
            channels = width
        supervised = skip_widths[: 1 + len(self.auxiliary_weights)]
        self.heads = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in supervised)
        initialize_weights(self, negative_slope=NEGATIVE_SLOPE)

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
        skips.pop()  # the bottleneck

        levels = []
        for up, block, skip in zip(self.ups, self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((skip, up(features)), dim=1))
            levels.append(features)

        if not self.training:
            return crop_like(self.heads[0](features), images)
        # The heads run from fine to coarse, and stop before the coarsest level.
        return tuple(
            crop_like(head(level), images, scale=2**halvings)
            for halvings, (head, level) in enumerate(
                zip(self.heads, reversed(levels), strict=False)
            )
        )


def _block(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Module:
    """Map (N, in, H, W) to (N, out, H / stride, W / stride)."""
    return double_convolution(
        in_channels, out_channels, norm=instance_norm, stride=stride, activation=_leaky_relu
    )


def _leaky_relu() -> nn.Module:
    return nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)
