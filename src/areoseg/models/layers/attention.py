"""Attention over pixels: gates on skips, self-attention, windows, and the transformer block.

Matrix products run over sequences (N, H * W, C), convolutions over maps (N, C, H, W). In the
channels_last memory format both are views of the same memory, so changing between them is free.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.regularization import DropPath
from areoseg.models.layers.size import resize_like

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Maps query, key and value (B, heads, L, d) to attended values (B, heads, L, d)."""


def attend_written_out(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute softmax(Q K^T / sqrt(d)) V as two matrix products.

    Equals PyTorch's fused `scaled_dot_product_attention`. For sequences as short as a window it is
    several times faster in bfloat16 on a CPU; for long ones it needs memory for L * L weights,
    which the fused form does not.
    """
    weights = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, dim=-1)
    return weights @ value


def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    heads: int,
    *,
    attend: Attend = functional.scaled_dot_product_attention,
) -> Tensor:
    """Compute softmax(Q K^T / sqrt(d)) V in every head (Vaswani et al. 2017, equation 1).

    Args:
        query: (B, L, heads * d), float. Head h reads the h-th run of d channels.
        key: (B, S, heads * d).
        value: (B, S, heads * v).
        heads: Number of heads that the channels are split into.
        attend: Computes the attention of one head; implementations differ in cost only.

    Returns:
        (B, L, heads * v), the heads one after another.
    """
    query, key, value = (
        tokens.reshape(*tokens.shape[:2], heads, -1).transpose(1, 2)
        for tokens in (query, key, value)
    )
    attended = attend(query, key, value)
    return attended.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Multi-head self-attention over all pixels of a feature map.

    Q, K and V are linear in the features, and a last linear layer mixes the heads. The cost grows
    with the square of H * W, so it is meant for coarse maps. It does not know the
    position of a pixel; see `PositionConvolution`.

    Args:
        channels: Channels in and out.
        heads: Number of attention heads.
        head_channels: Channels of Q, K and V in each head; None splits `channels` evenly.
    """

    def __init__(self, channels: int, heads: int, head_channels: int | None = None) -> None:
        super().__init__()
        inner_channels = heads * (channels // heads if head_channels is None else head_channels)
        self.heads = heads
        self.query_key_value = nn.Linear(channels, 3 * inner_channels)
        self.mix_heads = nn.Linear(inner_channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        pixels = features.permute(0, 2, 3, 1)
        tokens = pixels.flatten(1, 2)
        query, key, value = self.query_key_value(tokens).chunk(3, dim=-1)
        attended: Tensor = self.mix_heads(multi_head_attention(query, key, value, self.heads))
        return attended.reshape(pixels.shape).permute(0, 3, 1, 2)


class PositionConvolution(nn.Module):
    """Encode positions: x + 3x3 depth-wise convolution of x (Chu et al. 2021).

    The zeros around the map mark its edges, and the convolution carries them inwards (conditional
    positional encoding, arXiv 2102.10882). Unlike a table of positions it fits any image size.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        encoded: Tensor = features + self.convolution(features)
        return encoded


class AttentionGate(nn.Module):
    """Weigh the pixels of a skip by a deeper feature (Oktay et al. 2018, arXiv 1804.03999).

    Additive attention, the paper's equations 1 and 2, with x the skip and g the gate::

        q     = psi^T ReLU(W_x x + W_g g + b_g) + b_psi
        alpha = sigmoid(q)
        x_hat = alpha x

    As in the authors' code, W_x is a strided convolution without bias to the grid of the coarser
    gate, W_g and psi are 1x1 convolutions, both resizings (W_g g to W_x x, alpha to x) are
    bilinear, and x_hat passes a 1x1 convolution and batch norm. That last 1x1 convolution has no
    bias here, since batch norm would cancel it.

    Args:
        skip_channels: Channels of x.
        gate_channels: Channels of g.
        inner_channels: Channels in which the two are added; the paper uses half of x's.
        skip_stride: Kernel and stride of W_x, in pixels: 2 for a gate of half the skip's size (the
            paper), 1 for a gate of the skip's own size.
        project: False omits the last convolution and batch norm.
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        inner_channels: int,
        *,
        skip_stride: int = 2,
        project: bool = True,
    ) -> None:
        super().__init__()
        self.weigh_skip = nn.Conv2d(
            skip_channels, inner_channels, skip_stride, stride=skip_stride, bias=False
        )
        self.weigh_gate = nn.Conv2d(gate_channels, inner_channels, 1)
        self.score = nn.Conv2d(inner_channels, 1, 1)
        self.project: nn.Module = nn.Identity()
        if project:
            self.project = nn.Sequential(
                nn.Conv2d(skip_channels, skip_channels, 1, bias=False),
                nn.BatchNorm2d(skip_channels),
            )

    def coefficients(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Compute alpha (N, 1, H, W), in (0, 1), for a skip (N, C, H, W)."""
        weighed_skip = self.weigh_skip(skip)
        weighed_gate = resize_like(self.weigh_gate(gate), weighed_skip)
        score = self.score(functional.relu(weighed_skip + weighed_gate))
        return resize_like(torch.sigmoid(score), skip)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Map (N, skip_channels, H, W) and (N, gate_channels, h, w) to the shape of the skip."""
        gated: Tensor = self.project(self.coefficients(skip, gate) * skip)
        return gated


def split_windows(features: Tensor, size: int) -> Tensor:
    """Cut a map into square windows that do not overlap.

    All sizes are explicit, without -1 or a remainder, so that exporters can follow them.

    Args:
        features: (N, H, W, C), of any height and width.
        size: Edge of a window, in pixels.

    Returns:
        (N * rows * columns, size, size, C), row by row, image by image. Where `size` does not
        divide H or W, the windows at the bottom or at the right end in zeros.
    """
    batch, height, width, channels = features.shape
    rows, columns = windows_along(height, size), windows_along(width, size)
    below, right = rows * size - height, columns * size - width
    padded = functional.pad(features, (0, 0, 0, right, 0, below))
    grid = padded.reshape(batch, rows, size, columns, size, channels).transpose(2, 3)
    return grid.reshape(batch * rows * columns, size, size, channels)


def join_windows(windows: Tensor, shape: Sequence[int]) -> Tensor:
    """Undo `split_windows`.

    Args:
        windows: (N * rows * columns, size, size, C).
        shape: N, H, W and C of the map.

    Returns:
        (N, H, W, C).
    """
    batch, height, width, channels = shape
    size = windows.shape[1]
    rows, columns = windows_along(height, size), windows_along(width, size)
    below, right = rows * size - height, columns * size - width
    grid = windows.reshape(batch, rows, columns, size, size, channels).transpose(2, 3)
    padded = grid.reshape(batch, rows * size, columns * size, channels)
    return functional.pad(padded, (0, 0, 0, -right, 0, -below))  # a negative pad cuts off


def windows_along(length: int, size: int) -> int:
    """Count the windows that cover `length` pixels."""
    return (length + size - 1) // size


class LayerNorm2d(nn.Module):
    """Layer norm of a map: every pixel over its channels, with gamma and beta per channel."""

    def __init__(self, channels: int, *, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=epsilon)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        normalized: Tensor = self.norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normalized


class TransformerBlock(nn.Module):
    """A pre-norm transformer block (Vaswani et al. 2017; Dosovitskiy et al. 2021) with positions.

    With P the position convolution, A self-attention, F a perceptron per pixel, and LN layer norm::

        x <- P(x)
        x <- x + A(LN(x))
        x <- x + F(LN(x))        F = 1x1 convolution -> GELU -> 1x1 convolution

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
        expansion: Hidden channels of F, as a multiple of `channels`.
        drop_path: Probability of skipping A, and of skipping F, in training.
    """

    def __init__(
        self, channels: int, heads: int, *, expansion: int = 4, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        hidden_channels = expansion * channels
        self.position = PositionConvolution(channels)
        self.attention = nn.Sequential(
            LayerNorm2d(channels), SelfAttention(channels, heads), DropPath(drop_path)
        )
        self.feed_forward = nn.Sequential(
            LayerNorm2d(channels),
            nn.Conv2d(channels, hidden_channels, 1),
            nn.GELU(),
            nn.Conv2d(hidden_channels, channels, 1),
            DropPath(drop_path),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        features = self.position(features)
        features = features + self.attention(features)
        features = features + self.feed_forward(features)
        return features
