"""One training step: the whole of what changes the weights."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch import nn
from torch import optim

from areoseg.optim.optimizers import squared_norm

Loss = Callable[[Any, Tensor, float], tuple[Tensor, dict[str, Tensor]]]
"""Takes the network's answer, targets and progress; returns the total and the value of each term,
as `CombinedLoss` does."""


def training_step(
    segmenter: nn.Module,
    loss: Loss,
    optimizer: optim.Optimizer,
    images: Tensor,
    targets: Tensor,
    *,
    progress: float,
    lr: float,
    l2: float = 0.0,
    clip: float | None = None,
    accumulate: int = 1,
    backward: Callable[[Tensor], None] = Tensor.backward,
) -> dict[str, Tensor]:
    """Forward, backward, and one step of the optimizer.

    With `accumulate` the batch passes in so many parts, and the step follows the mean of their
    gradients, each counted by its samples. That is the gradient of the whole batch but for what
    looks at a batch at once: batch normalization, and losses of sums over all pixels.

    Args:
        segmenter: The network in training mode.
        loss: The loss of its answer.
        optimizer: Over the segmenter's parameters.
        images: (N, 1, H, W) float in 0..1.
        targets: (N, ...) int64, what the loss takes; void pixels included.
        progress: How far the training has come, 0 to 1.
        lr: The learning rate of this step.
        l2: Weight of the squared norm of the weights.
        clip: Largest norm of the gradient, or None.
        accumulate: Parts that the batch is passed in.
        backward: Computes the gradients of the total loss.

    Returns:
        The value of each term of the loss, and their `total`.
    """
    optimizer.zero_grad(set_to_none=True)
    values: dict[str, Tensor] = {}
    parts = zip(images.chunk(accumulate), targets.chunk(accumulate), strict=True)
    for part_images, part_targets in parts:
        share = len(part_images) / len(images)
        total, terms = loss(segmenter(part_images), part_targets, progress)
        if l2:
            terms["l2"] = l2 * squared_norm(segmenter)
            total = total + terms["l2"]
        backward(total * share)
        for name, value in {**terms, "total": total}.items():
            values[name] = values.get(name, 0.0) + value.detach() * share
    if clip is not None:
        nn.utils.clip_grad_norm_(segmenter.parameters(), clip)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    return values
