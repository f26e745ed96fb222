"""Boundary losses, edge-weighted cross entropy, and the distances and edges that they use.

Distances are exact Euclidean distance transforms in pixels, by scipy on the CPU. Void pixels belong
to no class: distances are measured across them.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from areoseg.losses.base import (
    at_label,
    one_hot,
    pixel_weights,
    prepare,
    register_loss,
    weighted_mean,
)
from areoseg.utils.options import NonNegative, Positive


@register_loss(
    "boundary",
    summary="probability weighted by its distance from the border, or errors along the border",
    paper="Kervadec et al. 2019, arXiv 1812.07032 (distance); The Backpropagators 2024 (edges)",
)
def boundary(
    logits: Tensor, targets: Tensor, *, kind: Literal["distance", "edges"] = "distance"
) -> Tensor:
    """Compute either boundary loss: `boundary_distance` or `boundary_edges`.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        kind: Weight probabilities by their distance from the border, or errors by the edges.
    """
    losses = {"distance": boundary_distance, "edges": boundary_edges}
    return losses[kind](logits, targets)


def boundary_distance(logits: Tensor, targets: Tensor) -> Tensor:
    """Compute the boundary loss of signed distances (Kervadec et al. 2019, equation 5).

        L = mean_{i, k} phi_ik p_ik

    over the pixels i that are not void and all classes k, with p the softmax of the logits and phi
    the `signed_distances` of the targets in pixels: probability far outside its class costs most,
    and probability deep inside it lowers the loss. The loss is small near any border, so add it to
    a region loss, with a weight that starts near 0.01 and grows.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.

    Returns:
        A scalar, negative or positive, at most sqrt(H^2 + W^2) in size. A class absent from an
        image, or filling it, adds nothing there; 0 if every pixel is void.
    """
    logits, _, known = prepare(logits, targets)
    distances = signed_distances(targets, logits.shape[1])
    values = (distances * logits.softmax(dim=1)).mean(dim=1)
    return weighted_mean(values, known.to(logits))


def boundary_edges(logits: Tensor, targets: Tensor) -> Tensor:
    """Compute the boundary loss over the edge band of the targets.

        L = sum_{i, k} e_ik |y_ik - p_ik| / sum_{i, k} e_ik

    with p the softmax of the logits, y the one-hot targets and e the length of the Sobel gradient
    of y: a band two pixels wide along each border. Windows that touch a void pixel have no edge.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.

    Returns:
        A scalar in [0, 1]. An absent class adds nothing; 0 if there is no border.
    """
    logits, labels, known = prepare(logits, targets)
    truth = one_hot(logits, labels, known)
    down, right = sobel(truth)
    edges = (down.square() + right.square()).sqrt() * clear_of_void(known).unsqueeze(1)
    return weighted_mean((truth - logits.softmax(dim=1)).abs(), edges)


@register_loss(
    "edge-ce",
    summary="cross entropy that weights pixels near a border higher",
    paper="Ronneberger et al. 2015, arXiv 1505.04597",
    class_weighted=True,
)
def edge_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    strength: NonNegative = 5.0,
    sigma: Positive = 2.0,
) -> Tensor:
    """Edge-weighted cross entropy, after U-Net (Ronneberger et al. 2015, arXiv 1505.04597).

        L = sum_i v_i (-log p_{i, y_i}) / sum_i v_i
        v_i = w_{y_i} (1 + strength exp(-d_i^2 / (2 sigma^2)))

    over the pixels i that are not void, with d_i the distance in pixels to the nearest pixel of
    another class. U-Net adds its border map to the class weight, measures the distance to the two
    nearest cells, and uses strength 10 and sigma 5 for images of 512 pixels. Terrain has no cells
    to keep apart, and here a class of weight 0 has no weight at its border either.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        class_weights: (C,), w, not negative; 1 each if None.
        strength: The extra weight at a border, >= 0.
        sigma: The width of the border in pixels, > 0.

    Returns:
        A scalar in [0, inf). In an image of one class every pixel has the factor 1. An absent class
        adds nothing; 0 if no pixel has a weight.
    """
    logits, labels, known = prepare(logits, targets)
    distances = distance_to_another_class(class_distances(targets, logits.shape[1])).squeeze(1)
    edges = 1 + strength * torch.exp(-distances.square() / (2 * sigma**2))
    values = -at_label(logits.log_softmax(dim=1), labels)
    return weighted_mean(values, pixel_weights(labels, known, class_weights) * edges)


def sobel(maps: Tensor, *, padding: str = "replicate") -> tuple[Tensor, Tensor]:
    """Compute the Sobel gradients of maps.

    Args:
        maps: (N, C, H, W), float.
        padding: A mode of `torch.nn.functional.pad`.

    Returns:
        The gradients downwards and to the right, each (N, C, H, W), in [-4, 4] for maps in [0, 1].
    """
    padded = F.pad(maps, (1, 1, 1, 1), mode=padding)
    across = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    down = across[..., 2:, :] - across[..., :-2, :]
    along = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    right = along[..., 2:] - along[..., :-2]
    return down, right


def clear_of_void(known: Tensor) -> Tensor:
    """Mark the pixels whose 3 x 3 window has no void: (N, H, W), bool, in and out."""
    void = (~known).float().unsqueeze(1)
    return F.max_pool2d(void, kernel_size=3, stride=1, padding=1).squeeze(1) == 0


def class_distances(targets: Tensor, classes: int) -> Tensor:
    """Compute the distance of each pixel to the nearest pixel of each class.

    Args:
        targets: (N, H, W), int64, in 0 to classes - 1 or VOID.
        classes: C.

    Returns:
        (N, C, H, W), float32, in pixels, on the device of `targets`: 0 at pixels of the class,
        infinite if an image has none.
    """
    masks = targets.cpu().numpy()
    maps = np.full((len(masks), classes, *masks.shape[1:]), np.inf, dtype=np.float32)
    for image, mask in enumerate(masks):
        for label in range(classes):
            outside = mask != label
            if not outside.all():
                maps[image, label] = distance_transform_edt(outside)
    return torch.from_numpy(maps).to(targets.device)


def distance_to_another_class(distances: Tensor) -> Tensor:
    """Compute the distance of each pixel to the nearest pixel of another class.

    Args:
        distances: (N, C, H, W), from `class_distances`.

    Returns:
        (N, 1, H, W), float32, in pixels, at least 1; infinite if an image has only one class.
        At void pixels it is the distance to the nearest pixel of any class.
    """
    return distances.where(distances > 0, torch.inf).amin(dim=1, keepdim=True)


def signed_distances(targets: Tensor, classes: int) -> Tensor:
    """Compute the signed distance of each pixel to each class, as in the boundary loss.

    Outside class k the value is the distance to the nearest pixel of k. Inside it is 1 minus the
    distance to the nearest pixel of another class: 0 along the border, negative further in. An
    image without class k, or with only class k, has no border, and its map of k is 0.

    Args:
        targets: (N, H, W), int64, in 0 to classes - 1 or VOID.
        classes: C.

    Returns:
        (N, C, H, W), float32, in pixels, on the device of `targets`; undefined at void pixels.
    """
    outside = class_distances(targets, classes)
    inside = 1 - distance_to_another_class(outside)
    maps = outside.where(outside > 0, inside)
    return maps.where(maps.isfinite(), 0)
