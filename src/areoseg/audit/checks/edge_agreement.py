"""Agreement of mask outlines with image edges, averaged over the whole set.

A single mask is not conclusive: annotators draw coarse outlines, and images have edges everywhere.
The mean over a set reveals a shift of two pixels, or masks that were stored upside down.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from areoseg.audit.cache import Arrays
from areoseg.audit.context import AuditContext
from areoseg.audit.features import Floats, gray_levels
from areoseg.audit.findings import SetFinding
from areoseg.utils.images import ImageArray, Mask

MAX_SAMPLES = 1500
"""Maximum number of analyzed samples, spread evenly over the set."""

MIN_SAMPLES = 50
"""Minimum number of samples with outlines; fewer are not conclusive."""

MAX_SHIFT = 8
"""Largest shift in pixels that is tried."""

TOLERANCE = 1
"""Shifts of at most this many pixels are not reported, as outlines are drawn by hand."""

CERTAIN_ABOVE = 4.5
"""Ratio of the mean gain of another placement to its standard error from which it is reported."""

MIRRORS = {
    "": (slice(None), slice(None)),
    "mirrored left-right": (slice(None), slice(None, None, -1)),
    "mirrored top-bottom": (slice(None, None, -1), slice(None)),
    "turned by 180 degrees": (slice(None, None, -1), slice(None, None, -1)),
}
"""Mirrored placements of a mask on its image, and the slices that produce them."""


@dataclass(frozen=True)
class Placement:
    """The placement of masks that agrees best with the edges of their images.

    Attributes:
        mirror: One of `MIRRORS`.
        down: Pixels by which the masks would have to be moved down.
        right: Pixels by which they would have to be moved to the right.
        certainty: Mean gain over the masks as they are, in standard errors.
    """

    mirror: str
    down: int
    right: int
    certainty: float

    def __str__(self) -> str:
        down, right = self.down, self.right
        moves = [f"{abs(down)} pixels {'down' if down > 0 else 'up'}"] if down else []
        moves += [f"{abs(right)} pixels to the {'right' if right > 0 else 'left'}"] if right else []
        moved = [f"moved {' and '.join(moves)}"] if moves else []
        return " and ".join([*([self.mirror] if self.mirror else []), *moved])


def find_misplaced_masks(context: AuditContext) -> Iterator[SetFinding]:
    """Report whether the masks, as a whole, fit their images better when moved or mirrored."""
    placement = best_placement(context)
    if placement is not None and placement.certainty > CERTAIN_ABOVE:
        reason = "the masks of the set agree better with the edges of their images when"
        yield SetFinding("misplaced-masks", placement.certainty, f"{reason} {placement}")


def best_placement(context: AuditContext) -> Placement | None:
    """Return the placement with the best agreement, or None if too few masks have outlines."""
    count = len(context.samples)
    some = context.samples.select(range(0, count, max(-(-count // MAX_SAMPLES), 1)))
    assert some.masks is not None
    agreement = context.cache.compute("edges", _agreements, some.images, some.masks)["agreement"]
    agreement = agreement[~np.isnan(agreement).any(axis=(1, 2, 3))]
    if len(agreement) < MIN_SAMPLES:
        return None
    near = slice(MAX_SHIFT - TOLERANCE, MAX_SHIFT + TOLERANCE + 1)
    mean = agreement.mean(axis=0)
    own = np.unravel_index(mean[0, near, near].argmax(), (2 * TOLERANCE + 1,) * 2)
    mirror, down, right = np.unravel_index(mean.argmax(), mean.shape)
    gain = agreement[:, mirror, down, right] - agreement[:, 0, near, near][:, own[0], own[1]]
    error = float(gain.std() / np.sqrt(len(gain)))
    return Placement(
        mirror=list(MIRRORS)[mirror],
        down=int(down) - MAX_SHIFT,
        right=int(right) - MAX_SHIFT,
        certainty=float(gain.mean()) / max(error, 1e-9) if gain.any() else 0.0,
    )


def edge_agreements(image: ImageArray, mask: Mask) -> Floats:
    """Compute the mean rank of the image gradient below the mask's outline, for each placement.

    Args:
        image: (H, W).
        mask: (H, W).

    Returns:
        (4, 17, 17), in 0..1, for each of `MIRRORS` and each shift down and to the right; about 0.5
        by chance, NaN if the mask has no outline.
    """
    strength = ndimage.gaussian_gradient_magnitude(gray_levels(image), 1.5)
    order = strength.ravel().argsort(kind="stable").argsort()
    ranks = np.asarray(order.reshape(image.shape) / image.size, dtype=np.float32)
    outline = _outline(mask).astype(np.float32)
    ones = np.ones_like(ranks)
    result = np.empty((len(MIRRORS), 2 * MAX_SHIFT + 1, 2 * MAX_SHIFT + 1), dtype=np.float32)
    for row, (rows, columns) in zip(result, MIRRORS.values(), strict=True):
        placed = outline[rows, columns]
        inside = _correlation(ones, placed)  # pixels moved out of the image do not count
        row[:] = np.where(
            inside > 0.5, _correlation(ranks, placed) / np.maximum(inside, 0.5), np.nan
        )
    return result


def _agreements(images: Sequence[ImageArray], masks: Sequence[Mask]) -> Arrays:
    pairs = zip(images, masks, strict=True)
    return {"agreement": np.stack([edge_agreements(image, mask) for image, mask in pairs])}


def _outline(mask: Mask) -> NDArray[np.bool_]:
    """Return the pixels (H, W) adjacent to another value, except at the image border."""
    outline = np.zeros(mask.shape, dtype=bool)
    down, right = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    outline[1:] |= down
    outline[:-1] |= down
    outline[:, 1:] |= right
    outline[:, :-1] |= right
    outline[:2] = outline[-2:] = False
    outline[:, :2] = outline[:, -2:] = False
    return outline


def _correlation(values: Floats, outline: Floats) -> Floats:
    """Return the sums (17, 17) of the values below the outline, shifted by -8 to 8."""
    size = [fft.next_fast_len(side + MAX_SHIFT, real=True) for side in values.shape]
    spectra = fft.rfft2(values, size) * np.conj(fft.rfft2(outline, size))
    shifts = np.arange(-MAX_SHIFT, MAX_SHIFT + 1)
    return np.asarray(fft.irfft2(spectra, size)[np.ix_(shifts, shifts)], dtype=np.float32)
