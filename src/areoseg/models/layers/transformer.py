"""The transformer block, over feature maps."""

from torch import Tensor
from torch import nn

from areoseg.models.layers.attention import PositionConvolution
from areoseg.models.layers.attention import SelfAttention
from areoseg.models.layers.stochastic_depth import DropPath


class LayerNorm2d(nn.Module):
    """Layer norm of a map: every pixel over its channels, with gamma and beta a channel."""

    def __init__(self, channels: int, *, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=epsilon)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        normalized: Tensor = self.norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normalized


class TransformerBlock(nn.Module):
    """A pre-norm transformer block (Vaswani et al. 2017; Dosovitskiy et al. 2021) with positions.

    With P the position convolution, A self-attention, F a perceptron a pixel, and LN layer norm::

        x <- P(x)
        x <- x + A(LN(x))
        x <- x + F(LN(x))        F = 1x1 convolution -> GELU -> 1x1 convolution

    Args:
        channels: Channels in and out.
        heads: Heads of the attention.
        expansion: Hidden channels of F, as a multiple of `channels`.
        drop_path: Probability of leaving out A, and of leaving out F, while training.
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
        """(N, C, H, W) to the same shape."""
        features = self.position(features)
        features = features + self.attention(features)
        features = features + self.feed_forward(features)
        return features
