"""The layers of a model in the order in which an image passes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch import nn

from areoseg.models.cost import count_flops

Use = tuple[str, nn.Module, tuple[int, ...]]
"""The name of a layer, the layer, and the shape of its answer."""


@dataclass(frozen=True)
class Layer:
    """One layer, as an image passed it.

    Attributes:
        name: Its place in the model, such as `encoder.0.0.0`.
        kind: Its class.
        channels: Channels of its answer, or the last dimension where it answers tokens.
        height: Rows of its answer; 0 where it answers no map.
        width: Columns of its answer; 0 where it answers no map.
        parameters: Its trainable numbers.
        macs: Multiply-accumulates for the image.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    parameters: int
    macs: int


def list_layers(model: nn.Module, in_channels: int, height: int, width: int) -> list[Layer]:
    """The layers with parameters of `model`, in the order in which they are used.

    A layer that is used twice is listed twice. Nothing is computed: the pass runs on PyTorch's
    meta device.

    Args:
        model: On any device; it is left as it was.
        in_channels: Channels of the image.
        height: Height of the image, in pixels.
        width: Width of the image, in pixels.
    """
    used: list[Use] = []
    hooks = [
        module.register_forward_hook(_recorder(name, used))
        for name, module in model.named_modules()
        if next(module.children(), None) is None and any(True for _ in module.parameters())
    ]
    try:
        counter = count_flops(model, in_channels, height, width)
    finally:
        for hook in hooks:
            hook.remove()
    flops = counter.get_flop_counts()
    uses = [name for name, _, _ in used]
    root = type(model).__name__
    layers = []
    for name, module, shape in used:
        is_map = len(shape) == 4
        layers.append(
            Layer(
                name=name,
                kind=type(module).__name__,
                channels=shape[1] if is_map else shape[-1],
                height=shape[2] if is_map else 0,
                width=shape[3] if is_map else 0,
                parameters=sum(parameter.numel() for parameter in module.parameters()),
                macs=sum(flops.get(f"{root}.{name}", {}).values()) // 2 // uses.count(name),
            )
        )
    return layers


def _recorder(name: str, used: list[Use]) -> Callable[[nn.Module, Any, Tensor], None]:
    """A hook that notes each use of the layer called `name`."""

    def note(module: nn.Module, inputs: Any, answer: Tensor) -> None:
        used.append((name, module, tuple(answer.shape)))

    return note
