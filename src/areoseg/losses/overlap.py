"""Soft true positives, counted class by class: the ground of Dice, Jaccard and Tversky."""

from torch import Tensor

from areoseg.losses.pixels import one_hot
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def soft_counts(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count pixels a class over the whole batch, void left out.

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
    """Average per-class losses (C,) over the classes with actual > 0, weighted if asked.

    Returns:
        A scalar; 0 if no class is present.
    """
    weights = (actual > 0).to(losses)
    if class_weights is not None:
        weights = weights * class_weights.to(losses)
    return weighted_mean(losses, weights)
