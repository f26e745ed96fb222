"""Attention UW-Net: an attention U-Net that passes its two deepest levels twice."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.attention import AttentionGate
from areoseg.models.layers.convolution import convolution_block, double_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm, group_norm
from areoseg.models.layers.size import crop_like, pad_to_multiple, upsample_nearest
from areoseg.models.registry import choose_variant, register

BRIDGE_CHANNELS = 256
"""Channels of the step down into the second pass of the deepest level; fixed by the authors."""


class UWGate(nn.Module):
    """The paper's additive gate.

    With x the skip and g the next coarser map::

        g' = ReLU(BN(1x1 convolution of g))
        q  = psi(ReLU(W_x x + W_g g'))
        x_hat = BN(1x1 convolution of (sigmoid(q) x))

    W_x is a 2x2 convolution of stride 2, and W_g a 1x1 followed by a 3x3 convolution (which the
    authors write as a transposed one; with stride 1 the two are the same). sigmoid(q) is repeated
    2x to the size of x.

    Args:
        skip_channels: Channels of x, and of everything inside the gate.
        coarse_channels: Channels of g.
    """

    def __init__(self, skip_channels: int, coarse_channels: int) -> None:
        super().__init__()
        self.signal = convolution_block(
            coarse_channels, skip_channels, kernel_size=1, norm=batch_norm
        )
        self.weigh_skip = nn.Conv2d(skip_channels, skip_channels, 2, stride=2, bias=False)
        self.weigh_signal = nn.Sequential(
            nn.Conv2d(skip_channels, skip_channels, 1, bias=False),
            nn.Conv2d(skip_channels, skip_channels, 3, padding=1),
        )
        self.score = nn.Conv2d(skip_channels, 1, 1)
        self.project = nn.Sequential(
            nn.Conv2d(skip_channels, skip_channels, 1, bias=False), nn.BatchNorm2d(skip_channels)
        )

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Map (N, skip, H, W) and (N, coarse, H / 2, W / 2) to (N, skip, H, W)."""
        weighed = self.weigh_skip(skip) + self.weigh_signal(self.signal(coarse))
        alpha = torch.sigmoid(self.score(functional.relu(weighed)))
        gated: Tensor = self.project(upsample_nearest(alpha) * skip)
        return gated


class GatedUp(nn.Module):
    """One step up: B[U g, gate(x, g)], with U nearest 2x upsampling and B a double convolution."""

    def __init__(self, skip_channels: int, coarse_channels: int) -> None:
        super().__init__()
        self.gate = UWGate(skip_channels, coarse_channels)
        self.block = double_convolution(
            coarse_channels + skip_channels, skip_channels, norm=batch_norm
        )

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Map (N, skip, H, W) and (N, coarse, H / 2, W / 2) to (N, skip, H, W)."""
        joined = torch.cat((upsample_nearest(coarse), self.gate(skip, coarse)), dim=1)
        features: Tensor = self.block(joined)
        return features


class AttentionUWNet(nn.Module):
    """Attention UW-Net (Pal, Reddy and Roy 2022) for any number of classes.

    Between encoder and decoder the network goes up one level and down again, so that its path
    has the shape of a W, and the decoder uses the second pass of the last level but one. With B a
    block of two (3x3 convolution -> batch norm -> ReLU), D 2x2 max-pooling, G the gated step up
    (`GatedUp`), S a 3x3 convolution of stride 2 with ReLU, and x the image::

        e_1 = B(x)              e_l = B(D e_(l-1))        l = 2 ... 5
        w_4 = G(e_4, e_5)       w_5 = B(S w_4)            up the bridge and down again
        d_4 = G(w_4, w_5)       d_l = G(e_l, d_(l+1))     l = 3, 2, 1
        logits = batch norm of a 1x1 convolution of d_1

    d_4 thus joins w_4, not e_4. Shapes for 64x128 images and width 16: 16x64x128, 32x32x64,
    64x16x32, 128x8x16, 256x4x8 (channels, height, width).

    The paper's figure has width 16 (4.68 M parameters) and the authors' notebook
    (Dynamo13/Attention_UWNet) width 32 (16.9 M). S has 256 channels in the notebook and
    here, regardless of the width. Departs from the paper: softmax over classes, outside the
    network, instead of sigmoid; no bias if a batch norm or another bias follows.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        width: Channels at full resolution; each level doubles them.
    """

    def __init__(self, *, in_channels: int, classes: int, width: int = 16) -> None:
        super().__init__()
        self.in_channels = in_channels
        widths = [width * 2**level for level in range(5)]
        self.size_divisor = 16

        self.encoder = nn.ModuleList()
        channels = in_channels
        for level_width in widths:
            self.encoder.append(double_convolution(channels, level_width, norm=batch_norm))
            channels = level_width

        self.bridge_up = GatedUp(widths[3], widths[4])
        self.bridge_down = nn.Sequential(
            convolution_block(widths[3], BRIDGE_CHANNELS, stride=2, norm=None),
            double_convolution(BRIDGE_CHANNELS, widths[4], norm=batch_norm),
        )
        self.decoder = nn.ModuleList(
            GatedUp(widths[level], widths[level + 1]) for level in reversed(range(4))
        )
        self.head = nn.Sequential(nn.Conv2d(width, classes, 1, bias=False), nn.BatchNorm2d(classes))
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        encoded = []
        for level, block in enumerate(self.encoder):
            features = block(features if level == 0 else functional.max_pool2d(features, 2))
            encoded.append(features)

        *skips, before_last, deepest = encoded
        bridge = self.bridge_up(before_last, deepest)
        features = self.bridge_down(bridge)
        for step_up, skip in zip(self.decoder, (bridge, *reversed(skips)), strict=True):
            features = step_up(skip, features)
        return crop_like(self.head(features), images)


class HomeworkUWNet(nn.Module):
    """The UWNet of the homework report: a plain attention U-Net, without the W.

    With B a block of two (3x3 convolution -> group norm -> ReLU), D 2x2 max-pooling, C a 2x2
    convolution, group norm and ReLU after nearest 2x upsampling, A an additive gate of 1x1
    convolutions between maps of one size (`AttentionGate`), and x the image::

        e_1 = B(x)      e_l = B(D e_(l-1))                            down to the last level L
        d_L = e_L       u = C d_(l+1)      d_l = B[A(e_l, u), u]      up to the first
        logits = 1x1 convolution of d_1

    It adds the gate's two terms in 64, 32 and 32 channels, from coarse to fine: half of the
    skip's, but at least 32. Departs from the homework report: the groups of the norm, which are not
    specified, are min(8, channels / 4).

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        width: Channels at full resolution; each of the three levels below doubles them.
    """

    def __init__(self, *, in_channels: int, classes: int, width: int = 32) -> None:
        super().__init__()
        self.in_channels = in_channels
        widths = [width * 2**level for level in range(4)]
        self.size_divisor = 8
        norm = group_norm()

        self.encoder = nn.ModuleList()
        channels = in_channels
        for level_width in widths:
            self.encoder.append(double_convolution(channels, level_width, norm=norm))
            channels = level_width

        self.ups, self.gates, self.decoder = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level_width in reversed(widths[:-1]):
            self.ups.append(
                nn.Sequential(
                    nn.Upsample(scale_factor=2.0),
                    nn.ZeroPad2d((0, 1, 0, 1)),  # "same" for an even kernel
                    nn.Conv2d(channels, level_width, 2, bias=False),
                    norm(level_width),
                    nn.ReLU(inplace=True),
                )
            )
            inner = max(level_width // 2, width)
            self.gates.append(
                AttentionGate(level_width, level_width, inner, skip_stride=1, project=False)
            )
            self.decoder.append(double_convolution(2 * level_width, level_width, norm=norm))
            channels = level_width
        self.head = nn.Conv2d(channels, classes, 1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        encoded = []
        for level, block in enumerate(self.encoder):
            features = block(features if level == 0 else functional.max_pool2d(features, 2))
            encoded.append(features)

        skips = encoded[:-1]
        stages = zip(self.ups, self.gates, self.decoder, reversed(skips), strict=True)
        for up, gate, block, skip in stages:
            upsampled = up(features)
            features = block(torch.cat((gate(skip, upsampled), upsampled), dim=1))
        return crop_like(self.head(features), images)


VARIANTS: Mapping[str, Callable[..., nn.Module]] = {
    "paper": AttentionUWNet,
    "homework": HomeworkUWNet,
}


@register(
    "attention-uwnet",
    summary="Attention UW-Net, 16 to 256, two deep passes",
    paper="Pal, Reddy and Roy 2022, Attention UW-Net, Computers in Biology and Medicine 150:106083",
)
def attention_uwnet(
    *, in_channels: int = 1, classes: int = 5, variant: str = "paper", width: int | None = None
) -> nn.Module:
    """Build `AttentionUWNet`, or the network that the homework report calls UWNet.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        variant: "paper" (`AttentionUWNet`) or "homework" (`HomeworkUWNet`).
        width: Channels at full resolution; None means 16 for "paper" and 32 for "homework".
    """
    network = choose_variant("attention-uwnet", VARIANTS, variant)
    if width is None:
        return network(in_channels=in_channels, classes=classes)
    return network(in_channels=in_channels, classes=classes, width=width)
