"""One training step: the whole of what changes the weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from areoseg.losses.combined import CombinedLoss
from areoseg.training.optimizers import squared_norm

Tensors = tuple[Tensor, ...] | list[Tensor]


def training_step(
    segmenter: nn.Module,
    loss: CombinedLoss,
    optimizer: optim.Optimizer,
    images: Tensor,
    targets: Tensor,
    *,
    progress: float,
    lr: float,
    l2: float = 0.0,
    clip: float | None = None,
    backward: Callable[[Tensor], None] = Tensor.backward,
) -> dict[str, Tensor]:
    """Forward, backward, and one step of the optimiser.

    Args:
        segmenter: The network in training mode.
        loss: The loss of its answer.
        optimizer: Over the segmenter's parameters.
        images: (N, 1, H, W) float in 0..1.
        targets: (N, H, W) int64, void pixels included.
        progress: How far the training has come, 0 to 1.
        lr: The learning rate of this step.
        l2: Weight of the squared norm of the weights.
        clip: Largest norm of the gradient, or None.
        backward: Computes the gradients of the total loss.

    Returns:
        The value of each term of the loss, and their `total`.
    """
    total, terms = loss(segmenter(images), targets, progress)
    if l2:
        terms["l2"] = l2 * squared_norm(segmenter)
        total = total + terms["l2"]
    optimizer.zero_grad(set_to_none=True)
    backward(total)
    if clip is not None:
        nn.utils.clip_grad_norm_(segmenter.parameters(), clip)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    return {name: value.detach() for name, value in {**terms, "total": total}.items()}


def averaged(segmenter: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of the weights, fast at the start.

    The decay at update t is min(decay, (1 + t) / (10 + t)), so that the average does not carry
    the first, random weights along.
    """

    @torch.no_grad()
    def average(averages: Tensors, currents: Tensors, updates: Tensor | int) -> None:
        count = int(updates)
        torch._foreach_lerp_(averages, currents, 1 - min(decay, (1 + count) / (10 + count)))

    return AveragedModel(segmenter, multi_avg_fn=average)
