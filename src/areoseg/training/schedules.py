"""The learning rate over the course of training."""

import math


def cosine(progress: float, *, warmup: float) -> float:
    """Linear warm-up, then half a cosine down to zero (Loshchilov and Hutter, arXiv 1608.03983).

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Share of the training in which the rate rises.

    Returns:
        The factor of the peak learning rate, 0 to 1.
    """
    if progress < warmup:
        return progress / warmup
    after = (progress - warmup) / max(1 - warmup, 1e-12)
    return 0.5 * (1 + math.cos(math.pi * after))
