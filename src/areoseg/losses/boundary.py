"""Boundary losses, in both senses of the word: distances from a border, and bands along it."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from areoseg.losses.distances import signed_distances
from areoseg.losses.pixels import one_hot
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def boundary(
    logits: Tensor, targets: Tensor, *, kind: Literal["distance", "edges"] = "distance"
) -> Tensor:
    """Boundary loss of either kind: `boundary_distance` or `boundary_edges`."""
    losses = {"distance": boundary_distance, "edges": boundary_edges}
    return losses[kind](logits, targets)


def boundary_distance(logits: Tensor, targets: Tensor) -> Tensor:
    """Boundary loss by signed distances (Kervadec et al. 2019, arXiv 1812.07032, equation 5).

        L = mean_{i, k} phi_ik p_ik

    over the pixels i that are not void and all classes k, with p the softmax of the logits and phi
    the `signed_distances` of the targets in pixels: probability far outside its class costs most,
    probability deep inside it pays. The loss is small near any border, so it is for adding
    to a region loss, with a weight that starts near 0.01 and grows.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.

    Returns:
        A scalar, negative or positive, at most sqrt(H^2 + W^2) in size. A class absent from an
        image, or filling it, adds nothing there; with every pixel void, 0.
    """
    logits, _, known = prepare(logits, targets)
    distances = signed_distances(targets, logits.shape[1])
    values = (distances * logits.softmax(dim=1)).mean(dim=1)
    return weighted_mean(values, known.to(logits))


def boundary_edges(logits: Tensor, targets: Tensor) -> Tensor:
    """Boundary loss over the edge band of the targets.

        L = sum_{i, k} e_ik |y_ik - p_ik| / sum_{i, k} e_ik

    with p the softmax of the logits, y the one-hot targets and e the length of the Sobel gradient
    of y: a band two pixels wide along each border. Windows that touch a void pixel have no edge.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.

    Returns:
        A scalar in [0, 1]. An absent class adds nothing; without any border, 0.
    """
    logits, labels, known = prepare(logits, targets)
    truth = one_hot(logits, labels, known)
    down, right = sobel(truth)
    edges = (down.square() + right.square()).sqrt() * clear_of_void(known).unsqueeze(1)
    return weighted_mean((truth - logits.softmax(dim=1)).abs(), edges)


def sobel(maps: Tensor, *, padding: str = "replicate") -> tuple[Tensor, Tensor]:
    """Compute the Sobel gradients of maps.

    Args:
        maps: (N, C, H, W), float.
        padding: How the maps go on beyond their rim: a mode of `torch.nn.functional.pad`.

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
    """Mark the pixels whose 3 x 3 window holds no void: (N, H, W), bool, in and out."""
    void = (~known).float().unsqueeze(1)
    return F.max_pool2d(void, kernel_size=3, stride=1, padding=1).squeeze(1) == 0
