"""Jaccard loss: one minus the soft intersection over union, the score itself made smooth."""

from torch import Tensor

from areoseg.losses.overlap import mean_over_present
from areoseg.losses.overlap import soft_counts


def jaccard(logits: Tensor, targets: Tensor, *, class_weights: Tensor | None = None) -> Tensor:
    """Soft Jaccard loss over the whole batch (Rahman and Wang 2016).

        L = mean_k [ 1 - sum(p_k y_k) / (sum p_k + sum y_k - sum(p_k y_k)) ]

    over the classes k present in the batch.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.

    Returns:
        A scalar in [0, 1]. An absent class is left out; where no class counts, 0.
    """
    overlap, predicted, actual = soft_counts(logits, targets)
    union = (predicted + actual - overlap).where(actual > 0, 1)
    return mean_over_present(1 - overlap / union, actual, class_weights)
