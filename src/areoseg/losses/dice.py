"""Dice loss: one minus the soft Dice coefficient."""

from torch import Tensor

from areoseg.losses.overlap import mean_over_present
from areoseg.losses.overlap import soft_counts


def dice(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    generalized: bool = False,
) -> Tensor:
    """Soft Dice loss over the whole batch (Milletari et al. 2016, arXiv 1606.04797).

        L = mean_k [ 1 - 2 sum(p_k y_k) / (sum p_k + sum y_k) ]

    over the classes k present in the batch, weighted by `class_weights` if given. Counting over the
    batch and not image by image keeps absent classes from adding a constant, and so no smoothing
    term is needed. The generalized form (Sudre et al. 2017, arXiv 1707.03237) is one ratio:

        L = 1 - 2 sum_k w_k sum(p_k y_k) / sum_k w_k (sum p_k + sum y_k),   w_k = 1 / (sum y_k)^2

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), not negative; 1 each if None. They multiply w_k in the generalized
            form.
        generalized: Whether to take the generalized form.

    Returns:
        A scalar in [0, 1]. An absent class is left out; where no class counts, 0.
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
    # Written as a difference over the total, so that nothing to count gives 0 and not 1.
    return (total - 2 * (weights * overlap).sum()) / total.where(total > 0, 1)
