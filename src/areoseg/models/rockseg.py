"""RockSeg: a ResNet encoder with transformer blocks, and a fusion of low-level features."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.errors import AreosegError
from areoseg.models.layers.attention import LayerNorm2d, PositionConvolution, SelfAttention
from areoseg.models.layers.convolution import (
    Residual,
    convolution_block,
    double_convolution,
    residual_branch,
)
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.size import crop_like, pad_to_multiple, resize_like, upsample_bilinear
from areoseg.models.registry import choose_variant, register


class RockSeg(nn.Module):
    """RockSeg (Fan et al. 2023), reconstructed from the description in the paper.

    The encoder, "Resnet-T", consists of ResNet stages followed by transformer blocks with
    multi-head attention. A multiscale fusion combines low-level features of several resolutions,
    and the decoder concatenates them with the output of the encoder. The paper does not give the
    layers and their sizes; they are our choice, so its scores may not be reproduced.

    With C_k a k x k convolution with batch norm and ReLU, S the stem (two C_3, the first of stride
    2), D 2x2 max-pooling, R_i a stage of two residual blocks as in ResNet-18 (`residual_block`; the
    first of R_2 and R_3 has stride 2), T two bottleneck transformer blocks (`attention_block`), |4
    a bilinear resize to 1/4 of the image, [., .] a concatenation, and x the image::

        s = S(x)      r_1 = R_1(D s)      r_2 = R_2(r_1)      r_3 = R_3(r_2)      t = T(r_3)
        low = C_3[(C_1 s)|4, C_1 r_1, (C_1 r_2)|4]            the multiscale fusion
        logits = resize(1x1 convolution of C_3 C_3[t|4, low])

    Shapes for 64x128 images: s 64x32x64, r_1 64x16x32, r_2 128x8x16, r_3 256x4x8, t 512x4x8, low
    64x16x32 (channels, height, width). A stem of 3x3 convolutions instead of ResNet's 7x7 suits
    such small images. 5.36 M parameters.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of R_1, R_2, R_3 and T. The stem and the fusion have as many as R_1, the
            decoder as many as R_3.
        heads: Heads of the attention; they divide a quarter of the last of `widths`.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        classes: int,
        widths: Sequence[int] = (64, 128, 256, 512),
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 16
        fine, middle, coarse, deepest = widths
        if deepest % (4 * heads):
            raise AreosegError(
                f"rockseg: the last of widths, {deepest}, must be a multiple of 4 * heads = "
                f"{4 * heads}: choose another width"
            )

        self.stem = double_convolution(in_channels, fine, norm=batch_norm, stride=2)
        self.stages = nn.ModuleList()
        channels = fine
        for width, stride in ((fine, 1), (middle, 2), (coarse, 2)):
            first = residual_block(channels, width, stride=stride)
            self.stages.append(nn.Sequential(first, residual_block(width, width)))
            channels = width
        self.transformer = nn.Sequential(
            attention_block(coarse, deepest, heads), attention_block(deepest, deepest, heads)
        )

        self.reduce_low = nn.ModuleList(
            convolution_block(width, fine, norm=batch_norm, kernel_size=1)
            for width in (fine, fine, middle)
        )
        self.fuse_low = convolution_block(3 * fine, fine, norm=batch_norm)
        self.decoder = double_convolution(deepest + fine, coarse, norm=batch_norm)
        self.head = nn.Conv2d(coarse, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        stem = self.stem(features)
        features = functional.max_pool2d(stem, 2)
        stages = []
        for stage in self.stages:
            features = stage(features)
            stages.append(features)
        first, second, third = stages

        low_maps = zip(self.reduce_low, (stem, first, second), strict=True)
        reduced = [resize_like(reduce(low), first) for reduce, low in low_maps]
        low = self.fuse_low(torch.cat(reduced, dim=1))

        high = resize_like(self.transformer(third), first)
        logits = self.head(self.decoder(torch.cat((high, low), dim=1)))
        return crop_like(upsample_bilinear(logits, 4), images)


def residual_block(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    """Make ResNet-18's block (He et al. 2016): ReLU(x + BN(L_3 ReLU(BN(L_3 x)))).

    L_3 is a 3x3 convolution, the first one with the stride, and BN batch norm; see `residual_sum`
    for x.
    """
    body = residual_branch(in_channels, out_channels, norm=batch_norm, stride=stride)
    return residual_sum(body, in_channels, out_channels, stride=stride)


def attention_block(in_channels: int, out_channels: int, heads: int) -> nn.Sequential:
    """Make a bottleneck transformer block (Srinivas et al. 2021, arXiv 2101.11605).

    A ResNet bottleneck whose middle is self-attention. With L_1 a 1x1 convolution, BN batch norm, P
    the position convolution (`PositionConvolution`), and A self-attention over all pixels::

        h = ReLU(BN(L_1 x)), a quarter of the output channels
        output = ReLU(x + BN(L_1 ReLU(BN(A P h))))

    P replaces that paper's table of relative positions, so that any image size works; see
    `residual_sum` for x.
    """
    inner_channels = out_channels // 4
    body = nn.Sequential(
        convolution_block(in_channels, inner_channels, norm=batch_norm, kernel_size=1),
        PositionConvolution(inner_channels),
        SelfAttention(inner_channels, heads),
        nn.BatchNorm2d(inner_channels),
        nn.ReLU(inplace=True),
        convolution_block(
            inner_channels,
            out_channels,
            norm=batch_norm,
            kernel_size=1,
            activation=nn.Identity,
        ),
    )
    return residual_sum(body, in_channels, out_channels)


def residual_sum(
    body: nn.Module, in_channels: int, out_channels: int, *, stride: int = 1
) -> nn.Sequential:
    """Make ReLU(body(x) + x); a 1x1 convolution with batch norm fits x to another shape."""
    shortcut = None
    if stride != 1 or in_channels != out_channels:
        shortcut = convolution_block(
            in_channels,
            out_channels,
            norm=batch_norm,
            kernel_size=1,
            stride=stride,
            activation=nn.Identity,
        )
    return nn.Sequential(Residual(body, shortcut), nn.ReLU(inplace=True))


class HomeworkRockSeg(nn.Module):
    """RockSeg as interpreted by the authors of the homework report.

    With B a block of two (3x3 convolution -> batch norm -> ReLU), C_k a k x k convolution with
    ReLU, L_k one without, LN layer norm over the channels, D 2x2 max-pooling, M 2x2 mean-pooling, U
    bilinear 2x upsampling, A self-attention over all pixels in 4 heads that each have as many
    channels as the map, [., .] a concatenation, and x the image::

        c = L_4 x, of stride 2      r_1 = B(D c)        r_2 = B(r_1)        no residuals
        t = LN(M L_1 r_2)           t <- t + A t        t <- t + C_1 t      the transformer
        b = C_3 t                   m = C_1[L_1 r_1, r_2, U L_1 b]          the multiscale fusion
        d = C_3[U m, U r_1]         logits = 1x1 convolution of C_3[U d, U c]

    Shapes for 64x128 images: c 64x32x64, r_1 64x16x32, r_2 and m 128x16x32, t 256x8x16, b 512x8x16,
    d 128x32x64, then 64x64x128 (channels, height, width). 3.08 M parameters.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of r_1, r_2, t and b; those of d are r_2's, and c and the last map have
            r_1's.
        heads: Heads of the attention.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        classes: int,
        widths: Sequence[int] = (64, 128, 256, 512),
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 8
        fine, middle, coarse, deepest = widths

        self.stem = nn.Conv2d(in_channels, fine, 4, stride=2, padding=1)
        self.first = double_convolution(fine, fine, norm=batch_norm)
        self.second = double_convolution(fine, middle, norm=batch_norm)

        self.embed = nn.Sequential(
            nn.Conv2d(middle, coarse, 1), nn.AvgPool2d(2), LayerNorm2d(coarse)
        )
        self.attention = Residual(SelfAttention(coarse, heads, head_channels=coarse))
        self.feed_forward = Residual(convolution_block(coarse, coarse, norm=None, kernel_size=1))
        self.bottleneck = convolution_block(coarse, deepest, norm=None)

        self.reduce_first = nn.Conv2d(fine, middle, 1)
        self.reduce_bottleneck = nn.Conv2d(deepest, middle, 1)
        self.fuse = convolution_block(3 * middle, middle, norm=None, kernel_size=1)
        self.decode_half = convolution_block(middle + fine, middle, norm=None)
        self.decode_full = convolution_block(middle + fine, fine, norm=None)
        self.head = nn.Conv2d(fine, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        padded = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        stem = self.stem(padded)
        first = self.first(functional.max_pool2d(stem, 2))
        second = self.second(first)
        tokens = self.feed_forward(self.attention(self.embed(second)))
        bottleneck = upsample_bilinear(self.reduce_bottleneck(self.bottleneck(tokens)))

        fused = self.fuse(torch.cat((self.reduce_first(first), second, bottleneck), dim=1))
        half = self.decode_half(upsample_bilinear(torch.cat((fused, first), dim=1)))
        full = self.decode_full(torch.cat((upsample_bilinear(half), upsample_bilinear(stem)), 1))
        return crop_like(self.head(full), images)


VARIANTS: Mapping[str, Callable[..., nn.Module]] = {"paper": RockSeg, "homework": HomeworkRockSeg}


@register(
    "rockseg",
    summary="ResNet encoder with transformer blocks",
    paper="Fan et al. 2023, RockSeg, Remote Sensing 15(16):3935",
)
def rockseg(
    *,
    in_channels: int = 1,
    classes: int = 5,
    variant: str = "paper",
    widths: Sequence[int] = (64, 128, 256, 512),
    heads: int = 4,
) -> nn.Module:
    """Build `RockSeg`, or its interpretation in the homework report.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        variant: "paper" (`RockSeg`, our reconstruction) or "homework" (`HomeworkRockSeg`).
        widths: Channels of the four stages, from fine to coarse.
        heads: Heads of the attention.
    """
    network = choose_variant("rockseg", VARIANTS, variant)
    return network(in_channels=in_channels, classes=classes, widths=widths, heads=heads)
