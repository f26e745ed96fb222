"""Focal loss: cross entropy that turns away from pixels already right."""

from collections.abc import Sequence

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.pixels import at_label
from areoseg.losses.pixels import pixel_weights
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def focal(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    gamma: float = 2.0,
    alpha: Sequence[float] | None = None,
) -> Tensor:
    """Multi-class focal loss (Lin et al. 2017, arXiv 1708.02002, equation 5).

        L = sum_i a_{y_i} (1 - p_i)^gamma (-log p_i) / sum_i a_{y_i},   p_i = p_{i, y_i}

    over the pixels i that are not void. With gamma 0 it is `cross_entropy`.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), the paper's alpha for each class, not negative; 1 each if None.
        gamma: How fast a pixel loses its say as it is learned, >= 0.
        alpha: C numbers that take the place of `class_weights`; None: those.

    Returns:
        A scalar in [0, inf). An absent class adds nothing; where no pixel weighs anything, 0.

    Raises:
        AreosegError: alpha has another length than the classes.
    """
    logits, labels, known = prepare(logits, targets)
    if alpha is not None:
        if len(alpha) != logits.shape[1]:
            raise AreosegError(
                f"alpha has {len(alpha)} numbers for {logits.shape[1]} classes: give one a class"
            )
        class_weights = logits.new_tensor(alpha)
    values = focal_map(logits, labels, gamma)
    return weighted_mean(values, pixel_weights(labels, known, class_weights))


def focal_map(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Compute (1 - p)^gamma (-log p) pixel by pixel, p the probability of the label: (N, H, W)."""
    log_probability = at_label(logits.log_softmax(dim=1), labels)
    # With gamma < 1 the power has no slope at 0, so a sure pixel is held just above it.
    doubt = (-torch.expm1(log_probability)).clamp(min=torch.finfo(logits.dtype).eps)
    return doubt.pow(gamma) * -log_probability
