"""One training step (forward pass, loss, backward pass, optimizer step), and mixup."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim

from areoseg.optim.optimizers import squared_norm

Loss = Callable[[Any, Tensor, float], tuple[Tensor, dict[str, Tensor]]]
"""Takes the network's output, targets and progress; returns the total and the value of each term,
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
    """Run one forward and backward pass, and one step of the optimizer.

    With `accumulate` the batch is processed in chunks, and the step uses the mean of their
    gradients, weighted by their numbers of samples. This equals the gradient of the whole batch
    except for terms that depend on all samples: batch normalization, and losses of sums over all
    pixels.

    Args:
        segmenter: The network in training mode.
        loss: The loss of its output.
        optimizer: Optimizer of the segmenter's parameters.
        images: (N, 1, H, W) float in 0..1.
        targets: (N, ...) int64, as the loss expects them; void pixels included.
        progress: The progress of the training, 0 to 1.
        lr: The learning rate of this step.
        l2: Weight of the squared norm of the weights.
        clip: Largest norm of the gradient, or None.
        accumulate: The number of chunks.
        backward: Computes the gradients of the total loss.

    Returns:
        The value of each term of the loss, and their `total`.
    """
    optimizer.zero_grad(set_to_none=True)
    values: dict[str, Tensor] = {}
    chunks = zip(images.chunk(accumulate), targets.chunk(accumulate), strict=True)
    for some_images, some_targets in chunks:
        share = len(some_images) / len(images)
        total, terms = loss(segmenter(some_images), some_targets, progress)
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


def draw_mixture(batch_size: int, alpha: float) -> tuple[float, Tensor]:
    """Draw the share of the first sample in each pair, and the second sample of each pair.

    Args:
        batch_size: Number of samples in the batch, N.
        alpha: Both parameters of the Beta distribution of the share, above 0. With small values one
            of the two samples dominates; with 1 the share is uniformly distributed.

    Returns:
        The share, 0 to 1, one for the batch; and a permutation (N,) of its samples. Both follow
        from the state of PyTorch's global generator.
    """
    # NumPy's Beta, because PyTorch's returns 1/2 if a small alpha underflows.
    seed = int(torch.randint(2**63 - 1, ()))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return share, torch.randperm(batch_size)


def mix_batch(
    images: Tensor, targets: Tensor, share: float, partner: Tensor
) -> tuple[Tensor, Tensor]:
    """Mix each sample of a batch with another (Zhang et al. 2017, arXiv 1710.09412).

    Args:
        images: (N, 1, H, W) float.
        targets: (N, H, W) int64.
        share: Weight of the first sample of a pair, 0 to 1.
        partner: (N,), the index of the second sample.

    Returns:
        The mixed images (N, 1, H, W), and the targets of both samples (N, 2, H, W) for
        `mixed_loss`.
    """
    partner = partner.to(images.device)
    mixed = share * images + (1 - share) * images[partner]
    return mixed, torch.stack((targets, targets[partner]), dim=1)


def mixed_loss(loss: Loss, share: float) -> Loss:
    """Return the loss of mixed images: L = share * L(z, first) + (1 - share) * L(z, second).

    For cross-entropy without class weights and void pixels this equals the cross-entropy with the
    mixed targets of the paper. The sum is also defined for losses without mixed targets.

    Args:
        loss: The loss of unmixed images.
        share: Weight of the first sample of a pair, 0 to 1.
    """

    def both(output: Any, targets: Tensor, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        first, first_terms = loss(output, targets[:, 0], progress)
        second, second_terms = loss(output, targets[:, 1], progress)
        terms = {
            name: share * value + (1 - share) * second_terms[name]
            for name, value in first_terms.items()
        }
        return share * first + (1 - share) * second, terms

    return both
