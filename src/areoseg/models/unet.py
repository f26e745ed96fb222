"""U-Net: the network with exchangeable parts that `unet_variants` and others are made of."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.attention import AttentionGate
from areoseg.models.layers.convolution import convolution_block, double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.size import crop_like, pad_to_multiple

Block = Callable[[int, int], nn.Module]
"""Makes a layer from its input and output channels: (N, in, H, W) to (N, out, H, W)."""

SequentialBlock = Callable[[int, int], nn.Sequential]
"""A `Block` that returns an `nn.Sequential`."""

DOUBLE_CONVOLUTION: SequentialBlock = partial(double_convolution, norm=batch_norm)
"""Two times 3x3 convolution -> batch norm -> ReLU."""


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with exchangeable parts.

    With one width per level, from full resolution to the bottleneck, B the block of a level, D 2x2
    max-pooling, U 2x upsampling and [a, b] the concatenation of channels::

        e_1 = B(x)             e_l = B(D e_(l-1))       down to the last level but one
        d_L = B(D e_(L-1))     d_l = B[e_l, U d_(l+1)]  up to the first
        logits = 1x1 convolution of d_1

    Convolutions are padded, unlike in the paper, so that the logits cover the whole image and the
    skips need no crop.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        block: Makes B at all levels that the next three options do not define.
        encoder_blocks: Make B of each encoder level, from fine to coarse.
        bottleneck_block: Makes B of the bottleneck.
        decoder_blocks: Make B of each decoder level, from coarse to fine.
        pyramid: Makes a layer of `pyramid_width` channels that follows the bottleneck.
        pyramid_width: Channels of the result of `pyramid`.
        transformer: Makes a layer from its channels that follows bottleneck and pyramid.
        up: U: `"nearest"` repeats pixels; `"transposed"` is a 2x2 transposed convolution of
            stride 2 to the channels of the skip.
        attention_gates: Pass every skip but the finest through an `AttentionGate`.
        deep_supervision: In training mode, also return logits of the decoder levels at 1/2, 1/4,
            ... of the image size, finest first.

    Attributes:
        size_divisor: Heights and widths of images must be multiples of it.
        auxiliary_weights: Weight of each auxiliary loss, relative to 1 for the final logits.
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128),
        *,
        block: Block = DOUBLE_CONVOLUTION,
        encoder_blocks: Sequence[Block] | None = None,
        bottleneck_block: Block | None = None,
        decoder_blocks: Sequence[Block] | None = None,
        pyramid: Block | None = None,
        pyramid_width: int = 256,
        transformer: Callable[[int], nn.Module] | None = None,
        up: Literal["nearest", "transposed"] = "nearest",
        attention_gates: bool = False,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) - 1)
        *skip_widths, bottleneck_width = widths
        encoder_blocks = encoder_blocks or [block] * len(skip_widths)
        decoder_blocks = decoder_blocks or [block] * len(skip_widths)

        # The order in which layers are created determines their weights for a given seed.
        self.encoder = nn.ModuleList()
        channels = in_channels
        for width, make in zip(skip_widths, encoder_blocks, strict=True):
            self.encoder.append(make(channels, width))
            channels = width

        self.bottleneck = (bottleneck_block or block)(channels, bottleneck_width)
        self.pyramid: nn.Module = nn.Identity()
        self.transformer: nn.Module = nn.Identity()
        self.gate_signal: nn.Module = nn.Identity()
        channels = bottleneck_width
        if pyramid is not None:
            self.pyramid = pyramid(channels, pyramid_width)
            channels = pyramid_width
        if transformer is not None:
            self.transformer = transformer(channels)
        if attention_gates:
            self.gate_signal = convolution_block(channels, channels, kernel_size=1, norm=batch_norm)

        self.ups, self.gates, self.decoder = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for width, make in zip(reversed(skip_widths), decoder_blocks, strict=True):
            if attention_gates:
                self.gates.append(AttentionGate(width, channels, inner_channels=max(width // 2, 1)))
            if up == "transposed":
                self.ups.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
                channels = width
            else:
                self.ups.append(nn.Upsample(scale_factor=2.0))
            self.decoder.append(make(width + channels, width))
            channels = width
        del self.gates[-1:]  # the finest skip has too little context for a gate
        self.head = nn.Conv2d(channels, classes, 1)

        auxiliary_widths = skip_widths[1:] if deep_supervision else []
        self.auxiliary_heads = nn.ModuleList(
            nn.Conv2d(width, classes, 1) for width in auxiliary_widths
        )
        self.auxiliary_weights = tuple(0.5 ** (i + 1) for i in range(len(auxiliary_widths)))
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W).

        With deep supervision and in training mode: a tuple of these logits and the auxiliary ones.
        """
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)

        features = self.transformer(self.pyramid(self.bottleneck(features)))

        gate_signal = self.gate_signal(features)
        supervised = []
        for i, (up, block) in enumerate(zip(self.ups, self.decoder, strict=True)):
            skip = skips.pop()
            if i < len(self.gates):
                skip = self.gates[i](skip, gate_signal)
            features = gate_signal = block(torch.cat((skip, up(features)), dim=1))
            if self.training and self.auxiliary_heads:
                supervised.append(features)

        logits = crop_like(self.head(features), images)
        if not supervised:
            return logits
        fine_to_coarse = zip(self.auxiliary_heads, reversed(supervised[:-1]), strict=True)
        auxiliary = (
            crop_like(head(level), images, scale=2 ** (i + 1))
            for i, (head, level) in enumerate(fine_to_coarse)
        )
        return (logits, *auxiliary)
