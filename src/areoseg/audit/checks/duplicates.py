"""Images that occur more than once, exactly or nearly, and copies whose masks disagree.

Near duplicates are found in two steps. Low frequencies select candidates among all pairs. Then the
detail of the two images is aligned and compared in a 4 x 4 grid: two horizons agree along a line,
whereas two copies agree everywhere.
"""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from areoseg.audit.cache import Arrays, Cache
from areoseg.audit.context import AuditContext, shared
from areoseg.audit.features import Floats, thumbnail
from areoseg.audit.findings import Finding
from areoseg.taxonomy import VOID
from areoseg.utils.images import ImageArray, Mask

MIN_COSINE = 0.6
"""Cosine between the low frequencies of two images above which they are compared in detail."""

FREQUENCIES = 8
"""Low frequencies have fewer half waves than this along each side."""

SIDE = 64
"""Side of the thumbnails and of the masks that are compared."""

MIN_CORRELATION = 0.7
"""Correlation of detail, the mean over all places, above which two images are near duplicates."""

ZOOMS = (1.0, 1 / 0.95, 1 / 0.9)
"""Zooms that are tried."""

ZOOM_PAIRS = np.array([(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)])
"""Zooms of the first and of the second thumbnail, as indices of `ZOOMS`."""

MAX_SHIFT = 4
"""Largest shift in pixels of a thumbnail."""

PLACES = 4
"""Rows and columns of the grid of places in which thumbnails are compared."""

NOISE = 0.15
"""Detail weaker than this, in gray levels, is rounding noise and is ignored."""

MAX_DISAGREEMENT = 0.2
"""Fraction of the pixels in which masks of near duplicates may differ, as outlines vary."""

BLOCK_SIZE, BATCH_SIZE = 256, 256
"""Number of images compared with all later ones, and of pairs compared in detail, per block.

They bound the memory: a block of cosines takes 1 KB per image of the set.
"""

Pairs = NDArray[np.int64]
"""(P, 2) indices of pairs of images, the earlier image first."""

Shifts = NDArray[np.int64]
"""(P, 2) shifts in rows (down) and columns (right)."""


def find_duplicate_images(context: AuditContext) -> Iterator[Finding]:
    """Flag every image that equals an earlier one; the first of each group stays unflagged."""
    samples = context.samples
    for group in identical_groups(samples.images):
        for index in group[1:]:
            reason = f"the same image as {samples.names[group[0]]}"
            if samples.masks is not None:
                differing = float((samples.masks[group[0]] != samples.masks[index]).mean())
                if differing:
                    reason += f", but the masks disagree on {differing:.1%} of the pixels"
            yield context.flag("duplicate-image", index, len(group), reason, other=group[0])


def find_near_duplicates(context: AuditContext) -> Iterator[Finding]:
    """Flag images that nearly equal an earlier one; exact copies are left to `duplicate-image`."""
    for second, (correlation, first) in _nearest_earlier(context).items():
        if second not in _equal_to_earlier(context):
            name = context.samples.names[first]
            reason = f"nearly the same image as {name}, correlation {correlation:.2f}"
            yield context.flag("near-duplicate", second, correlation, reason, other=first)


def find_disagreeing_copies(context: AuditContext) -> Iterator[Finding]:
    """Flag exact and near copies whose masks differ: one of the two must be wrong.

    Masks of near duplicates are compared at the shift at which they agree best.
    """
    equal = _equal_to_earlier(context)
    near = {second: first for second, (_, first) in _nearest_earlier(context).items()}
    for second, first in {**near, **equal}.items():
        nearly = second not in equal
        share = mask_disagreement(context.masks[first], context.masks[second], shifted=nearly)
        if share > (MAX_DISAGREEMENT if nearly else 0):
            reason = (
                f"{'nearly ' if nearly else ''}the same image as {context.samples.names[first]},"
                f" but the masks disagree on {share:.1%} of the pixels"
            )
            yield context.flag("copies-disagree", second, share, reason, other=first)


