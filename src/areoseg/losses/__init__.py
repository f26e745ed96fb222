"""Losses, their registry, and their weighted sum.

A loss over pixels is a weighted mean over the pixels that are not void; a loss over regions (Dice,
Jaccard, Tversky, Lovász) is a weighted mean over the classes present in the batch. If nothing
counts, for example because every pixel is void, a loss and its gradient are exactly 0.

A new loss is a function decorated with `register_loss`; its keyword-only parameters are its
options.
"""

from areoseg.losses import boundary as boundary
from areoseg.losses import pixel as pixel
from areoseg.losses import region as region
from areoseg.losses.base import LOSSES, LossOptions, register_loss
from areoseg.losses.combined import LOSS_PRESETS, CombinedLoss, LossTerms, build_loss, parse_loss

__all__ = [
    "LOSSES",
    "LOSS_PRESETS",
    "CombinedLoss",
    "LossOptions",
    "LossTerms",
    "build_loss",
    "parse_loss",
    "register_loss",
]
