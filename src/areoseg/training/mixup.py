"""Mixup: train on weighted sums of two samples, and of their losses."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from areoseg.training.step import Loss


def draw_mixture(batch_size: int, alpha: float) -> tuple[float, Tensor]:
    """The share of the first sample in each pair, and the second sample of each.

    Args:
        batch_size: Samples of the batch, N.
        alpha: Both parameters of the Beta distribution that the share is drawn from; above 0. Small
            values leave one of the two nearly alone, 1 makes every share as likely.

    Returns:
        The share, 0 to 1, one for the batch; and a permutation (N,) of its samples. Both follow
        from the seed of PyTorch's own generator.
    """
    # NumPy's Beta, because that of PyTorch answers 1/2 where a small alpha underflows.
    seed = int(torch.randint(2**63 - 1, ()))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    return share, torch.randperm(batch_size)


def mix_batch(
    images: Tensor, targets: Tensor, share: float, partner: Tensor
) -> tuple[Tensor, Tensor]:
    """Mix each sample of a batch with another (Zhang et al. 2017, arXiv 1710.09412).

    Args:
        images: (N, 1, H, W) float.
        targets: (N, H, W) int64.
        share: What the first sample of a pair counts for, 0 to 1.
        partner: (N,), which sample is the second.

    Returns:
        The mixed images (N, 1, H, W), and the targets of both samples (N, 2, H, W), which
        `mixed_loss` takes.
    """
    partner = partner.to(images.device)
    mixed = share * images + (1 - share) * images[partner]
    return mixed, torch.stack((targets, targets[partner]), dim=1)


def mixed_loss(loss: Loss, share: float) -> Loss:
    """The loss of mixed images: L = share * L(logits, first) + (1 - share) * L(logits, second).

    For cross-entropy without class weights, where no pixel is void, this is cross-entropy with the
    mixed targets of the paper. Other losses know no such targets; the sum is defined for all.

    Args:
        loss: The loss of images that are not mixed.
        share: What the first sample of a pair counts for, 0 to 1.
    """

    def both(answer: Any, targets: Tensor, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        first, first_terms = loss(answer, targets[:, 0], progress)
        second, second_terms = loss(answer, targets[:, 1], progress)
        terms = {
            name: share * value + (1 - share) * second_terms[name]
            for name, value in first_terms.items()
        }
        return share * first + (1 - share) * second, terms

    return both
