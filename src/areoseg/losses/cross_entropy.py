"""Cross entropy: the negative log probability of the right class."""

import torch.nn.functional as F
from torch import Tensor

from areoseg.losses.pixels import pixel_weights
from areoseg.losses.pixels import prepare
from areoseg.taxonomy import VOID


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Weighted cross entropy.

        L = sum_i w_{y_i} (-log p_{i, y_i}) / sum_i w_{y_i}

    over the pixels i that are not void. Label smoothing e replaces the target by 1 - e on the
    right class plus e / C on every class (Szegedy et al. 2016, arXiv 1512.00567), with the class
    weights applied as torch applies them.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), not negative; 1 each if None.
        label_smoothing: e, in [0, 1).

    Returns:
        A scalar in [0, inf). An absent class adds nothing; where no pixel weighs anything, 0.
    """
    logits, labels, known = prepare(logits, targets)
    if class_weights is not None:
        class_weights = class_weights.to(logits)
    # The sum, not the mean, because torch's mean over no pixels is NaN.
    total = F.cross_entropy(
        logits,
        targets,
        weight=class_weights,
        ignore_index=VOID,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    weight = pixel_weights(labels, known, class_weights).sum()
    # A class of weight 0 still feels its smoothed target, so no weight means no loss at all.
    return (total / weight.where(weight > 0, 1)) * (weight > 0)
