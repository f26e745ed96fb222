"""Light4Mars: squeeze-window attention down, aggregated local attention up."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from areoseg.errors import AreosegError
from areoseg.models.layers.attention import (
    attend_written_out,
    join_windows,
    multi_head_attention,
    split_windows,
)
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.regularization import DropPath, rates_by_depth
from areoseg.models.layers.size import crop_like, pad_to_multiple, resize_like, upsample_bilinear
from areoseg.models.registry import choose_variant, register

OFFICIAL_CODE = {"paper": False, "official": True}
"""Whether each variant follows the authors' code instead of the usual transformer block."""


class SqueezeWindowAttention(nn.Module):
    """Multi-head self-attention within disjoint windows.

    The queries and keys of a window X (w, w, C) are computed from its product with the means r
    (w, 1, C) of its rows and c (1, w, C) of its columns::

        S = LN(X * r * c)      [Q, K] = linear(S)      V = linear(X)
        output = linear(softmax(Q K^T / sqrt(d)) V)

    All w^2 pixels of a window attend to each other, in each head over d = C / heads channels; the
    linear layers have biases. There is neither a shift nor a position bias: the convolutions of the
    network carry positions and let windows exchange information. Windows at the right and lower
    edge are padded with zeros, which are attended to as in the authors' code.

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
        window: Edge of a window, in pixels.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.norm = nn.LayerNorm(channels)
        self.query_key = nn.Linear(channels, 2 * channels)
        self.value = nn.Linear(channels, channels)
        self.mix_heads = nn.Linear(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, H, W, C) to the same shape."""
        windows = split_windows(features, self.window)
        row_means = windows.mean(dim=2, keepdim=True)
        column_means = windows.mean(dim=1, keepdim=True)
        squeezed = self.norm(windows * row_means * column_means)

        query, key = self.query_key(squeezed).flatten(1, 2).chunk(2, dim=-1)
        value = self.value(windows).flatten(1, 2)
        attended: Tensor = self.mix_heads(
            multi_head_attention(query, key, value, self.heads, attend=attend_written_out)
        )
        return join_windows(attended.reshape(windows.shape), features.shape)


class UpgradedFeedForward(nn.Module):
    """A perceptron of each pixel with a depth-wise convolution in between.

    With DW_3 a 3x3 depth-wise convolution with bias::

        h = linear(x), C to 4C channels      output = linear(GELU(h + DW_3 h)), 4C to C channels
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden_channels = 4 * channels
        self.widen = nn.Linear(channels, hidden_channels)
        self.neighbors = nn.Conv2d(
            hidden_channels, hidden_channels, 3, padding=1, groups=hidden_channels
        )
        self.activation = nn.GELU()
        self.narrow = nn.Linear(hidden_channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, H, W, C) to the same shape."""
        hidden = self.widen(features)
        neighbors = self.neighbors(hidden.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        narrowed: Tensor = self.narrow(self.activation(hidden + neighbors))
        return narrowed


class SqueezeWindowBlock(nn.Module):
    """Squeeze-window attention A, then the upgraded feed-forward F, with layer norms LN.

    The variant "paper" has the usual residuals. The variant "official" computes what the authors'
    code does: both halves share one layer norm, and F adds its input, which the block adds again::

        paper       x <- x + A(LN_1 x)      x <- x + F(LN_2 x)
        official    x <- x + A(LN x)        x <- 2x + F(LN x)

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
        window: Edge of a window, in pixels.
        drop_path: Probability of skipping A, and of skipping F, in training.
        official: Whether to follow the authors' code.
    """

    def __init__(
        self, channels: int, heads: int, window: int, *, drop_path: float, official: bool
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(1 if official else 2))
        self.attention = SqueezeWindowAttention(channels, heads, window)
        self.feed_forward = UpgradedFeedForward(channels)
        self.drop_path = DropPath(drop_path)
        self.identity_gain = 2.0 if official else 1.0

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, H, W, C) to the same shape."""
        first_norm, last_norm = self.norms[0], self.norms[-1]
        features = features + self.drop_path(self.attention(first_norm(features)))
        branch = self.drop_path(self.feed_forward(last_norm(features)))
        total: Tensor = self.identity_gain * features + branch
        return total


class EncoderStage(nn.Module):
    """Halve the map: blocks(LN(3x3 convolution of x, of stride 2)).

    Args:
        in_channels: Channels of x.
        out_channels: Channels of the output.
        blocks: Squeeze-window blocks.
    """

    def __init__(self, in_channels: int, out_channels: int, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.embed = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(out_channels, eps=1e-6)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H / 2, W / 2)."""
        embedded = self.norm(self.embed(features).permute(0, 2, 3, 1))
        encoded: Tensor = self.blocks(embedded).permute(0, 3, 1, 2)
        return encoded


