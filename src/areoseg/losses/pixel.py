"""Losses over pixels: cross entropy, focal, OHEM and the background penalty."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.base import at_label, pixel_weights, prepare, register_loss, weighted_mean
from areoseg.taxonomy import VOID
from areoseg.utils.options import Decay, NonNegative, PositiveShare, Share


@register_loss(
    "ce",
    summary="cross entropy",
    paper="Szegedy et al. 2016, arXiv 1512.00567 (label smoothing)",
    class_weighted=True,
)
def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: Decay = 0.0,
) -> Tensor:
    """Compute the weighted cross entropy.

        L = sum_i w_{y_i} (-log p_{i, y_i}) / sum_i w_{y_i}

    over the pixels i that are not void. Label smoothing e replaces the target by 1 - e on the
    right class plus e / C on every class (Szegedy et al. 2016, arXiv 1512.00567), with the class
    weights applied as torch applies them.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), not negative; 1 each if None.
        label_smoothing: e, in [0, 1).

    Returns:
        A scalar in [0, inf). An absent class adds nothing; 0 if no pixel has a weight.
    """
    logits, labels, known = prepare(logits, targets)
    if class_weights is not None:
        class_weights = class_weights.to(logits)
    # Sum instead of mean, because torch's mean over no pixels is NaN.
    total = F.cross_entropy(
        logits,
        targets,
        weight=class_weights,
        ignore_index=VOID,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    weight = pixel_weights(labels, known, class_weights).sum()
    # A class of weight 0 still has a smoothed target, so without any weight there is no loss.
    return (total / weight.where(weight > 0, 1)) * (weight > 0)


@register_loss(
    "focal",
    summary="cross entropy that down-weights pixels already classified well",
    paper="Lin et al. 2017, arXiv 1708.02002",
    class_weighted=True,
)
def focal(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    gamma: NonNegative = 2.0,
    alpha: tuple[NonNegative, ...] | None = None,
) -> Tensor:
    """Compute the multi-class focal loss (Lin et al. 2017, arXiv 1708.02002, equation 5).

        L = sum_i a_{y_i} (1 - p_i)^gamma (-log p_i) / sum_i a_{y_i},   p_i = p_{i, y_i}

    over the pixels i that are not void. With gamma 0 it is `cross_entropy`.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), the paper's alpha for each class, not negative; 1 each if None.
        gamma: How strongly well-classified pixels are down-weighted, >= 0.
        alpha: Weights of the C classes that replace `class_weights`; none: `class_weights`.

    Returns:
        A scalar in [0, inf). An absent class adds nothing; 0 if no pixel has a weight.

    Raises:
        AreosegError: `alpha` does not have one number per class.
    """
    logits, labels, known = prepare(logits, targets)
    if alpha is not None:
        if len(alpha) != logits.shape[1]:
            raise AreosegError(
                f"alpha has {len(alpha)} numbers for {logits.shape[1]} classes: give one per class"
            )
        class_weights = logits.new_tensor(alpha)
    values = focal_map(logits, labels, gamma)
    return weighted_mean(values, pixel_weights(labels, known, class_weights))


def focal_map(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Compute (1 - p)^gamma (-log p) of each pixel, p the probability of its label: (N, H, W)."""
    log_probability = at_label(logits.log_softmax(dim=1), labels)
    # With gamma < 1 the power has no derivative at 0, so errors are held just above it.
    error = (-torch.expm1(log_probability)).clamp(min=torch.finfo(logits.dtype).eps)
    return error.pow(gamma) * -log_probability


@register_loss(
    "ohem",
    summary="cross entropy over the hardest pixels only (OHEM)",
    paper="Shrivastava et al. 2016, arXiv 1604.03540",
    class_weighted=True,
)
def ohem_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    threshold: Share = 0.7,
    min_kept: PositiveShare = 0.1,
) -> Tensor:
    """Online hard example mining (Shrivastava et al. 2016, arXiv 1604.03540), pixel by pixel.

    Pixels whose true class has a probability of at most `threshold` are kept, and at least the
    hardest fraction `min_kept` of all pixels that are not void. The loss is the weighted cross
    entropy over the kept pixels. Class weights do not affect which pixels are kept.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), not negative; 1 each if None.
        threshold: A probability in [0, 1]; 1 keeps every pixel.
        min_kept: The minimum fraction of pixels that are kept, in (0, 1].

    Returns:
        A scalar in [0, inf). An absent class adds nothing; 0 if no pixel has a weight.
    """
    logits, labels, known = prepare(logits, targets)
    log_probability = at_label(logits.log_softmax(dim=1), labels)
    kept = known & hardest(log_probability.detach().exp(), known, threshold, min_kept)
    return weighted_mean(-log_probability, pixel_weights(labels, kept, class_weights))


def hardest(probability: Tensor, known: Tensor, threshold: float, min_kept: float) -> Tensor:
    """Mark the pixels of low probability: those up to `threshold`, and at least a given fraction.

    Args:
        probability: (N, H, W), of the true class.
        known: (N, H, W), bool; only these pixels are considered.
        threshold: A probability in [0, 1].
        min_kept: A fraction of the known pixels, in (0, 1].

    Returns:
        (N, H, W), bool.
    """
    candidates = probability[known]
    if candidates.numel() == 0:
        return torch.zeros_like(known)
    count = math.ceil(min_kept * candidates.numel())
    return probability <= candidates.kthvalue(count).values.clamp(min=threshold)


@register_loss(
    "background",
    summary="a penalty on confusing background with terrain, either way",
    paper="The Backpropagators 2024, AN2DL homework 2, section 2.3",
)
def background_penalty(logits: Tensor, targets: Tensor, *, background: int = 0) -> Tensor:
    """Compute the binary cross entropy of background against all terrain.

        L = mean_i [ -b_i log p_{i,bg} - (1 - b_i) log(1 - p_{i,bg}) ],   b_i = [y_i = bg]

    over the pixels i that are not void. Confusing two kinds of terrain costs nothing here. The log
    odds of background against the rest are z_bg - logsumexp(z_terrain), so the loss is exact
    where p_bg is 0 or 1 in floating point.

    Args:
        logits: (N, C, H, W), float, C >= 2.
        targets: (N, H, W), int64; VOID is ignored.
        background: The class index of background.

    Returns:
        A scalar in [0, inf). With only background or only terrain pixels, one half of the formula
        remains; 0 if every pixel is void.

    Raises:
        AreosegError: There is no class `background`, or no other class.
    """
    logits, labels, known = prepare(logits, targets)
    classes = logits.shape[1]
    if not 0 <= background < classes or classes < 2:
        raise AreosegError(
            f"the background penalty got background {background} and {classes} classes: give two "
            "classes or more, and background as the index of one"
        )
    terrain = [index for index in range(classes) if index != background]
    log_odds = logits[:, background] - logits[:, terrain].logsumexp(dim=1)
    truth = (labels == background).to(logits)
    values = F.binary_cross_entropy_with_logits(log_odds, truth, reduction="none")
    return weighted_mean(values, known.to(logits))
