"""Optimisers, with weight decay where it belongs."""

from torch import Tensor, nn, optim


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Two parameter groups: weights decay; normalisation and bias, which are vectors, do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def build_optimizer(model: nn.Module, *, lr: float, weight_decay: float) -> optim.Optimizer:
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101) over the parameters of `model`."""
    return optim.AdamW(decay_groups(model, weight_decay), lr=lr)


def squared_norm(model: nn.Module) -> Tensor:
    """Sum of the squares of all weights that decay, for L2 regularisation in the loss."""
    squares = [parameter.square().sum() for parameter in model.parameters() if parameter.ndim > 1]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return total
