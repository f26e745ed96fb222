"""Training of some modules of a network only."""

from collections.abc import Sequence

from torch import nn


def train_only(network: nn.Module, names: Sequence[str]) -> None:
    """Freeze all but some modules of a network.

    Frozen modules compute as in evaluation, with their stored batch statistics and without dropout,
    and their parameters have no gradient.

    Args:
        network: A network in training mode; changed in place.
        names: Its direct submodules to train; empty: all, and nothing is changed.
    """
    if not names:
        return
    for name, module in network.named_children():
        if name not in names:
            module.eval().requires_grad_(False)
