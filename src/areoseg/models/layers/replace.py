"""Replace layers of a network."""

from collections.abc import Callable

from torch import nn


def replace_layers(network: nn.Module, replacement: Callable[[nn.Module], nn.Module | None]) -> int:
    """Replace layers in place.

    Args:
        network: Its layers at any depth are visited; the network itself is not replaced.
        replacement: Returns the replacement of a layer, or None to keep it.

    Returns:
        The number of replaced layers.
    """
    replaced = 0
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            new = replacement(layer)
            if new is not None:
                setattr(parent, name, new)
                replaced += 1
    return replaced
