"""Cross entropy that counts the pixels near a border between classes for more."""

import torch
from torch import Tensor

from areoseg.losses.distances import class_distances
from areoseg.losses.distances import distance_to_another_class
from areoseg.losses.pixels import at_label
from areoseg.losses.pixels import pixel_weights
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def edge_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    strength: float = 5.0,
    sigma: float = 2.0,
) -> Tensor:
    """Edge-weighted cross entropy, after U-Net (Ronneberger et al. 2015, arXiv 1505.04597).

        L = sum_i v_i (-log p_{i, y_i}) / sum_i v_i
        v_i = w_{y_i} (1 + strength exp(-d_i^2 / (2 sigma^2)))

    over the pixels i that are not void, with d_i the distance in pixels to the nearest pixel of
    another class. U-Net adds its border map to the class weight, measures to the two nearest cells,
    and has strength 10 and sigma 5 for images of 512 pixels. Terrain has no cells to keep apart,
    and here a class of weight 0 counts for nothing at its border too.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        class_weights: (C,), w, not negative; 1 each if None.
        strength: How much more a border counts, >= 0.
        sigma: Width of the border, in pixels, > 0.

    Returns:
        A scalar in [0, inf). In an image of one class every pixel counts 1. An absent class adds
        nothing; where no pixel weighs anything, 0.
    """
    logits, labels, known = prepare(logits, targets)
    distances = distance_to_another_class(class_distances(targets, logits.shape[1])).squeeze(1)
    edges = 1 + strength * torch.exp(-distances.square() / (2 * sigma**2))
    values = -at_label(logits.log_softmax(dim=1), labels)
    return weighted_mean(values, pixel_weights(labels, known, class_weights) * edges)
