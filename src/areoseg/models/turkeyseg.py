"""TurkeySeg: the network proposed in the homework report, with a global and a local U-Net path."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.attention import LayerNorm2d, SelfAttention
from areoseg.models.layers.convolution import (
    SqueezeExcitation,
    convolution_block,
    double_convolution,
)
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import Norm, group_norm
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.models.registry import choose_variant, register

HEADS = 4
RATES = (1, 2, 4)
"""Heads of the attention, and dilations in pixels, at both bottlenecks."""

NORMS: dict[str, Norm | None] = {"unnormalized": None, "normalized": group_norm()}
"""The normalization of each variant."""


class Bottleneck(nn.Module):
    """Parallel dilated convolutions followed by self-attention.

    With C_r a 3x3 convolution of dilation r, and A self-attention over all pixels in 4 heads that
    each have as many channels as the map::

        f = ReLU(C_1 x) + ReLU(C_2 x) + ReLU(C_4 x)
        output = f + A f

    With `norm`, it follows each C_r, and A reads a layer norm of f.

    Args:
        in_channels: Channels of x.
        channels: Channels of f and of the output.
        norm: Makes the normalization layers; None omits them.
    """

    def __init__(self, in_channels: int, channels: int, *, norm: Norm | None) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            convolution_block(in_channels, channels, norm=norm, dilation=rate) for rate in RATES
        )
        self.norm = nn.Identity() if norm is None else LayerNorm2d(channels)
        self.attention = SelfAttention(channels, HEADS, head_channels=channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, channels, H, W)."""
        first, *others = [convolution(features) for convolution in self.dilated]
        fused = sum(others, start=first)
        attended: Tensor = fused + self.attention(self.norm(fused))
        return attended


class UPath(nn.Module):
    """A U-Net without a head, of squeeze-and-excitation blocks.

    With B a block of two (3x3 convolution -> ReLU) and squeeze and excitation
    (`SqueezeExcitation`), D 2x2 max-pooling, U a 3x3 transposed convolution of stride 2 to the
    channels of the level, M the bottleneck (`Bottleneck`), and [., .] a concatenation::

        e_1 = B(x)            e_l = B(D e_(l-1))        down to the last level but one
        d_L = M(D e_(L-1))    d_l = B[U d_(l+1), e_l]   up to the first, the output

    Args:
        in_channels: Channels of the image.
        widths: Channels of each level, from full resolution to the bottleneck.
        norm: Makes the normalization after each convolution of B and M; None omits it.
        reduction: How many times fewer channels squeeze and excitation has inside.
    """

    def __init__(
        self, in_channels: int, widths: Sequence[int], *, norm: Norm | None, reduction: int
    ) -> None:
        super().__init__()
        *skip_widths, bottleneck_width = widths
        self.encoder = nn.ModuleList()
        channels = in_channels
        for width in skip_widths:
            self.encoder.append(excited_block(channels, width, norm=norm, reduction=reduction))
            channels = width
        self.bottleneck = Bottleneck(channels, bottleneck_width, norm=norm)

        self.ups = nn.ModuleList()
        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.ups.append(
                nn.ConvTranspose2d(channels, width, 3, stride=2, padding=1, output_padding=1)
            )
            self.decoder.append(excited_block(2 * width, width, norm=norm, reduction=reduction))
            channels = width

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, widths[0], H, W)."""
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.bottleneck(features)

        for up, block, skip in zip(self.ups, self.decoder, reversed(skips), strict=True):
            features = block(torch.cat((up(features), skip), dim=1))
        return features


def excited_block(
    in_channels: int, out_channels: int, *, norm: Norm | None, reduction: int
) -> nn.Sequential:
    """Make two 3x3 convolutions with ReLU, then squeeze and excitation."""
    block = double_convolution(in_channels, out_channels, norm=norm)
    return block.append(SqueezeExcitation(out_channels, reduction=reduction))


@register(
    "turkeyseg",
    summary="Global and local U-paths, self-attention",
    paper="The Backpropagators 2024, homework report",
)
class TurkeySeg(nn.Module):
    """TurkeySeg, the network proposed in the homework report.

    A deep U-Net path captures context and a shallow one detail; a block fuses their outputs.

    With P a U-path (`UPath`), B its block, and [., .] a concatenation::

        logits = 1x1 convolution of B[P_global(x), P_local(x)]

    Shapes for 64x128 images, channels, height, width. Global: 64x64x128, 128x32x64, 256x16x32,
    512x8x16. Local: 32x64x128, 64x32x64, 128x16x32. The join: 64x64x128.

    The network of the homework report has no normalization and did not train well, probably because
    the scale of the features is not bounded: each bottleneck adds three feature maps, and the
    attention logits grow with the square of their scale. The variant "normalized" is ours: it adds
    group norm after each 3x3 convolution, except the transposed ones, and layer norm before the
    attention. Both variants use the initialization of He et al. (2015); the homework used that of
    Glorot and Bengio (2010), the default of Keras.

    13.66 M parameters, 7.43 G multiply-accumulates for a 64x128 image, in both variants.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        variant: "unnormalized", as in the homework report, or "normalized".
        global_widths: Channels of each level of the global path.
        local_widths: Channels of each level of the local path.
        reduction: Reduction ratio of squeeze and excitation. The 16 of the homework report leaves 2
            of 32 channels, and a chance of one in four that both ReLUs are dead initially.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        variant: str = "unnormalized",
        global_widths: Sequence[int] = (64, 128, 256, 512),
        local_widths: Sequence[int] = (32, 64, 128),
        reduction: int = 16,
    ) -> None:
        super().__init__()
        norm = choose_variant("turkeyseg", NORMS, variant)
        self.in_channels = in_channels
        self.size_divisor = 2 ** (max(len(global_widths), len(local_widths)) - 1)
        width = global_widths[0]
        self.global_path = UPath(in_channels, global_widths, norm=norm, reduction=reduction)
        self.local_path = UPath(in_channels, local_widths, norm=norm, reduction=reduction)
        self.join = excited_block(width + local_widths[0], width, norm=norm, reduction=reduction)
        self.head = nn.Conv2d(width, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        padded = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        paths = torch.cat((self.global_path(padded), self.local_path(padded)), dim=1)
        return crop_like(self.head(self.join(paths)), images)
