"""The registered variants of `UNet`.

They share the options `in_channels`, `classes` and `widths`, and the notation of `UNet`: B is the
block of a level, D 2x2 max-pooling, U 2x upsampling, [a, b] the concatenation of channels, and x
the image. Shapes are (channels, height, width) for 64x128 images.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from torch import nn

from areoseg.errors import AreosegError
from areoseg.models.layers.attention import TransformerBlock
from areoseg.models.layers.convolution import (
    Activation,
    Residual,
    SqueezeExcitation,
    convolution_block,
    double_convolution,
    relu,
    residual_branch,
)
from areoseg.models.layers.normalization import Norm, batch_norm, group_norm
from areoseg.models.layers.pyramid import AtrousPyramid
from areoseg.models.layers.regularization import rates_by_depth
from areoseg.models.registry import choose_variant, register
from areoseg.models.unet import DOUBLE_CONVOLUTION, SequentialBlock, UNet


def with_dropout(
    block: SequentialBlock, dropout: Callable[[], nn.Module], *, first: bool = False
) -> SequentialBlock:
    """Append or prepend a dropout layer to a block.

    A prepended layer gets a name instead of a number, so that the numbers of the other layers in a
    state dict stay the same.
    """

    def make(in_channels: int, out_channels: int) -> nn.Sequential:
        layers = block(in_channels, out_channels)
        if not first:
            return layers.append(dropout())
        return nn.Sequential(OrderedDict([("dropout", dropout()), *layers.named_children()]))

    return make


@register(
    "unet",
    summary="Basic U-Net, 32 to 128, batch norm",
    paper="Ronneberger et al. 2015, U-Net, arXiv 1505.04597",
)
def unet(*, in_channels: int = 1, classes: int = 5, widths: Sequence[int] = (32, 64, 128)) -> UNet:
    """Build a U-Net of three levels.

    B is two times (3x3 convolution -> batch norm -> ReLU), U repeats pixels. Shapes: 32x64x128,
    64x32x64, 128x16x32. 0.472 M parameters instead of the paper's 31 M, for a dataset of a few
    thousand small images.
    """
    return UNet(in_channels, classes, widths)


@register(
    "unet-classic",
    summary="U-Net of 2015, 64 to 1024, no norm",
    paper="Ronneberger et al. 2015, U-Net, arXiv 1505.04597",
)
def unet_classic(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (64, 128, 256, 512, 1024),
    dropout: float = 0.5,
) -> UNet:
    """Build the U-Net of Ronneberger et al. (2015), on padded maps.

    B is two times (3x3 convolution -> ReLU), U a 2x2 transposed convolution of stride 2 that
    halves the channels. Dropout follows B on the two deepest levels, "the end of the contracting
    path"; its rate is not in the paper, 0.5 is usual. Weights are drawn from N(0, 2 / fan_in),
    which matters here, since no norm corrects a wrong scale. Shapes: 64x64x128, 128x32x64,
    256x16x32, 512x8x16, 1024x4x8. 31.0 M parameters.

    Options:
        dropout: The dropout rate for values, 0 to 1.
    """
    block = partial(double_convolution, norm=None)
    dropped = with_dropout(block, partial(nn.Dropout, dropout))
    levels = len(widths) - 1
    return UNet(
        in_channels,
        classes,
        widths,
        block=block,
        encoder_blocks=[block] * (levels - 1) + [dropped] * min(levels, 1),
        bottleneck_block=dropped,
        up="transposed",
    )


@register(
    "unet-l",
    summary="U-Net-L, 32 to 512, group norm, spatial dropout",
    paper="The Backpropagators 2024, homework report (its final model); U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
def unet_l(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (32, 64, 128, 256, 512),
    groups: int | None = None,
    dropout: float = 0.1,
) -> UNet:
    """Build U-Net-L, a deeper U-Net for small batches and little data.

    With B two times (3x3 convolution -> group norm -> ReLU), U repeating pixels, and S spatial
    dropout (of whole channels)::

        e_1 = S B(x)          e_l = S B(D e_(l-1))        down to the last level but one
        d_L = B(D e_(L-1))    d_l = B S[e_l, U d_(l+1)]   up to the first

    Skips therefore pass dropout twice. Shapes: 32x64x128, 64x32x64, 128x16x32, 256x8x16, 512x4x8.
    7.852 M parameters.

    The dropout rates of the homework report are not known; 0.1 is our choice. Its L2 regularization
    is not part of the network: set the optimizer's weight decay. It used 32 groups at every width,
    which is instance norm on the 32-channel level: `groups=32` builds that.

    Options:
        groups: Groups of every group norm; None means min(8, channels / 4).
        dropout: The dropout rate for whole channels, 0 to 1.
    """
    block = partial(double_convolution, norm=group_norm(groups))
    layer = partial(nn.Dropout2d, dropout)
    levels = len(widths) - 1
    return UNet(
        in_channels,
        classes,
        widths,
        block=block,
        encoder_blocks=[with_dropout(block, layer)] * levels,
        decoder_blocks=[with_dropout(block, layer, first=True)] * levels,
    )


@register(
    "unet-l-small",
    summary="U-Net-L of 4 levels, no dropout on skips",
    paper="The last variant of the homework report's U-Net-L; U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
def unet_l_small(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (32, 64, 128, 256),
    groups: int | None = None,
    dropout: float = 0.1,
) -> UNet:
    """Build the last variant of U-Net-L.

    With B two times (3x3 convolution -> group norm -> ReLU), U repeating pixels, and S spatial
    dropout (of whole channels)::

        e_1 = B(x)              e_l = B(S D e_(l-1))      down to the last level but one
        d_L = B(S D e_(L-1))    d_l = B[e_l, U d_(l+1)]   up to the first

    Unlike in `unet_l`, dropout is not applied to the skips. Shapes: 32x64x128, 64x32x64, 128x16x32,
    256x8x16. 1.95 M parameters.

    Departs from its source as `unet_l` does: 0.1 for the unknown dropout rate, and fewer groups
    than 32 where layers are narrow (`groups=32` builds the source's).

    Options:
        groups: Groups of every group norm; None means min(8, channels / 4).
        dropout: The dropout rate for whole channels, 0 to 1.
    """
    block: SequentialBlock = partial(double_convolution, norm=group_norm(groups))
    pooled_block = with_dropout(block, partial(nn.Dropout2d, dropout), first=True)
    levels = len(widths) - 1
    return UNet(
        in_channels,
        classes,
        widths,
        block=block,
        encoder_blocks=[block, *[pooled_block] * (levels - 1)][:levels],
        bottleneck_block=pooled_block,
    )


@register(
    "unet-groupnorm",
    summary="U-Net, 64 to 512, group norm, decoder dropout",
    paper="A variant of the homework report's notebook; U-Net, arXiv 1505.04597; "
    "Wu and He 2018, Group Normalization, arXiv 1803.08494",
)
def unet_groupnorm(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (64, 128, 256, 512),
    groups: int | None = 8,
    dropout: Sequence[float] = (0.3, 0.2, 0.2, 0.1),
) -> UNet:
    """Build a wide U-Net of four levels with dropout in bottleneck and decoder.

    With B two times (3x3 convolution -> group norm -> ReLU), U repeating pixels, and S_p dropout
    of rate p (of single values)::

        e_1 = B(x)            e_l = B(D e_(l-1))                  down to the last level but one
        d_4 = S_.3 B(D e_3)   d_l = S_p B[e_l, U d_(l+1)]         with p = .2, .2, .1 going up

    Shapes: 64x64x128, 128x32x64, 256x16x32, 512x8x16. 7.78 M parameters. The source gives the
    rates of bottleneck and decoder but not the place within a level: here dropout ends it.

    Options:
        groups: Groups of every group norm; None means min(8, channels / 4).
        dropout: The dropout rates after the bottleneck and after each decoder level, from
            coarse to fine: one rate per width.
    """
    if len(dropout) != len(widths):
        raise AreosegError(
            f"unet-groupnorm has {len(widths)} widths and {len(dropout)} dropout rates: "
            "give one rate per width"
        )
    block = partial(double_convolution, norm=group_norm(groups))
    bottleneck_block, *decoder_blocks = (
        with_dropout(block, partial(nn.Dropout, rate)) for rate in dropout
    )
    return UNet(
        in_channels,
        classes,
        widths,
        block=block,
        bottleneck_block=bottleneck_block,
        decoder_blocks=decoder_blocks,
    )


@register(
    "unet-resse",
    summary="Residual U-Net, 32 to 128, squeeze-excitation",
    paper="Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507; "
    "He et al. 2016, arXiv 1512.03385; U-Net, arXiv 1505.04597",
)
def unet_resse(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (32, 64, 128),
    reduction: int = 8,
) -> UNet:
    """Build a U-Net of residual blocks with squeeze and excitation.

    With C a 3x3 convolution, N batch norm, R ReLU, W a 1x1 convolution with norm, E squeeze and
    excitation (`SqueezeExcitation`), and U repeating pixels::

        B(x) = R(E N C R N C x + W x)

    E comes before the sum, as in the paper's SE-ResNet. Shapes: 32x64x128, 64x32x64, 128x16x32.
    0.50 M parameters.

    Options:
        reduction: Factor by which the excitation reduces the channels.
    """

    def block(in_channels: int, out_channels: int) -> nn.Module:
        body = residual_branch(in_channels, out_channels, norm=batch_norm)
        body.append(SqueezeExcitation(out_channels, reduction=reduction))
        shortcut = convolution_block(
            in_channels, out_channels, norm=batch_norm, kernel_size=1, activation=nn.Identity
        )
        return nn.Sequential(Residual(body, shortcut), nn.ReLU(inplace=True))

    return UNet(in_channels, classes, widths, block=block)


AFTER_CONVOLUTION: dict[str, tuple[Norm | None, Activation]] = {
    "paper": (batch_norm, relu),
    "homework": (None, nn.Identity),
}
"""The norm and the activation inside the atrous pyramid, by variant of `unet_aspp`."""


@register(
    "unet-aspp",
    summary="U-Net, 64 to 1024, atrous pyramid (ASPP)",
    paper="Chen et al. 2017, DeepLabV3, arXiv 1706.05587; U-Net, arXiv 1505.04597; "
    "the homework report's U-Net + ASPP",
)
def unet_aspp(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (64, 128, 256, 512, 1024),
    pyramid_width: int = 256,
    rates: Sequence[int] = (1, 2, 3),
    variant: Literal["paper", "homework"] = "paper",
    dropout: float = 0.2,
) -> UNet:
    """Build a U-Net with atrous spatial pyramid pooling at the bottleneck.

    With B two times (3x3 convolution -> batch norm -> ReLU), C one such convolution, S spatial
    dropout, U a 2x2 transposed convolution of stride 2, and P the pyramid (`AtrousPyramid`)::

        e_1 = S B(x)          e_l = S B(D e_(l-1))      down to the last level but one
        d_5 = P C(D e_4)      d_l = C[e_l, U d_(l+1)]   up to the first

    Shapes: 64x64x128, 128x32x64, 256x16x32, 512x8x16, 1024x4x8, and 256x4x8 after the pyramid.
    24.8 M parameters.

    The pyramid works on 4x8 pixels here. The rates 6, 12 and 18 of the homework report exceed that:
    all taps of the last two kernels except the middle one would see padding. Therefore the defaults
    are 1, 2 and 3. The default `variant="paper"` has batch norm and ReLU in the pyramid, like
    DeepLabV3; `variant="homework"` has neither, as in the homework report, so that the whole
    pyramid is linear.

    Options:
        pyramid_width: Channels of each branch of the pyramid, and of its result.
        rates: Dilations of the pyramid, in pixels of its map.
        variant: The layers after the pyramid's convolutions: `"paper"` or `"homework"`.
        dropout: The dropout rate for whole channels, 0 to 1.
    """
    norm, activation = choose_variant("unet-aspp", AFTER_CONVOLUTION, variant)
    single = partial(convolution_block, norm=batch_norm)
    encoder_block = with_dropout(DOUBLE_CONVOLUTION, partial(nn.Dropout2d, dropout))
    return UNet(
        in_channels,
        classes,
        widths,
        block=single,
        encoder_blocks=[encoder_block] * (len(widths) - 1),
        pyramid=partial(AtrousPyramid, rates=rates, norm=norm, activation=activation),
        pyramid_width=pyramid_width,
        up="transposed",
    )


@register(
    "unet-attention",
    summary="Attention U-Net, 32 to 256, gated skips",
    paper="Oktay et al. 2018, Attention U-Net, arXiv 1804.03999",
)
def unet_attention(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (32, 64, 128, 256),
    deep_supervision: bool = False,
) -> UNet:
    """Build Attention U-Net (Oktay et al. 2018).

    A plain skip passes all encoder features. Here the coarser feature g decides, pixel
    by pixel, how much of the skip x passes: x_hat = sigmoid(psi(ReLU(W_x x + W_g g))) x. With A
    this gate (`AttentionGate`), B two times (3x3 convolution -> batch norm -> ReLU), and U
    repeating pixels::

        e_1 = B(x)              e_l = B(D e_(l-1))                    down to the last level L
        d_L = e_L               d_l = B[A(e_l, g_l), U d_(l+1)]       up to the second
        d_1 = B[e_1, U d_2]     logits = 1x1 convolution of d_1

    The gate signal g_l is d_(l+1); for the deepest gate it first passes a 1x1 convolution, batch
    norm and ReLU. As in the paper, the skip at full resolution has no gate. Shapes: 32x64x128,
    64x32x64, 128x16x32, 256x8x16.

    Departs from the paper: two dimensions instead of three, half the width, nearest instead of
    trilinear upsampling. The authors join logits of every decoder level by a 1x1 convolution;
    `deep_supervision=True` scores them one by one instead, as auxiliary heads.

    Options:
        deep_supervision: In training mode, also return logits of the decoder levels at 1/2, 1/4,
            ... of the image size, finest first. Their loss weights are 1/2, 1/4, ...
    """
    return UNet(
        in_channels, classes, widths, attention_gates=True, deep_supervision=deep_supervision
    )


@register(
    "unet-transformer",
    summary="U-Net, 32 to 256, transformer bottleneck",
    paper="Chen et al. 2021, TransUNet, arXiv 2102.04306; "
    "Chu et al. 2021, Conditional Positional Encodings, arXiv 2102.10882",
)
def unet_transformer(
    *,
    in_channels: int = 1,
    classes: int = 5,
    widths: Sequence[int] = (32, 64, 128, 256),
    blocks: int = 2,
    heads: int = 8,
    drop_path: float = 0.1,
) -> UNet:
    """Build a U-Net with self-attention over its coarsest map (after Chen et al. 2021).

    Convolutions detect texture, but whether gray texture is sand or soil often depends on the rest
    of the image. At 1/8 of the image size, attention over all pixels is affordable. With B two
    times (3x3 convolution -> group norm -> ReLU), U repeating pixels, and T a transformer block
    (`TransformerBlock`)::

        e_1 = B(x)                e_l = B(D e_(l-1))        down to the last level L
        d_L = T ... T(e_L)        d_l = B[e_l, U d_(l+1)]   up to the first

    Shapes: 32x64x128, 64x32x64, 128x16x32, 256x8x16, so attention runs over 128 pixels.

    The homework report names "transformer-like blocks" in a U-Net and does not describe them: this
    design is ours. It departs from TransUNet to be trainable from scratch on a few thousand images:
    a convolutional encoder of three levels instead of a pretrained ResNet-50, two blocks instead
    of twelve, positions by a depth-wise convolution in each block instead of a learned table (so
    that any image size works), stochastic depth, and group norm.

    Options:
        blocks: Number of transformer blocks.
        heads: Heads of their attention; they must divide the last of `widths`.
        drop_path: Probability of skipping each half of the last block in training; it grows
            linearly from 0 at the first block.
    """
    if widths[-1] % heads:
        raise AreosegError(
            f"unet-transformer: heads={heads} does not divide the last of widths, {widths[-1]}: "
            "choose a divisor"
        )

    def transformer(channels: int) -> nn.Module:
        rates = rates_by_depth([blocks], drop_path)[0]
        return nn.Sequential(*(TransformerBlock(channels, heads, drop_path=rate) for rate in rates))

    return UNet(
        in_channels,
        classes,
        widths,
        block=partial(double_convolution, norm=group_norm()),
        transformer=transformer,
    )
