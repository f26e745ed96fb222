"""Parameters and multiply-accumulates of a model, in total and by layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class ModelCost:
    """Size and computational cost of a model.

    Attributes:
        parameters: Number of trainable parameters, auxiliary heads included.
        macs: Multiply-accumulates of one evaluation pass over one image. Convolutions and matrix
            products count; normalizations, activations and resizing do not.
    """

    parameters: int
    macs: int


@dataclass(frozen=True)
class LayerInfo:
    """One call of a layer in a forward pass.

    Attributes:
        name: Name of the layer in the model, for example `encoder.0.0.0`.
        kind: Class of the layer.
        channels: Channels of the output, or the last dimension if the output consists of tokens.
        height: Rows of the output; 0 if it is not a feature map.
        width: Columns of the output; 0 if it is not a feature map.
        parameters: Number of trainable parameters.
        macs: Multiply-accumulates for one image.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    parameters: int
    macs: int


def model_cost(model: nn.Module, in_channels: int, height: int, width: int) -> ModelCost:
    """Count the parameters of a model, and its multiply-accumulates for one image.

    Nothing is computed: the pass runs on PyTorch's meta device, which has shapes but no values.

    Args:
        model: On any device; it is not changed.
        in_channels: Channels of the image.
        height: Height of the image, in pixels.
        width: Width of the image, in pixels.

    Examples:
        >>> model_cost(nn.Conv2d(3, 8, kernel_size=1), 3, 16, 32)
        ModelCost(parameters=32, macs=12288)
    """
    counter = _count_flops(model, in_channels, height, width)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelCost(parameters=parameters, macs=counter.get_total_flops() // 2)


def list_layers(model: nn.Module, in_channels: int, height: int, width: int) -> list[LayerInfo]:
    """List the layers of a model that have parameters, in the order of use.

    A layer that is used twice is listed twice. For the arguments see `model_cost`.
    """
    uses: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def recorder(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda layer, _, output: uses.append((name, layer, tuple(output.shape)))

    hooks = [
        layer.register_forward_hook(recorder(name))
        for name, layer in model.named_modules()
        if next(layer.children(), None) is None and any(True for _ in layer.parameters())
    ]
    try:
        counter = _count_flops(model, in_channels, height, width)
    finally:
        for hook in hooks:
            hook.remove()
    flops = counter.get_flop_counts()
    names = [name for name, _, _ in uses]
    root = type(model).__name__
    layers = []
    for name, layer, shape in uses:
        is_map = len(shape) == 4
        layers.append(
            LayerInfo(
                name=name,
                kind=type(layer).__name__,
                channels=shape[1] if is_map else shape[-1],
                height=shape[2] if is_map else 0,
                width=shape[3] if is_map else 0,
                parameters=sum(parameter.numel() for parameter in layer.parameters()),
                macs=sum(flops.get(f"{root}.{name}", {}).values()) // 2 // names.count(name),
            )
        )
    return layers


def _count_flops(model: nn.Module, in_channels: int, height: int, width: int) -> FlopCounterMode:
    """Count the operations of one image in evaluation mode on the meta device.

    The counter counts 2 per multiply-accumulate, in total and by module.
    """
    shapes = {
        name: tensor.detach().to("meta")
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }
    image = torch.empty(1, in_channels, height, width, device="meta")
    in_training = [module for module in model.modules() if module.training]  # not always all
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            # with ties, PyTorch 2.13 does not restore parameters that have more than two names
            functional_call(model.eval(), shapes, (image,), tie_weights=False)
    finally:
        for module in in_training:
            module.training = True
    return counter
