"""Cross entropy over the hardest pixels only."""

import math

import torch
from torch import Tensor

from areoseg.losses.pixels import at_label
from areoseg.losses.pixels import pixel_weights
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def ohem_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    threshold: float = 0.7,
    least_kept: float = 0.1,
) -> Tensor:
    """Online hard example mining (Shrivastava et al. 2016, arXiv 1604.03540), pixel by pixel.

    Kept are the pixels whose right class has a probability of at most `threshold`, and in any case
    the hardest `least_kept` of all pixels that are not void. The loss is the weighted cross entropy
    over the kept pixels. Which pixels are kept does not depend on the class weights.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), not negative; 1 each if None.
        threshold: A probability in [0, 1]; 1 keeps every pixel.
        least_kept: A share of the pixels, in (0, 1].

    Returns:
        A scalar in [0, inf). An absent class adds nothing; where no pixel weighs anything, 0.
    """
    logits, labels, known = prepare(logits, targets)
    log_probability = at_label(logits.log_softmax(dim=1), labels)
    kept = known & hardest(log_probability.detach().exp(), known, threshold, least_kept)
    return weighted_mean(-log_probability, pixel_weights(labels, kept, class_weights))


def hardest(probability: Tensor, known: Tensor, threshold: float, least_kept: float) -> Tensor:
    """Mark the pixels of low probability: at most `threshold`, and at least a share of them all.

    Args:
        probability: (N, H, W), of the right class.
        known: (N, H, W), bool; only these pixels compete.
        threshold: A probability in [0, 1].
        least_kept: A share of the known pixels, in (0, 1].

    Returns:
        (N, H, W), bool.
    """
    candidates = probability[known]
    if candidates.numel() == 0:
        return torch.zeros_like(known)
    count = math.ceil(least_kept * candidates.numel())
    return probability <= candidates.kthvalue(count).values.clamp(min=threshold)
