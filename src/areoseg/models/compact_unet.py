"""A residual U-Net on unshuffled pixels, fast on CPUs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.convolution import Residual, convolution_block, residual_branch
from areoseg.models.layers.gate_head import GateHead
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.size import (
    crop_like,
    pad_to_multiple,
    upsample_bilinear,
    upsample_nearest,
)
from areoseg.models.registry import register


@register(
    "compact-unet",
    summary="Residual U-Net on unshuffled pixels, for CPUs",
    paper="He et al. 2016, arXiv 1512.03385; U-Net, arXiv 1505.04597; pixel unshuffle, Shi et al. "
    "2016, arXiv 1609.05158; LinkNet, Chaurasia and Culurciello 2017, arXiv 1707.03718",
)
class CompactUNet(nn.Module):
    """A residual U-Net that starts at a fraction of the image's resolution.

    Three choices keep it fast. The stem folds each block of s x s pixels into channels, so that no
    layer runs at full resolution and no gray value is lost. Skips are added to the decoder's
    features, not concatenated. All convolutions are dense, which CPUs compute at full speed.

    With C a 3x3 convolution, P a 1x1 convolution, both with batch norm N but no activation, R ReLU,
    S pixel unshuffle, U nearest 2x upsampling, and x the image::

        B(x) = R(x + C R C x)                      residual block
        e_1 = B..B R C S x                         e_l = B..B R C_2 e_(l-1)   (C_2 has stride 2)
        d_L = e_L                                  d_l = B..B R(P e_l + U P d_(l+1))
        logits = bilinear upsampling by s of a 1x1 convolution of d_1

    No layer uses statistics of the whole image, so a large image gives the same logits with and
    without tiling.

    Shapes for 64x128 images: 24x32x64, 48x16x32, 96x8x16, 192x4x8 (channels, height, width).

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        stem: Edge of the blocks of pixels that become channels.
        widths: Channels of each level, from the stem's resolution to the bottleneck.
        depths: Residual blocks of each level in the encoder.
        decoder_depths: Residual blocks of each level but the last in the decoder.
        dropout: Probability of dropping a channel before the decoder and before the head.
        gate_width: Channels of a `GateHead` over e_2 to e_L, which computes the logit of background
            instead of the head; 0: none. The recipe then needs `data.background: gate`.
        gate_class: Index of the background class.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        stem: int = 2,
        widths: Sequence[int] = (24, 48, 96, 192),
        depths: Sequence[int] = (1, 1, 2, 2),
        decoder_depths: Sequence[int] = (1, 1, 1),
        dropout: float = 0.0,
        gate_width: int = 0,
        gate_class: int = 0,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem_stride = stem
        self.size_divisor = stem * 2 ** (len(widths) - 1)
        skip_widths = widths[:-1]

        self.stem = convolution_block(in_channels * stem**2, widths[0], norm=batch_norm)
        self.encoder = nn.ModuleList(
            _blocks(width, depth) for width, depth in zip(widths, depths, strict=True)
        )
        self.down = nn.ModuleList(
            convolution_block(above, below, norm=batch_norm, stride=2)
            for above, below in zip(skip_widths, widths[1:], strict=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.lateral = nn.ModuleList(_project(width, width) for width in skip_widths)
        self.up = nn.ModuleList(
            _project(below, above) for above, below in zip(skip_widths, widths[1:], strict=True)
        )
        self.decoder = nn.ModuleList(
            _blocks(width, depth) for width, depth in zip(skip_widths, decoder_depths, strict=True)
        )
        self.head = nn.Conv2d(widths[0], classes, 1)
        self.gate = GateHead(widths[1:], gate_width, norm=batch_norm) if gate_width else None
        self.gate_class = gate_class
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        padded = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        features = self.stem(functional.pixel_unshuffle(padded, self.stem_stride))
        skips = []
        for blocks, down in zip(self.encoder, self.down, strict=False):
            skips.append(blocks(features))
            features = down(skips[-1])
        deepest = self.encoder[-1](features)
        features = self.dropout(deepest)

        levels = zip(self.lateral, self.up, self.decoder, skips, strict=True)
        for lateral, up, blocks, skip in reversed(list(levels)):
            features = functional.relu(lateral(skip) + upsample_nearest(up(features)))
            features = blocks(features)
        logits = upsample_bilinear(self.head(self.dropout(features)), self.stem_stride)
        if self.gate is not None:
            gate = upsample_bilinear(self.gate([*skips[1:], deepest]), 2 * self.stem_stride)
            before, after = logits[:, : self.gate_class], logits[:, self.gate_class + 1 :]
            logits = torch.cat([before, gate.to(logits.dtype), after], dim=1)
        return crop_like(logits, images)


def _project(in_channels: int, out_channels: int) -> nn.Sequential:
    """Make a 1x1 convolution and batch norm."""
    return convolution_block(
        in_channels, out_channels, norm=batch_norm, kernel_size=1, activation=nn.Identity
    )


def _blocks(channels: int, depth: int) -> nn.Sequential:
    """Make `depth` residual blocks: (N, C, H, W) to the same shape."""
    return nn.Sequential(
        *(
            nn.Sequential(
                Residual(residual_branch(channels, channels, norm=batch_norm)),
                nn.ReLU(inplace=True),
            )
            for _ in range(depth)
        )
    )
