"""Losses over regions: Dice, Jaccard, Tversky, focal Tversky and Lovász-softmax."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.losses.base import one_hot, prepare, register_loss, weighted_mean
from areoseg.utils.options import Positive, PositiveShare


@register_loss(
    "dice",
    summary="one minus the soft Dice coefficient of the batch",
    paper="Milletari et al. 2016, arXiv 1606.04797; Sudre et al. 2017, arXiv 1707.03237",
)
def dice(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    generalized: bool = False,
) -> Tensor:
    """Compute the soft Dice loss over the whole batch (Milletari et al. 2016, arXiv 1606.04797).

        L = mean_k [ 1 - 2 sum(p_k y_k) / (sum p_k + sum y_k) ]

    over the classes k present in the batch, weighted by `class_weights` if given. Because sums
    run over the batch, absent classes add no constant, so no smoothing term is needed. The
    generalized form (Sudre et al. 2017, arXiv 1707.03237) is one ratio:

        L = 1 - 2 sum_k w_k sum(p_k y_k) / sum_k w_k (sum p_k + sum y_k),   w_k = 1 / (sum y_k)^2

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), not negative; 1 each if None. They multiply w_k in the generalized
            form.
        generalized: Use the generalized form.

    Returns:
        A scalar in [0, 1]. An absent class is ignored; 0 if no class counts.
    """
    overlap, predicted, actual = soft_counts(logits, targets)
    present = actual > 0
    size = predicted + actual
    if not generalized:
        return mean_over_present(1 - 2 * overlap / size.where(present, 1), actual, class_weights)
    weights = present / actual.where(present, 1).square()
    if class_weights is not None:
        weights = weights * class_weights.to(weights)
    total = (weights * size).sum()
    # Written as a difference over the total, so that it is 0 instead of 1 if nothing counts.
    return (total - 2 * (weights * overlap).sum()) / total.where(total > 0, 1)


@register_loss(
    "jaccard",
    summary="one minus the soft intersection over union of the batch",
    paper="Rahman and Wang 2016, doi 10.1007/978-3-319-50835-1_22",
)
def jaccard(logits: Tensor, targets: Tensor, *, class_weights: Tensor | None = None) -> Tensor:
    """Compute the soft Jaccard loss over the whole batch (Rahman and Wang 2016).

        L = mean_k [ 1 - sum(p_k y_k) / (sum p_k + sum y_k - sum(p_k y_k)) ]

    over the classes k present in the batch.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.

    Returns:
        A scalar in [0, 1]. An absent class is ignored; 0 if no class counts.
    """
    overlap, predicted, actual = soft_counts(logits, targets)
    union = (predicted + actual - overlap).where(actual > 0, 1)
    return mean_over_present(1 - overlap / union, actual, class_weights)


@register_loss(
    "tversky",
    summary="Dice with separate weights for false negatives and false positives",
    paper="Salehi et al. 2017, arXiv 1706.05721",
)
def tversky(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    delta: PositiveShare = 0.7,
) -> Tensor:
    """Compute the Tversky loss over the whole batch (Salehi et al. 2017, arXiv 1706.05721).

        L = mean_k (1 - T_k),   T_k = tp_k / (tp_k + delta fn_k + (1 - delta) fp_k)

    over the classes k present in the batch, with tp = sum(p_k y_k), fn = sum y_k - tp and
    fp = sum p_k - tp. With delta 0.5 it is the Dice loss.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.
        delta: The weight of false negatives, in (0, 1]; above 0.5 it favors recall.

    Returns:
        A scalar in [0, 1]. An absent class is ignored; 0 if no class counts.
    """
    losses, actual = tversky_losses(logits, targets, delta)
    return mean_over_present(losses, actual, class_weights)


@register_loss(
    "focal-tversky",
    summary="a power of the Tversky loss of each class",
    paper="Abraham and Khan 2019, arXiv 1810.07842",
)
def focal_tversky(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    delta: PositiveShare = 0.7,
    gamma: Positive = 0.75,
) -> Tensor:
    """Compute the focal Tversky loss (Abraham and Khan 2019, arXiv 1810.07842).

        L = mean_k (1 - T_k)^gamma,   T_k as in `tversky`

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.
        delta: The weight of false negatives, in (0, 1].
        gamma: The power, > 0; below 1, classes that are nearly right keep more of their gradient.

    Returns:
        A scalar in [0, 1]. An absent class is ignored; 0 if no class counts.
    """
    losses, actual = tversky_losses(logits, targets, delta)
    # The power has no finite derivative at a loss of 0, so zeros are masked.
    imperfect = losses > 0
    powers = losses.where(imperfect, 1).pow(gamma) * imperfect
    return mean_over_present(powers, actual, class_weights)


def tversky_losses(logits: Tensor, targets: Tensor, delta: float) -> tuple[Tensor, Tensor]:
    """Compute 1 - T_k, valid for classes present, and the pixels of each class, both (C,)."""
    overlap, predicted, actual = soft_counts(logits, targets)
    total = overlap + delta * (actual - overlap) + (1 - delta) * (predicted - overlap)
    return 1 - overlap / total.where(actual > 0, 1), actual


@register_loss(
    "lovasz",
    summary="a piecewise linear surrogate of the Jaccard loss of hard predictions",
    paper="Berman et al. 2018, arXiv 1705.08790",
)
def lovasz_softmax(
    logits: Tensor, targets: Tensor, *, class_weights: Tensor | None = None
) -> Tensor:
    """Compute the Lovász-softmax loss over the whole batch (Berman et al. 2018, arXiv 1705.08790).

    For a class k, sort the errors m_i = |y_ik - p_ik| of the pixels that are not void, largest
    first. Let J_i be the Jaccard loss of class k if exactly the first i pixels were wrong:

        L = mean_k sum_i m_(i) (J_i - J_{i-1}),
        J_i = 1 - (n - cum_i y) / (n + cum_i (1 - y)),   n = sum y,   J_0 = 0

    over the classes k present in the batch. Its value depends on the batch: the mean
    over batches of single images differs from the value of one batch with all of them. The authors
    train with it after, or together with, cross entropy.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.

    Returns:
        A scalar in [0, 1]. An absent class is ignored; 0 if no class counts.
    """
    logits, labels, known = prepare(logits, targets)
    probabilities = logits.softmax(dim=1).transpose(0, 1).flatten(1)  # (C, pixels)
    classes = torch.arange(len(probabilities), device=logits.device)
    truth = (labels.flatten() == classes.unsqueeze(1)) & known.flatten()
    errors = torch.where(truth, 1 - probabilities, probabilities)
    # The order is constant almost everywhere, so the gradient is the weights.
    weights = lovasz_weights(errors.detach().where(known.flatten(), -1), truth)
    return mean_over_present((errors * weights).sum(dim=1), truth.sum(dim=1), class_weights)


def lovasz_weights(errors: Tensor, truth: Tensor) -> Tensor:
    """Compute the weight J_i - J_{i-1} of each pixel, i its rank by error.

    Args:
        errors: (C, P), not negative; void pixels are -1.
        truth: (C, P) bool, true where a pixel is of the class.

    Returns:
        (C, P), not negative; 0 for void pixels and for classes without a pixel.
    """
    if errors.device.type != "cpu" or errors.dtype != torch.float32:
        order = errors.argsort(dim=1, descending=True)
        steps = jaccard_steps(truth.gather(1, order))
        return torch.empty_like(errors).scatter_(1, order, steps.to(errors))
    weights = torch.zeros_like(errors)
    rows = zip(weights.numpy(), errors.numpy(), truth.numpy(), strict=True)
    for row_weights, row_errors, row_truth in rows:
        if row_truth.any():
            ranked = _relevant_descending(row_errors, row_truth)
            row_weights[ranked] = jaccard_steps(torch.from_numpy(row_truth[ranked])).numpy()
    return weights


def _relevant_descending(
    errors: NDArray[np.float32], truth: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the indices of all pixels whose weight is not 0, by descending error.

    Once all pixels of the class are wrong, J is 1 and does not change. Therefore smaller errors
    than theirs are not sorted. Error and index are sorted as one integer, which takes a third of
    the time of `argsort`: the bits of floats that are not negative are ordered like the floats.

    Args:
        errors: (P,), not negative; void pixels are -1.
        truth: (P,), with at least one true value.
    """
    index = np.flatnonzero(errors >= errors[truth].min())
    keys = errors[index].view(np.int32).astype(np.int64)
    keys <<= 32
    keys |= index
    keys.sort()
    return keys[::-1] & 0xFFFFFFFF


