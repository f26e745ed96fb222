"""Which unlabeled pixels certainly do not show ground, derived from the masks alone.

AI4Mars leaves the rover, the sky and everything beyond 30 m unlabeled, but also small gaps of
ground that nobody labeled. A model that learns what is not ground must not learn the gaps.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MIN_WIDTH = 13
"""Width in pixels from which an unlabeled region at the edge of an image is not ground."""

MARGIN = 2
"""Width in pixels of the uncertain strip beside labeled ground."""


def find_not_ground(unlabeled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels are certainly not ground.

    These are the rows from the top that are wholly unlabeled (the sky and distant terrain), and the
    unlabeled regions that are at least `MIN_WIDTH` pixels wide everywhere and reach the edge of the
    image (the rover). Narrower regions, such as the unlabeled border of AI4Mars frames, gaps
    between labels, and a margin beside labels stay unknown.

    Args:
        unlabeled: (H, W) bool, pixels without a label.

    Returns:
        (H, W) bool, a subset of `unlabeled`.

    Examples:
        >>> unlabeled = np.zeros((64, 64), bool)
        >>> unlabeled[:20] = True  # the sky
        >>> unlabeled[40:44, 30:40] = True  # a gap
        >>> find_not_ground(unlabeled).sum(axis=1).nonzero()[0].max()
        17
    """
    if unlabeled.all():  # without any label, nothing tells the sky from the ground
        return np.zeros_like(unlabeled)
    far = np.cumprod(unlabeled.all(axis=1)).astype(bool)
    far[max(0, far.sum() - MARGIN) :] = False
    inside = ndimage.minimum_filter(unlabeled, MIN_WIDTH, mode="constant", cval=0)
    wide = ndimage.maximum_filter(inside, MIN_WIDTH, mode="constant", cval=0)  # an opening
    regions, _ = ndimage.label(wide)
    edges = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    reaching: NDArray[np.bool_] = np.isin(regions, np.setdiff1d(edges, 0))
    near_labels = ndimage.maximum_filter(~unlabeled, 2 * MARGIN + 1)
    not_ground: NDArray[np.bool_] = (reaching & ~near_labels) | far[:, np.newaxis]
    return not_ground
