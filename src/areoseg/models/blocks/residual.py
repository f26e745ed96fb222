"""The residual connection."""

from torch import Tensor, nn


class Residual(nn.Module):
    """y = body(x) + shortcut(x) (He et al. 2016, Deep Residual Learning, equation 2).

    Args:
        body: What is learnt on top of the shortcut. It must not change x in place.
        shortcut: Brings x to the shape of the body's output; the identity where they agree.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, features: Tensor) -> Tensor:
        """The sum; shapes as body and shortcut make them."""
        total: Tensor = self.body(features) + self.shortcut(features)
        return total
