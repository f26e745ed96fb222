"""Attention over pixels: gates on skip connections, and pixels that look at each other.

Matrix products run over sequences (N, H * W, C), convolutions over maps (N, C, H, W). In the
channels_last memory format both are views of the same memory, so changing between them is free.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from areoseg.models.layers.resize import resize_like

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Maps query, key and value (B, heads, L, d) to attended values (B, heads, L, d)."""


def attend_written_out(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V as its two products.

    The same as PyTorch's fused `scaled_dot_product_attention`. For sequences as short as a window
    it is several times faster in bfloat16 on a CPU; for long ones it takes the memory of L * L
    weights, which the fused form never holds.
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
    """softmax(Q K^T / sqrt(d)) V in every head (Vaswani et al. 2017, equation 1).

    Args:
        query: (B, L, heads * d), float. Head h reads the h-th run of d channels.
        key: (B, S, heads * d).
        value: (B, S, heads * v).
        heads: How many independent attentions the channels are split into.
        attend: Computes the attention of one head; all do the same, at another cost.

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
    """Every pixel looks at every pixel: multi-head self-attention over a feature map.

    Q, K and V are linear in the features, and a last linear layer mixes the heads. The cost grows
    with the square of H * W, so it belongs at the coarse end of a network. It does not know where
    a pixel lies; see `PositionConvolution`.

    Args:
        channels: Channels in and out.
        heads: How many independent attentions.
        head_channels: Channels of Q, K and V in each head; None splits `channels` evenly.
    """

    def __init__(self, channels: int, heads: int, head_channels: int | None = None) -> None:
        super().__init__()
        inner_channels = heads * (channels // heads if head_channels is None else head_channels)
        self.heads = heads
        self.query_key_value = nn.Linear(channels, 3 * inner_channels)
        self.mix_heads = nn.Linear(inner_channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        pixels = features.permute(0, 2, 3, 1)
        tokens = pixels.flatten(1, 2)
        query, key, value = self.query_key_value(tokens).chunk(3, dim=-1)
        attended: Tensor = self.mix_heads(multi_head_attention(query, key, value, self.heads))
        return attended.reshape(pixels.shape).permute(0, 3, 1, 2)


class PositionConvolution(nn.Module):
    """Tell each pixel where it lies: x + 3x3 depth-wise convolution of x (Chu et al. 2021).

    The zeros around the map mark its edges, and the convolution carries them inwards (conditional
    positional encoding, arXiv 2102.10882). Unlike a table of positions it fits any image size.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        encoded: Tensor = features + self.convolution(features)
        return encoded


class AttentionGate(nn.Module):
    """Let a skip pass only where a deeper feature agrees (Oktay et al. 2018, arXiv 1804.03999).

    Additive attention, the paper's equations 1 and 2, with x the skip and g the gate::

        q     = psi^T ReLU(W_x x + W_g g + b_g) + b_psi
        alpha = sigmoid(q)
        x_hat = alpha x

    As in the authors' code, W_x is a strided convolution without bias that meets the coarser gate
    on its grid, W_g and psi are 1x1 convolutions, both resizings (W_g g to W_x x, alpha to x) are
    bilinear, and x_hat passes a 1x1 convolution and batch norm. That last 1x1 convolution has no
    bias here, since batch norm would cancel it.

    Args:
        skip_channels: Channels of x.
        gate_channels: Channels of g.
        inner_channels: Channels in which the two are added; the paper takes half of x's.
        skip_stride: Kernel and stride of W_x, in pixels: 2 for a gate of half the skip's size (the
            paper), 1 for a gate of the skip's own size.
        project: False leaves out the last convolution and batch norm.
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
        """The alpha (N, 1, H, W), in (0, 1), of a skip (N, C, H, W)."""
        weighed_skip = self.weigh_skip(skip)
        weighed_gate = resize_like(self.weigh_gate(gate), weighed_skip)
        score = self.score(functional.relu(weighed_skip + weighed_gate))
        return resize_like(torch.sigmoid(score), skip)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """(N, skip_channels, H, W) and (N, gate_channels, h, w) to the shape of the skip."""
        gated: Tensor = self.project(self.coefficients(skip, gate) * skip)
        return gated