def jaccard_steps(truth: Tensor) -> Tensor:
    """Compute J_i - J_{i-1} along the last axis.

    With a pixels of the class and b others among the first i, J_i = 1 - (n - a) / (n + b). The
    difference is 1 / (n + b) at a pixel of the class, and (n - a) / ((n + b - 1) (n + b)) at
    another. Unlike a subtraction this does not cancel.

    Args:
        truth: (..., P) bool, true where a pixel is of the class, sorted by descending error.

    Returns:
        (..., P), float32, not negative. Rows sum to 1, except rows without a pixel of the class,
        which are 0.
    """
    done = truth.cumsum(dim=-1, dtype=torch.int32)
    left = done[..., -1:] - done  # n - a
    union = left + torch.arange(1, truth.shape[-1] + 1, device=truth.device, dtype=torch.int32)
    return torch.where(truth, 1.0, left / (union - 1).clamp(min=1)) / union


def soft_counts(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count the soft pixels of each class over the whole batch, without void.

    With p the softmax of the logits and y the one-hot targets:

        overlap_k = sum p_k y_k     predicted_k = sum p_k     actual_k = sum y_k

    Returns:
        Overlap, predicted and actual, each (C,), float. A class is present where actual > 0.
    """
    logits, labels, known = prepare(logits, targets)
    probabilities = logits.softmax(dim=1) * known.unsqueeze(1)
    truth = one_hot(logits, labels, known)
    pixels = (0, 2, 3)
    return (probabilities * truth).sum(pixels), probabilities.sum(pixels), truth.sum(pixels)


def mean_over_present(losses: Tensor, actual: Tensor, class_weights: Tensor | None) -> Tensor:
    """Average per-class losses (C,) over the classes with actual > 0, optionally weighted.

    Returns:
        A scalar; 0 if no class is present.
    """
    weights = (actual > 0).to(losses)
    if class_weights is not None:
        weights = weights * class_weights.to(losses)
    return weighted_mean(losses, weights)
