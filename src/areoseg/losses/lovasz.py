"""Lovász-softmax: a piecewise linear loss that equals the Jaccard loss on hard predictions."""

import numpy as np
import torch
from torch import Tensor

from areoseg.losses.overlap import mean_over_present
from areoseg.losses.pixels import prepare


def lovasz_softmax(
    logits: Tensor, targets: Tensor, *, class_weights: Tensor | None = None
) -> Tensor:
    """Lovász-softmax over the whole batch (Berman et al. 2018, arXiv 1705.08790).

    For a class k, sort the errors m_i = |y_ik - p_ik| of the pixels that are not void, largest
    first. Let J_i be the Jaccard loss of class k if exactly the first i pixels were wrong:

        L = mean_k sum_i m_(i) (J_i - J_{i-1}),
        J_i = 1 - (n - cum_i y) / (n + cum_i (1 - y)),   n = sum y,   J_0 = 0

    over the classes k present in the batch. Its value depends on the batch: a batch of one image
    asks for another thing than a batch of many. The authors train with it after, or together with,
    cross entropy.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.

    Returns:
        A scalar in [0, 1]. An absent class is left out; where no class counts, 0.
    """
    logits, labels, known = prepare(logits, targets)
    probabilities = logits.softmax(dim=1).movedim(1, -1)[known].T  # (C, known pixels)
    classes = torch.arange(logits.shape[1], device=logits.device)
    truth = (labels[known] == classes.unsqueeze(1)).to(logits)
    errors = (truth - probabilities).abs()
    actual = truth.sum(dim=1)
    present = actual > 0
    losses = torch.zeros_like(actual)
    losses[present] = _lovasz_extension(errors[present], truth[present])
    return mean_over_present(losses, actual, class_weights)


def _lovasz_extension(errors: Tensor, truth: Tensor) -> Tensor:
    """Sum each row of errors (C, P), weighted by the steps of the Jaccard loss; (C,).

    The order is constant almost everywhere, so the gradient is the weights.
    """
    with torch.no_grad():
        order = _descending(errors)
        steps = jaccard_steps(truth.gather(1, order))
        weights = torch.empty_like(steps).scatter_(1, order, steps)
    return (errors * weights).sum(dim=1)


def _descending(values: Tensor) -> Tensor:
    """Indices that sort the last axis, largest first."""
    if values.device.type == "cpu":  # NumPy's sort is five times as fast as PyTorch's there
        return torch.from_numpy(np.argsort(-values.numpy(), axis=1))
    return values.argsort(dim=1, descending=True)


def jaccard_steps(truth: Tensor) -> Tensor:
    """Compute J_i - J_{i-1} along the last axis.

    Args:
        truth: (C, P), ones where a pixel is of the class, in the order in which they go wrong.

    Returns:
        (C, P), float, not negative. Rows sum to 1; a row of zeros means nothing.
    """
    left = truth.sum(dim=1, keepdim=True) - truth.cumsum(dim=1)
    union = truth.sum(dim=1, keepdim=True) + (1 - truth).cumsum(dim=1)
    losses = 1 - left / union
    return losses.diff(dim=1, prepend=torch.zeros_like(losses[:, :1]))
