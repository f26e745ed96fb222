"""Pairs of images that show nearly the same.

Found in two steps. Low frequencies pick the pairs that may be alike, fast and among all pairs. Then
the detail of the two is laid on each other and compared place by place: two horizons agree along
one line, two copies agree everywhere.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.detail_correlation import detail_correlations
from areoseg.audit.thumbnails import Floats
from areoseg.audit.thumbnails import thumbnail
from areoseg.data.samples import SegmentationDataset
from areoseg.utils.images import ImageArray

ALIKE_ABOVE = 0.6
"""Least cosine between the low frequencies of two images that are compared in detail."""

FREQUENCIES = 8
"""Low frequencies are those of fewer half waves along each side."""

SIDE = 64
"""Side of the thumbnails whose detail is compared."""

SAME_ABOVE = 0.7
"""Least correlation of the detail of two near duplicates, the mean over all places."""

BLOCK, BATCH = 256, 256
"""Images that are compared with all later ones, and pairs compared in detail, at once.

They bound the memory: a block of cosines takes 1 KB for each image of the set.
"""

Pairs = NDArray[np.int64]
"""(P, 2) positions of two images each, the earlier one first."""


def near_duplicate_pairs(
    images: Sequence[ImageArray] | ImageArray, chunks: Chunks | None = None
) -> tuple[Pairs, NDArray[np.float32]]:
    """All pairs of images that show nearly the same.

    Tolerates shifts of a few pixels, zooms of up to 10 %, other sizes, compression, and changes of
    brightness and contrast. Memory grows with the number of images, some 5 KB for each. Time grows
    with its square, but slowly: a pair that the low frequencies tell apart takes a nanosecond.

    Returns:
        Pairs (P, 2), ascending, and the correlation (P,) of their detail.
    """
    if len(images) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    chunks = chunks or Chunks()
    unmasked = SegmentationDataset(images, None, ("",) * len(images))
    kept = chunks.each("thumbnails", _thumbnails, unmasked)
    vectors, pictures = _unit_vectors(kept["waves"]), kept["picture"]

    def compared(start: int) -> tuple[Pairs, NDArray[np.float32]]:
        pairs = _alike_pairs(vectors, start)
        batches = [pairs[batch : batch + BATCH] for batch in range(0, len(pairs), BATCH)]
        correlations = [detail_correlations(pictures, batch) for batch in batches]
        correlation = np.concatenate([np.empty(0, dtype=np.float32), *correlations])
        return pairs[correlation > SAME_ABOVE], correlation[correlation > SAME_ABOVE]

    found = chunks.map("near duplicates", compared, range(0, len(images), BLOCK))
    return np.concatenate([pair for pair, _ in found]), np.concatenate([c for _, c in found])


def _thumbnails(samples: SegmentationDataset) -> Arrays:
    """A thumbnail (N, 64, 64) of each image, and its lowest cosine frequencies (N, 63)."""
    pictures = np.stack([thumbnail(image, SIDE) for image in samples.images])
    halved = pictures.reshape(len(pictures), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    waves = fft.dctn(halved, axes=(1, 2))[:, :FREQUENCIES, :FREQUENCIES]
    return {
        "picture": np.rint(pictures).astype(np.uint8),
        "waves": waves.reshape(len(pictures), -1)[:, 1:],  # without the mean brightness
    }


def _unit_vectors(waves: Floats) -> Floats:
    """One unit vector (N, 63) an image: its lowest cosine frequencies, all of like weight."""
    vectors = waves / np.maximum(np.sqrt((waves**2).mean(axis=0)), 1e-6)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), dtype=np.float32)


def _alike_pairs(vectors: Floats, start: int) -> Pairs:
    """Pairs of a block of vectors with all later vectors (N, D) to which their cosine is high."""
    cosines = vectors[start : start + BLOCK] @ vectors[start:].T
    first, second = np.divmod(np.flatnonzero(cosines.ravel() > ALIKE_ABOVE), cosines.shape[1])
    later = second > first
    return np.stack([first[later], second[later]], axis=1).astype(np.int64) + start
