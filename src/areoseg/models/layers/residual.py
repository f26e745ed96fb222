"""The residual connection."""

from torch import Tensor
from torch import nn

from areoseg.models.layers.stochastic_depth import DropPath


class Residual(nn.Module):
    """y = body(x) + shortcut(x) (He et al. 2016, Deep Residual Learning, equation 2).

    Args:
        body: What is learned on top of the shortcut. It must not change x in place.
        shortcut: Brings x to the shape of the body's output; the identity where they agree.
        drop_path: Probability of leaving out the body while training; see `stochastic_depth.py`.
    """

    def __init__(
        self, body: nn.Module, shortcut: nn.Module | None = None, *, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.body = body
        self.drop_path = DropPath(drop_path)
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, features: Tensor) -> Tensor:
        """The sum; shapes as body and shortcut make them."""
        total: Tensor = self.drop_path(self.body(features)) + self.shortcut(features)
        return total
