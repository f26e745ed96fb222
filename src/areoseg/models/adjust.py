"""Change a network after it is built: initialization, regularization, what is trained.

Models need no support for these changes; they only have to consist of the layers in `layers/`.
"""

from collections.abc import Sequence

import torch
from torch import nn

from areoseg.errors import AreosegError
from areoseg.models.layers.gate_head import GateHead
from areoseg.models.layers.initialize import SCHEMES, initialize_weights, leaky_slope
from areoseg.models.layers.initialize import zero_last_gamma as zero_last_gammas
from areoseg.models.layers.normalization import standardize_convolutions
from areoseg.models.layers.regularization import set_drop_path, use_dropblock


def adjust_network(
    network: nn.Module,
    *,
    initialization: str | None = None,
    zero_last_gamma: bool = False,
    weight_standardization: bool = False,
    dropblock: int | None = None,
    drop_path: float | None = None,
) -> None:
    """Change a network in place; its parameter names stay the same.

    Args:
        network: A network from `create_model` that has not been trained.
        initialization: Initialize the convolutions with this scheme; see `initialize_weights`.
        zero_last_gamma: Make residual blocks start as their shortcut; see `zero_last_gamma`.
        weight_standardization: Standardize filters; see `standardize_convolutions`.
        dropblock: Drop squares with this side instead of values or channels; see `use_dropblock`.
        drop_path: Rate of stochastic depth at the last residual branch; see `set_drop_path`.

    Raises:
        AreosegError: The network has no layer that a change applies to.
    """
    if initialization is not None:
        if initialization not in SCHEMES:
            raise AreosegError(
                f"network.initialization: no scheme {initialization!r}: use {', '.join(SCHEMES)}"
            )
        initialize_weights(network, scheme=initialization, negative_slope=leaky_slope(network))
    if zero_last_gamma and not zero_last_gammas(network):
        raise _nothing_for(
            "zero_last_gamma",
            network,
            "no residual block whose branch ends in a normalization",
            "use a model with some, such as unet-resse",
        )
    if dropblock is not None and not use_dropblock(network, dropblock):
        raise _nothing_for(
            "dropblock",
            network,
            "no dropout of a rate above 0 to replace",
            "raise model.dropout, or use a model with dropout, such as unet-l",
        )
    if drop_path is not None and not set_drop_path(network, drop_path):
        raise _nothing_for(
            "drop_path",
            network,
            "no residual branch to skip",
            "use a model with some, such as unet-resse",
        )
    # Last, because the other changes look for plain convolutions.
    if weight_standardization and not standardize_convolutions(network):
        raise _nothing_for(
            "weight_standardization",
            network,
            "no convolution that a normalization follows",
            "use a model with some, such as unet-l",
        )


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


def _nothing_for(option: str, network: nn.Module, lack: str, cure: str) -> AreosegError:
    return AreosegError(
        f"network.{option}: {type(network).__name__} has {lack}: omit the option, or {cure}"
    )


@torch.no_grad()
def reset_output(network: nn.Module, classes: int, index: int) -> None:
    """Set the weights of one output to zero, so that it is learned anew.

    Args:
        network: A network.
        classes: Its number of classes; each convolution with as many output channels is a head.
            The logit of a `GateHead` becomes zero too.
        index: The class whose logits become zero.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels == classes:
            layer.weight[index] = 0
            if layer.bias is not None:
                layer.bias[index] = 0
        elif isinstance(layer, GateHead):
            nn.init.zeros_(layer.logit.weight)
