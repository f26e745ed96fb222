"""What every loss does first: check the shapes, part the void from the rest, take means."""

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID


def prepare(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Check a batch and split its targets into labels and a map of what is known.

    Args:
        logits: (N, C, H, W), float; half and bfloat16 become float32, wider types stay.
        targets: (N, H, W), int64, in 0 to C - 1 or VOID.

    Returns:
        The logits; the labels (N, H, W), int64, with 0 in place of VOID; and the map
        (N, H, W), bool, true where a pixel is not void.

    Raises:
        AreosegError: Shapes or types that do not fit, or a label that is not a class.
    """
    if logits.ndim != 4 or targets.shape != (logits.shape[0], *logits.shape[2:]):
        raise AreosegError(
            f"a loss got logits {tuple(logits.shape)} and targets {tuple(targets.shape)}: "
            "give logits (N, C, H, W) and targets (N, H, W)"
        )
    if targets.dtype != torch.int64 or not logits.is_floating_point():
        raise AreosegError(
            f"a loss got logits of {logits.dtype} and targets of {targets.dtype}: "
            "give float logits and int64 targets"
        )
    known = targets != VOID
    labels = targets.where(known, 0)
    classes = logits.shape[1]
    if ((labels < 0) | (labels >= classes)).any():
        raise AreosegError(
            f"a loss for {classes} classes got targets from {labels.min()} to {labels.max()}: "
            f"map other labels to 0 to {classes - 1}, or to {VOID} for void"
        )
    return widen(logits), labels, known


def widen(logits: Tensor) -> Tensor:
    """Turn half and bfloat16 into float32; leave float32 and float64 as they are."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def at_label(maps: Tensor, labels: Tensor) -> Tensor:
    """Read each pixel's own class: maps (N, C, H, W) and labels (N, H, W) give (N, H, W)."""
    return maps.gather(1, labels.unsqueeze(1)).squeeze(1)


def one_hot(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Write labels as (N, C, H, W) of zeros and ones like `logits`; void pixels are all zero."""
    return torch.zeros_like(logits).scatter_(1, labels.unsqueeze(1), known.unsqueeze(1).to(logits))


def pixel_weights(labels: Tensor, known: Tensor, class_weights: Tensor | None) -> Tensor:
    """Give each pixel the weight of its class, or 1 without class weights; void weighs 0.

    Returns:
        (N, H, W), float.
    """
    if class_weights is None:
        return known.float()
    return class_weights.to(labels.device)[labels] * known


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Compute sum(weights * values) / sum(weights), or 0 where the weights sum to 0."""
    total = weights.sum()
    return (values * weights).sum() / total.where(total > 0, 1)
