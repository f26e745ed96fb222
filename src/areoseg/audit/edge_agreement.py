"""Whether the outlines of the masks lie on the edges of the images, over the whole set.

One mask tells little: people draw coarse outlines, and images have edges everywhere. The mean over
a set tells a shift of two pixels, or masks that were stored upside down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy import ndimage

from areoseg.audit.chunks import Arrays
from areoseg.audit.context import AuditContext
from areoseg.audit.findings import SetFinding
from areoseg.audit.thumbnails import Floats
from areoseg.audit.thumbnails import gray_levels
from areoseg.data.samples import SegmentationDataset
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask

MOST_SAMPLES = 1500
"""Samples that are looked at, spread evenly over the set."""

FEWEST_SAMPLES = 50
"""With fewer samples with outlines there is no telling."""

REACH = 8
"""Largest shift in pixels that is tried."""

NEAR = 1
"""Shifts of at most so many pixels are no issue: outlines are drawn by hand."""

CERTAIN_ABOVE = 4.5
"""Least ratio of the mean gain of another placement to its standard error."""

WAYS = {
    "as it is": (slice(None), slice(None)),
    "mirrored left-right": (slice(None), slice(None, None, -1)),
    "mirrored top-bottom": (slice(None, None, -1), slice(None)),
    "turned by 180 degrees": (slice(None, None, -1), slice(None, None, -1)),
}
"""How a mask is laid on its image, and the slices that do it."""


@dataclass(frozen=True)
class Placement:
    """Where masks agree best with the edges of their images.

    Attributes:
        way: One of `WAYS`.
        down: Pixels by which the masks would have to be moved down.
        right: Pixels by which they would have to be moved to the right.
        certainty: The mean gain over the masks as they are, in standard errors; 0 where they are
            best as they are.
        samples: How many samples it was measured on.
    """

    way: str
    down: int
    right: int
    certainty: float
    samples: int


def find_misplaced_masks(context: AuditContext) -> list[SetFinding]:
    """Say so where the masks as a whole agree better with the images when moved or mirrored.

    The score is the mean gain in standard errors.
    """
    place = best_placement(context)
    if place is None or place.certainty <= CERTAIN_ABOVE:
        return []
    moves = [f"{abs(place.down)} pixels {'down' if place.down > 0 else 'up'}"] if place.down else []
    if place.right:
        moves.append(f"{abs(place.right)} pixels to the {'right' if place.right > 0 else 'left'}")
    turned = [place.way] if place.way != "as it is" else []
    how = " and ".join([*turned, *([f"moved {' and '.join(moves)}"] if moves else [])])
    reason = f"the masks of the set agree better with the edges of their images when {how}"
    return [SetFinding("misplaced-masks", place.certainty, reason)]


def best_placement(context: AuditContext) -> Placement | None:
    """The placement with the best agreement, or None where too few masks have outlines."""
    samples = context.samples
    step = -(-len(samples) // MOST_SAMPLES)
    some = samples.select(range(0, len(samples), max(step, 1)))
    if not len(some):
        return None
    found = context.chunks.each("edges", _agreements, some)["agreement"]
    found = found[~np.isnan(found).any(axis=(1, 2, 3))]
    if len(found) < FEWEST_SAMPLES:
        return None
    near = slice(REACH - NEAR, REACH + NEAR + 1)
    flat = found.mean(axis=0)
    own = np.unravel_index(flat[0, near, near].argmax(), (2 * NEAR + 1,) * 2)
    way, down, right = np.unravel_index(flat.argmax(), flat.shape)
    gain = found[:, way, down, right] - found[:, 0, near, near][:, own[0], own[1]]
    error = float(gain.std() / np.sqrt(len(gain)))
    return Placement(
        way=list(WAYS)[way],
        down=int(down) - REACH,
        right=int(right) - REACH,
        certainty=float(gain.mean()) / max(error, 1e-9) if gain.any() else 0.0,
        samples=len(found),
    )


def edge_agreements(image: ImageArray, mask: Mask) -> Floats:
    """Mean rank of the image's edges below the mask's outline, for each placement of the mask.

    Args:
        image: (H, W).
        mask: (H, W).

    Returns:
        (4, 17, 17), 0 to 1, for each of `WAYS` and each shift down and to the right; 0.5 by chance.
        NaN where the mask has no outline.
    """
    strength = ndimage.gaussian_gradient_magnitude(gray_levels(image), 1.5)
    order = strength.ravel().argsort(kind="stable").argsort()
    ranks = np.asarray(order.reshape(image.shape) / image.size, dtype=np.float32)
    outline = _outline(mask).astype(np.float32)
    # A placement moves part of the outline out of the image, which then does not count.
    whole = np.ones_like(ranks)
    found = np.empty((len(WAYS), 2 * REACH + 1, 2 * REACH + 1), dtype=np.float32)
    for row, (rows, columns) in zip(found, WAYS.values(), strict=True):
        placed = outline[rows, columns]
        inside = _correlation(whole, placed)
        row[:] = np.where(
            inside > 0.5, _correlation(ranks, placed) / np.maximum(inside, 0.5), np.nan
        )
    return found


def _agreements(samples: SegmentationDataset) -> Arrays:
    """`edge_agreements` of some samples (n, 4, 17, 17)."""
    masks = [] if samples.masks is None else list(samples.masks)
    pairs = zip(samples.images, masks, strict=True)
    return {"agreement": np.stack([edge_agreements(image, mask) for image, mask in pairs])}


def _outline(mask: Mask) -> NDArray[np.bool_]:
    """Pixels beside one of another value, but for the border of the image."""
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
    """The sum (17, 17) of the values below the outline, moved down and right by -8 to 8."""
    size = [fft.next_fast_len(side + REACH, real=True) for side in values.shape]
    spectra = fft.rfft2(values, size) * np.conj(fft.rfft2(outline, size))
    shifts = np.arange(-REACH, REACH + 1)
    return np.asarray(fft.irfft2(spectra, size)[np.ix_(shifts, shifts)], dtype=np.float32)
