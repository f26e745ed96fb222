"""Residual blocks that begin as the identity: the last gamma of each branch starts at zero."""

from torch import nn

from areoseg.models.layers.residual import Residual
from areoseg.models.layers.squeeze_excitation import SqueezeExcitation
from areoseg.models.layers.stochastic_depth import DropPath

NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
KEEPS_ZERO = (
    nn.Identity,
    nn.ReLU,
    nn.LeakyReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.Dropout,
    nn.Dropout2d,
    SqueezeExcitation,
    DropPath,
)
"""Layers that answer zeros with zeros: the branch still ends in the norm before them."""


def zero_last_gamma(network: nn.Module) -> int:
    """Set the last gamma of each residual branch to zero.

    Every block is then its shortcut at first, as if the network were less deep (Goyal et al. 2017,
    arXiv 1706.02677, section 5.1). Branches that do not end in a normalization are left alone.

    Args:
        network: Changed in place. Its residual blocks are those of `Residual`.

    Returns:
        How many branches were changed.
    """
    blocks = [block for block in network.modules() if isinstance(block, Residual)]
    found = [norm for norm in map(last_norm, blocks) if norm is not None]
    for norm in found:
        nn.init.zeros_(norm.weight)
    return len(found)


def last_norm(block: Residual) -> nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d | None:
    """The normalization that the branch of a block ends in, or None."""
    layers = [block.body]
    while layers:
        layer = layers.pop()
        if isinstance(layer, NORMS):
            return layer if layer.affine else None
        if isinstance(layer, nn.Sequential):
            layers.extend(layer)
        elif not isinstance(layer, KEEPS_ZERO):
            return None
    return None
