"""Attention U-Net: a U-Net whose skips pass through additive attention gates."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.attention import AttentionGate
from areoseg.models.layers.convolution import convolution_block
from areoseg.models.layers.convolution import double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.resize import upsample_nearest
from areoseg.models.layers.size import crop_like
from areoseg.models.layers.size import pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet-attention",
    summary="Attention U-Net, 32-64-128-256, additive gates on the skips",
    paper="Oktay et al. 2018, Attention U-Net, arXiv 1804.03999",
)
class AttentionUNet(nn.Module):
    """Attention U-Net (Oktay et al. 2018): the decoder asks the skips for what it needs.

    A plain skip passes everything that the encoder saw. Here the coarser feature g decides, pixel
    by pixel, how much of the skip x passes: x_hat = sigmoid(psi(ReLU(W_x x + W_g g))) x, see
    `AttentionGate`. With B a block of two (3x3 convolution -> batch norm -> ReLU), D 2x2
    max-pooling, U nearest 2x upsampling, A the gate, and x the image::

        e_1 = B(x)              e_l = B(D e_(l-1))                    down to the last level L
        d_L = e_L               d_l = B[A(e_l, g_l), U d_(l+1)]       up to the second
        d_1 = B[e_1, U d_2]     logits = 1x1 convolution of d_1

    The gate g_l is d_(l+1); for the deepest one it first passes a 1x1 convolution, batch norm and
    ReLU. The skip at full resolution has no gate, as in the paper: it shows too little of the
    sample to be judged by.

    Shapes for 64x128 images: 32x64x128, 64x32x64, 128x16x32, 256x8x16 (channels, height, width).

    Departs from the paper: two dimensions instead of three, half the width, nearest instead of
    trilinear upsampling. The authors join logits of every decoder level by a 1x1 convolution;
    `deep_supervision=True` scores them one by one instead, as auxiliary heads.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        widths: Channels of each level, from full resolution to the bottleneck.
        deep_supervision: In training mode, also answer logits of the decoder levels at 1/2, 1/4,
            ... of the image size, finest first. Their loss weights, 1/2, 1/4, ..., are in
            `auxiliary_weights`.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        widths: Sequence[int] = (32, 64, 128, 256),
        deep_supervision: bool = False,
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
        self.bottleneck = double_convolution(channels, bottleneck_width, norm=batch_norm)
        self.gate_signal = convolution_block(
            bottleneck_width, bottleneck_width, kernel_size=1, norm=batch_norm
        )

        self.gates = nn.ModuleList()  # from coarse to fine, and none for the finest skip
        self.decoder = nn.ModuleList()
        channels = bottleneck_width
        for width in reversed(skip_widths):
            self.gates.append(AttentionGate(width, channels, inner_channels=max(width // 2, 1)))
            self.decoder.append(double_convolution(width + channels, width, norm=batch_norm))
            channels = width
        del self.gates[-1]
        self.head = nn.Conv2d(channels, classes, 1)

        auxiliary_widths = skip_widths[1:] if deep_supervision else []
        self.auxiliary_heads = nn.ModuleList(
            nn.Conv2d(width, classes, 1) for width in auxiliary_widths
        )
        self.auxiliary_weights = tuple(0.5 ** (i + 1) for i in range(len(auxiliary_widths)))
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits (N, classes, H, W) of images (N, in_channels, H, W).

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

        *levels, finest = self._decode(self.bottleneck(features), skips)
        logits = crop_like(self.head(finest), images)
        if not (self.training and self.auxiliary_heads):
            return logits
        auxiliary = [
            crop_like(head(level), images, scale=2 ** (i + 1))
            for i, (head, level) in enumerate(
                zip(self.auxiliary_heads, reversed(levels), strict=True)
            )
        ]
        return (logits, *auxiliary)

    def _decode(self, features: Tensor, skips: list[Tensor]) -> list[Tensor]:
        """The maps of all decoder levels, from coarse to fine."""
        levels = []
        gate_signal = self.gate_signal(features)
        for i, block in enumerate(self.decoder):
            skip = skips[-1 - i]
            if i < len(self.gates):
                skip = self.gates[i](skip, gate_signal)
            features = block(torch.cat((skip, upsample_nearest(features)), dim=1))
            gate_signal = features
            levels.append(features)
        return levels