def identical_groups(arrays: Iterable[NDArray[Any]]) -> list[list[int]]:
    """Group the indices of arrays that are equal in shape, dtype and all values.

    Returns:
        Groups of two or more indices, each ascending, in the order of their first members.
    """
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, array in enumerate(arrays):
        digest = hashlib.blake2b(f"{array.shape} {array.dtype.str}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(array).data)
        groups[digest.digest()].append(index)
    return [group for group in groups.values() if len(group) > 1]


@shared
def near_duplicates(context: AuditContext) -> list[tuple[int, int, float]]:
    """Return pairs of near duplicates and their correlation.

    The indices of unlabeled images follow those of the samples.
    """
    images: Any = context.samples.images
    if context.unlabeled is not None and len(context.unlabeled):
        images = [*images, *context.unlabeled.images]
    pairs, correlations = near_duplicate_pairs(images, context.cache)
    return [(*pair, c) for pair, c in zip(pairs.tolist(), correlations.tolist(), strict=True)]


def nearest(pairs: Iterable[tuple[int, float, int]]) -> dict[int, tuple[float, int]]:
    """Map each index to the highest correlation and the other index, given all triples."""
    best: dict[int, tuple[float, int]] = {}
    for index, correlation, other in pairs:
        best[index] = max(best.get(index, (correlation, other)), (correlation, other))
    return best


def near_duplicate_pairs(
    images: Sequence[ImageArray] | ImageArray, cache: Cache
) -> tuple[Pairs, NDArray[np.float32]]:
    """Find all pairs of images that are equal or nearly equal.

    Tolerates shifts of a few pixels, zooms of up to 10 %, other sizes, compression, and changes of
    brightness and contrast. Memory grows by about 5 KB per image. Time is quadratic in the
    number of images, but a pair with different low frequencies takes only about a nanosecond.

    Returns:
        Pairs (P, 2), ascending, and the correlation (P,) of their detail.
    """
    if len(images) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    arrays = cache.compute("thumbnails", _thumbnails, images)
    vectors, thumbnails = _unit_vectors(arrays["waves"]), arrays["thumbnail"]

    def compare(start: int) -> tuple[Pairs, NDArray[np.float32]]:
        pairs = _candidate_pairs(vectors, start)
        batches = [pairs[i : i + BATCH_SIZE] for i in range(0, len(pairs), BATCH_SIZE)]
        correlations = [detail_correlations(thumbnails, batch) for batch in batches]
        correlation = np.concatenate([np.empty(0, dtype=np.float32), *correlations])
        return pairs[correlation > MIN_CORRELATION], correlation[correlation > MIN_CORRELATION]

    blocks = cache.map("near duplicates", compare, range(0, len(images), BLOCK_SIZE))
    pairs, correlations = zip(*blocks, strict=True)
    return np.concatenate(pairs), np.concatenate(correlations)


def detail_correlations(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Compute the mean correlation over all places of pairs, at the best shift and zoom.

    Args:
        thumbnails: (N, side, side).
        pairs: (P, 2) indices of thumbnails.

    Returns:
        Correlations (P,), at most 1.
    """
    used, positions = np.unique(pairs, return_inverse=True)
    first, second = positions.reshape(pairs.shape).T
    details = np.stack([_zoomed_detail(thumbnails[used], zoom) for zoom in ZOOMS])
    tried = [best_shift(details[one, first], details[two, second]) for one, two in ZOOM_PAIRS]
    best = np.stack([height for height, _ in tried]).argmax(axis=0)
    shifts = np.stack([shift for _, shift in tried])[best, np.arange(len(pairs))]
    one, two = ZOOM_PAIRS[best].T
    places = _place_correlations(details[one, first], details[two, second], shifts)
    return np.asarray(places.mean(axis=1))


def best_shift(first: Floats, second: Floats) -> tuple[Floats, Shifts]:
    """Find the shift of thumbnails (P, side, side) at which they agree best with the second ones.

    Returns:
        Height (P,) of the peak of their cross-correlation, at most 1; and the shifts (P, 2).
    """
    spectra = fft.rfft2(_windowed(first)) * np.conj(fft.rfft2(_windowed(second)))
    correlation = fft.irfft2(spectra, s=first.shape[1:])
    reach = np.arange(-MAX_SHIFT, MAX_SHIFT + 1)
    near = correlation[:, reach][:, :, reach].reshape(len(first), -1)
    peak = near.argmax(axis=1)
    shifts = np.stack(np.divmod(peak, len(reach)), axis=1) - MAX_SHIFT
    return near[np.arange(len(first)), peak], shifts


def mask_disagreement(first: Mask, second: Mask, *, shifted: bool) -> float:
    """Compute the fraction of the pixels labeled in both masks at which the masks differ.

    Args:
        first: (H, W).
        second: (H, W), or any size if `shifted`.
        shifted: Whether to compare at several shifts, up to 4 of 64 pixels, and return the minimum.

    Returns:
        A value in 0..1; 0 if no pixel is labeled in both.
    """
    if not shifted:
        return _share_differing(first, second)
    one, other = _resized(first), _resized(second)
    inner = slice(MAX_SHIFT, SIDE - MAX_SHIFT)
    size = SIDE - 2 * MAX_SHIFT
    steps = range(2 * MAX_SHIFT + 1)
    return min(
        _share_differing(one[down : down + size, right : right + size], other[inner, inner])
        for down, right in itertools.product(steps, steps)
    )


@shared
def _equal_to_earlier(context: AuditContext) -> dict[int, int]:
    """Map each sample to the first sample with an equal image, if there is an earlier one."""
    groups = identical_groups(context.samples.images)
    return {index: group[0] for group in groups for index in group[1:]}


def _nearest_earlier(context: AuditContext) -> dict[int, tuple[float, int]]:
    """Map each sample with an earlier near duplicate to the highest correlation and its index."""
    count = len(context.samples)
    pairs = near_duplicates(context)
    return nearest((second, c, first) for first, second, c in pairs if second < count)


def _thumbnails(images: Sequence[ImageArray]) -> Arrays:
    """Return a thumbnail (N, 64, 64) of each image, and its lowest cosine frequencies (N, 63)."""
    thumbnails = np.stack([thumbnail(image, SIDE) for image in images])
    halved = thumbnails.reshape(len(thumbnails), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    waves = fft.dctn(halved, axes=(1, 2))[:, :FREQUENCIES, :FREQUENCIES]
    return {
        "thumbnail": np.rint(thumbnails).astype(np.uint8),
        "waves": waves.reshape(len(thumbnails), -1)[:, 1:],  # without the mean brightness
    }


def _unit_vectors(waves: Floats) -> Floats:
    """Return one unit vector (N, 63) per image; every frequency has the same weight in the set."""
    vectors = waves / np.maximum(np.sqrt((waves**2).mean(axis=0)), 1e-6)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), dtype=np.float32)


def _candidate_pairs(vectors: Floats, start: int) -> Pairs:
    """Return pairs of a block of vectors (N, D) with later ones to which their cosine is high."""
    cosines = vectors[start : start + BLOCK_SIZE] @ vectors[start:].T
    first, second = np.divmod(np.flatnonzero(cosines.ravel() > MIN_COSINE), cosines.shape[1])
    later = second > first
    return np.stack([first[later], second[later]], axis=1).astype(np.int64) + start


def _zoomed_detail(thumbnails: NDArray[np.uint8], zoom: float) -> Floats:
    """Return detail between 1 and 4 pixels of the enlarged middle of thumbnails (N, side, side).

    Zoom and filters are linear and separable, so each is one matrix.
    """
    levels = thumbnails.astype(np.float32)
    fine, coarse = (_zoom_and_blur(thumbnails.shape[1], zoom, sigma) for sigma in (1.0, 4.0))
    return np.asarray(fine @ levels @ fine.T - coarse @ levels @ coarse.T, dtype=np.float32)


@cache
def _zoom_and_blur(side: int, zoom: float, sigma: float) -> Floats:
    """Return the matrix (side, side) that enlarges a column by interpolation, then blurs it."""
    middle = (side - 1) / 2
    places = middle + (np.arange(side) - middle) / zoom
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))
    return np.asarray(ndimage.gaussian_filter1d(weights, sigma, axis=0), dtype=np.float32)


def _windowed(thumbnails: Floats) -> Floats:
    """Return thumbnails (P, side, side) faded out towards the border, each of norm 1."""
    fade = np.sqrt(np.hanning(thumbnails.shape[1] + 2)[1:-1]).astype(np.float32)
    faded = thumbnails * fade[:, None] * fade
    lengths = np.sqrt((faded**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(faded / np.maximum(lengths, np.float32(1e-6)))


def _place_correlations(first: Floats, second: Floats, shifts: Shifts) -> NDArray[np.float32]:
    """Return correlations (P, 16) of shifted first thumbnails with second ones, by place."""
    inner = np.arange(MAX_SHIFT, first.shape[1] - MAX_SHIFT)
    rows, columns = inner + shifts[:, :1], inner + shifts[:, 1:]
    pair = np.arange(len(first))[:, None, None]
    one = _by_place(first[pair, rows[:, :, None], columns[:, None, :]])
    other = _by_place(second[:, inner][:, :, inner])
    strength = np.sqrt((one**2).mean(axis=2) * (other**2).mean(axis=2))
    return np.asarray((one * other).mean(axis=2) / (strength + NOISE**2), dtype=np.float32)


def _by_place(thumbnails: Floats) -> Floats:
    """Cut thumbnails (P, S, S) into 4 x 4 places (P, 16, pixels), each of mean 0."""
    count, side, _ = thumbnails.shape
    size = side // PLACES
    cut = thumbnails.reshape(count, PLACES, size, PLACES, size).swapaxes(2, 3)
    flat = cut.reshape(count, PLACES * PLACES, size * size)
    return np.asarray(flat - flat.mean(axis=2, keepdims=True))


def _share_differing(first: Mask, second: Mask) -> float:
    both = (first != VOID) & (second != VOID)
    return float((first != second)[both].mean()) if both.any() else 0.0


def _resized(mask: Mask) -> Mask:
    """Return the mask at 64 x 64 pixels, by nearest neighbor."""
    rows, columns = (((np.arange(SIDE) + 0.5) * side / SIDE).astype(int) for side in mask.shape)
    return mask[np.ix_(rows, columns)]
