"""How far each pixel is from each class, in pixels, by exact Euclidean distance transforms.

They run in scipy on the CPU. Void pixels belong to no class: distances are measured across them.
"""

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor


def class_distances(targets: Tensor, classes: int) -> Tensor:
    """Map each pixel's distance to the nearest pixel of each class.

    Args:
        targets: (N, H, W), int64, in 0 to classes - 1 or VOID.
        classes: C.

    Returns:
        (N, C, H, W), float32, in pixels: 0 at pixels of the class, infinite where an image has
        none. On the device of `targets`.
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
    """Map each pixel's distance to the nearest pixel of any class but its own.

    Args:
        distances: (N, C, H, W), from `class_distances`.

    Returns:
        (N, 1, H, W), float32, in pixels, at least 1; infinite where an image shows one class only.
        At void pixels it is the distance to the nearest pixel of any class.
    """
    return distances.where(distances > 0, torch.inf).amin(dim=1, keepdim=True)


def signed_distances(targets: Tensor, classes: int) -> Tensor:
    """Map each pixel's signed distance to each class, as the boundary loss wants it.

    Outside class k the value is the distance to the nearest pixel of k. Inside it is 1 minus the
    distance to the nearest pixel of another class: 0 along the border, negative further in. An
    image without class k, or with nothing but k, has no border, and its map of k is 0.

    Args:
        targets: (N, H, W), int64, in 0 to classes - 1 or VOID.
        classes: C.

    Returns:
        (N, C, H, W), float32, in pixels, on the device of `targets`. What it says of void pixels
        means nothing.
    """
    outside = class_distances(targets, classes)
    inside = 1 - distance_to_another_class(outside)
    maps = outside.where(outside > 0, inside)
    return maps.where(maps.isfinite(), 0)
