"""How much two masks differ."""

import itertools

import numpy as np

from areoseg.taxonomy import VOID
from areoseg.utils.images import Mask

SIDE = 64
"""Masks that may be shifted are compared as squares of this side."""

FARTHEST = 4
"""Largest shift in pixels of that square."""


def least_disagreement(first: Mask, second: Mask, *, shifted: bool) -> float:
    """Share of the pixels on which two masks differ, void pixels of either left out.

    Args:
        first: (H, W).
        second: (H, W), or of any size where `shifted`.
        shifted: Whether one may lie up to 4 of 64 pixels off; then the least share counts.

    Returns:
        In 0..1; 0 where no pixel is labeled in both.
    """
    if not shifted:
        return _share_that_differs(first, second)
    one, other = _square(first), _square(second)
    inner = slice(FARTHEST, SIDE - FARTHEST)
    steps = range(2 * FARTHEST + 1)
    return min(
        _share_that_differs(
            one[down : down + SIDE - 2 * FARTHEST, right : right + SIDE - 2 * FARTHEST],
            other[inner, inner],
        )
        for down, right in itertools.product(steps, steps)
    )


def _share_that_differs(first: Mask, second: Mask) -> float:
    """Share of the pixels labeled in both masks on which they differ."""
    both = (first != VOID) & (second != VOID)
    return float((first != second)[both].mean()) if both.any() else 0.0


def _square(mask: Mask) -> Mask:
    """The mask as a square of 64 pixels, each the nearest of the mask."""
    rows, columns = (((np.arange(SIDE) + 0.5) * side / SIDE).astype(int) for side in mask.shape)
    return mask[np.ix_(rows, columns)]