class AggregatedLocalAttention(nn.Module):
    """Join a skip T with a coarser map, and weigh the result by attention to its neighborhood.

    With u the coarser map, resized bilinearly to T, [., .] a concatenation, DW_k a k x k depth-wise
    convolution, BN batch norm, and * the product of elements::

        r = 3x3 grouped convolution of [T, u], one group per output channel
        b = BN(r)      a = BN(1x1 convolution of (DW_1 b + DW_3 b + DW_5 b + b))
        output = a * r

    [T, u] is not interleaved, so a channel of r reads either T or u, as in the authors' code.
    The DW_k have no bias here, since the last batch norm would cancel it.

    Args:
        skip_channels: Channels of T, and of the output.
        coarse_channels: Channels of u; both together they must be a multiple of `skip_channels`.
    """

    def __init__(self, skip_channels: int, coarse_channels: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(
            skip_channels + coarse_channels, skip_channels, 3, padding=1, groups=skip_channels
        )
        self.norm = nn.BatchNorm2d(skip_channels)
        self.neighbors = nn.ModuleList(
            nn.Conv2d(
                skip_channels,
                skip_channels,
                kernel_size,
                padding=kernel_size // 2,
                groups=skip_channels,
                bias=False,
            )
            for kernel_size in (1, 3, 5)
        )
        self.aggregate = nn.Sequential(
            nn.Conv2d(skip_channels, skip_channels, 1, bias=False), nn.BatchNorm2d(skip_channels)
        )

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Map (N, skip, H, W) and (N, coarse, h, w) to (N, skip, H, W)."""
        joined = self.join(torch.cat((skip, resize_like(coarse, skip)), dim=1))
        local = self.norm(joined)
        local = local + torch.stack([layer(local) for layer in self.neighbors]).sum(dim=0)
        attended: Tensor = self.aggregate(local) * joined
        return attended


class Light4Mars(nn.Module):
    """Light4Mars (Xiong et al. 2024): a small transformer for unstructured scenes.

    The encoder has four stages (`EncoderStage`), each half the size of the last, the first at 1/2
    of the image. The decoder goes back (`AggregatedLocalAttention`, here ALA) to 1/2, and logits
    are resized bilinearly to the image::

        T_1 = stage_1(x)     T_i = stage_i(T_(i-1))
        D_4 = T_4            D_i = ALA(T_i, D_(i+1))        i = 3, 2, 1
        logits = resize(1x1 convolution of D_1)

    Shapes of T_1 to T_4 for 64x128 images and size S: 32x32x64, 64x16x32, 128x8x16, 256x4x8
    (channels, height, width). No layer norm follows the last block of a stage. The sizes differ in
    the channels and in the blocks of each stage:

    - T: 8, 16, 32 and 64 channels, 1 block each, 0.102 M parameters;
    - S: 32, 64, 128 and 256 channels, 1 block each, 1.50 M parameters;
    - B: 32, 64, 128 and 256 channels, 2 blocks each, 2.57 M parameters.

    Linear weights are drawn from a normal distribution with a standard deviation of 0.02.

    The equations are read from the authors' code (CVIR-Lab/Light4Mars). Departs from it: windows
    of 8, 8, 8 and 4 pixels instead of 7, which fit 64x128 without padding; the encoder's
    convolutions are drawn by their fan in, as in the other models here; the decoder has fewer
    biases (`AggregatedLocalAttention`). The default variant also corrects two oddities of the code
    (`SqueezeWindowBlock`).

    Args:
        widths: Channels of each stage; each width divides the next.
        depths: Blocks of each stage.
        in_channels: Channels of the image.
        classes: Channels of the logits.
        variant: "paper", the usual residuals, or "official", those of the authors' code.
        heads: Heads of each stage, divisors of `widths`.
        windows: Edge of the windows of each stage, in pixels of its map.
        drop_path: Probability of skipping each half of the last block in training; it grows
            linearly from 0 at the first block.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int],
        depths: Sequence[int],
        in_channels: int = 1,
        classes: int = 5,
        variant: str = "paper",
        heads: Sequence[int] = (1, 2, 4, 8),
        windows: Sequence[int] = (8, 8, 8, 4),
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        official = choose_variant("light4mars", OFFICIAL_CODE, variant)
        _check_stages(widths, depths=depths, heads=heads, windows=windows)
        self.in_channels = in_channels
        self.size_divisor = 2 ** len(widths)

        self.encoder = nn.ModuleList()
        channels = in_channels
        rates = rates_by_depth(depths, drop_path)
        for width, stage_heads, window, stage_rates in zip(
            widths, heads, windows, rates, strict=True
        ):
            blocks = [
                SqueezeWindowBlock(width, stage_heads, window, drop_path=rate, official=official)
                for rate in stage_rates
            ]
            self.encoder.append(EncoderStage(channels, width, blocks))
            channels = width

        self.decoder = nn.ModuleList()
        for width in reversed(widths[:-1]):
            self.decoder.append(AggregatedLocalAttention(width, channels))
            channels = width
        self.head = nn.Conv2d(channels, classes, 1)
        initialize_weights(self.encoder)
        initialize_linear_layers(self.encoder)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        skips = []
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)

        features = skips.pop()
        for attention, skip in zip(self.decoder, reversed(skips), strict=True):
            features = attention(skip, features)
        return crop_like(upsample_bilinear(self.head(features)), images)


