"""Put other layers into a network that is built."""

from collections.abc import Callable

from torch import nn


def replace_layers(network: nn.Module, replacement: Callable[[nn.Module], nn.Module | None]) -> int:
    """Replace layers in place.

    Args:
        network: Whose layers, at any depth, are looked at. It is not replaced itself.
        replacement: Answers what takes the place of a layer, or None to leave it.

    Returns:
        How many layers were replaced.
    """
    replaced = 0
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            new = replacement(layer)
            if new is not None:
                setattr(parent, name, new)
                replaced += 1
    return replaced
