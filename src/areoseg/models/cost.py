"""What a model costs: its weights, and its arithmetic for one image."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class ModelCost:
    """The size of a model.

    Attributes:
        parameters: Trainable numbers, those of auxiliary heads included.
        macs: Multiply-accumulates of one evaluation pass over one image. Convolutions and matrix
            products count; normalizations, activations and resizing do not.
    """

    parameters: int
    macs: int


def model_cost(model: nn.Module, in_channels: int, height: int, width: int) -> ModelCost:
    """Count the parameters of `model`, and its multiply-accumulates for one image.

    Nothing is computed: the pass runs on PyTorch's meta device, which knows shapes alone.

    Args:
        model: On any device; it is left as it was.
        in_channels: Channels of the image.
        height: Height of the image, in pixels.
        width: Width of the image, in pixels.
    """
    counter = count_flops(model, in_channels, height, width)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelCost(parameters=parameters, macs=counter.get_total_flops() // 2)


def count_flops(model: nn.Module, in_channels: int, height: int, width: int) -> FlopCounterMode:
    """Pass one image through `model` in evaluation mode on the meta device, counting as it goes.

    The counter says 2 for a multiply-accumulate, in all and by module. Arguments as for
    `model_cost`.
    """
    shapes = {
        name: tensor.detach().to("meta")
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }
    image = torch.empty(1, in_channels, height, width, device="meta")
    was_training = model.training
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            # with ties, PyTorch 2.13 does not put back what a model names more than twice
            functional_call(model.eval(), shapes, (image,), tie_weights=False)
    finally:
        model.train(was_training)
    return counter