def initialize_linear_layers(network: nn.Module) -> None:
    """Draw all linear weights from a normal of std 0.02, as transformers do, and zero biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)


def _check_stages(widths: Sequence[int], **others: Sequence[int]) -> None:
    for option, values in others.items():
        if len(values) != len(widths):
            raise AreosegError(
                f"light4mars: {option} has {len(values)} entries and widths has {len(widths)}: "
                "give one per stage"
            )
    for stage, (width, heads) in enumerate(zip(widths, others["heads"], strict=True)):
        if width % heads:
            raise AreosegError(
                f"light4mars: heads={heads} of stage {stage} does not divide its width {width}: "
                "choose a divisor"
            )
    for width, next_width in pairwise(widths):
        if next_width % width:
            raise AreosegError(
                f"light4mars: width {width} does not divide the next one, {next_width}: "
                "choose widths that do, such as 8, 16, 32, 64"
            )


SIZES = {
    "t": ((8, 16, 32, 64), (1, 1, 1, 1)),
    "s": ((32, 64, 128, 256), (1, 1, 1, 1)),
    "b": ((32, 64, 128, 256), (2, 2, 2, 2)),
}
"""Widths and depths of the paper's sizes."""


for _size, (_widths, _depths) in SIZES.items():
    register(
        f"light4mars-{_size}",
        summary=f"Squeeze-window transformer, {_widths[0]} to {_widths[-1]}, {sum(_depths)} blocks",
        paper="Xiong et al. 2024, Light4Mars, ISPRS J. Photogramm. Remote Sens. 214:167-178",
    )(partial(Light4Mars, widths=_widths, depths=_depths))
