"""Tversky loss, which prices misses and false alarms apart, and its focal form."""

from torch import Tensor

from areoseg.losses.overlap import mean_over_present
from areoseg.losses.overlap import soft_counts


def tversky(
    logits: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, delta: float = 0.7
) -> Tensor:
    """Tversky loss over the whole batch (Salehi et al. 2017, arXiv 1706.05721).

        L = mean_k (1 - T_k),   T_k = hit_k / (hit_k + delta miss_k + (1 - delta) alarm_k)

    over the classes k present in the batch, with hit = sum(p_k y_k), miss = sum y_k - hit and
    alarm = sum p_k - hit. With delta 0.5 it is the Dice loss.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.
        delta: The price of a miss, in (0, 1]; above 0.5 it favors recall.

    Returns:
        A scalar in [0, 1]. An absent class is left out; where no class counts, 0.
    """
    losses, actual = tversky_losses(logits, targets, delta)
    return mean_over_present(losses, actual, class_weights)


def focal_tversky(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    delta: float = 0.7,
    gamma: float = 0.75,
) -> Tensor:
    """Focal Tversky loss (Abraham and Khan 2019, arXiv 1810.07842).

        L = mean_k (1 - T_k)^gamma,   T_k as in `tversky`

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), weights of the mean over classes, not negative; 1 each if None.
        delta: The price of a miss, in (0, 1].
        gamma: Greater than 0; below 1, classes that are nearly right keep more of their gradient.

    Returns:
        A scalar in [0, 1]. An absent class is left out; where no class counts, 0.
    """
    losses, actual = tversky_losses(logits, targets, delta)
    # A perfect class has no slope to take the power of: step around it.
    imperfect = losses > 0
    powers = losses.where(imperfect, 1).pow(gamma) * imperfect
    return mean_over_present(powers, actual, class_weights)


def tversky_losses(logits: Tensor, targets: Tensor, delta: float) -> tuple[Tensor, Tensor]:
    """Compute 1 - T_k and the pixels of each class, both (C,); 1 - T_k means nothing if absent."""
    hit, predicted, actual = soft_counts(logits, targets)
    total = hit + delta * (actual - hit) + (1 - delta) * (predicted - hit)
    return 1 - hit / total.where(actual > 0, 1), actual
