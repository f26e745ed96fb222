"""Images that show nearly the same as an earlier one.

Found in two steps. Low frequencies pick the pairs that may be alike, fast and among all pairs. Then
the detail of the two is laid on each other and compared place by place: two horizons agree along
one line, two copies agree everywhere.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from areoseg.audit.detail_correlation import ZOOMS, detail_correlations
from areoseg.audit.findings import Finding
from areoseg.audit.thumbnails import Floats, detail, thumbnail
from areoseg.data.scenes import Image, SceneSet

ALIKE_ABOVE = 0.6
"""Least cosine between the low frequencies of two images that are compared in detail."""

FREQUENCIES = 8
"""Low frequencies are those of fewer half waves along each side."""

SIDE = 64
"""Side of the thumbnails whose detail is compared."""

SAME_ABOVE = 0.7
"""Least correlation of the detail of two near duplicates, the mean over all places."""

BLOCK, BATCH = 1024, 256
"""Images and pairs that are compared at once; they bound the memory."""

Pairs = NDArray[np.int64]
"""(P, 2) positions of two images each, the earlier one first."""


def find_near_duplicates(scenes: SceneSet) -> list[Finding]:
    """Flag images that nearly equal an earlier one; equal ones are left to `duplicate-image`.

    The score is the correlation of their detail, at most 1.
    """
    pairs, correlations = near_duplicate_pairs(scenes.images)
    nearest: dict[int, tuple[float, int]] = {}
    equal: set[int] = set()
    for (first, second), correlation in zip(pairs.tolist(), correlations.tolist(), strict=True):
        if np.array_equal(scenes.images[first], scenes.images[second]):
            equal.add(second)
        nearest[second] = max(nearest.get(second, (0.0, first)), (correlation, first))
    return [
        Finding(
            index=index,
            name=scenes.names[index],
            fault="near-duplicate",
            score=correlation,
            reason=f"nearly the same image as {scenes.names[first]}, correlation {correlation:.2f}",
            action="flag",
        )
        for index, (correlation, first) in sorted(nearest.items())
        if index not in equal
    ]


def near_duplicate_pairs(images: Sequence[Image] | Image) -> tuple[Pairs, NDArray[np.float32]]:
    """All pairs of images that show nearly the same.

    Tolerates shifts of a few pixels, zooms of up to 10 %, other sizes, compression, and changes of
    brightness and contrast. Memory grows with the number of images, 30 KB for each.

    Returns:
        Pairs (P, 2), and the correlation (P,) of their detail.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    correlations = [np.empty(0, dtype=np.float32)]
    if len(images) > 1:
        details = np.stack([_details(images, zoom) for zoom in ZOOMS])
        for pairs in _alike_pairs(_low_frequencies(images)):
            correlation = detail_correlations(details, pairs)
            found.append(pairs[correlation > SAME_ABOVE])
            correlations.append(correlation[correlation > SAME_ABOVE])
    return np.concatenate(found), np.concatenate(correlations)


def _low_frequencies(images: Sequence[Image] | Image) -> Floats:
    """One unit vector (N, 63) an image: its lowest cosine frequencies, all of like weight."""
    thumbnails = np.stack([thumbnail(image, 32) for image in images])
    waves = fft.dctn(thumbnails, axes=(1, 2))[:, :FREQUENCIES, :FREQUENCIES]
    vectors = waves.reshape(len(images), -1)[:, 1:]  # without the mean brightness
    vectors = vectors / np.maximum(np.sqrt((vectors**2).mean(axis=0)), 1e-6)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), dtype=np.float32)


def _alike_pairs(vectors: Floats) -> Iterator[Pairs]:
    """Pairs of vectors (N, D) whose cosine is high, at most `BATCH` at once."""
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK] @ vectors[start:].T
        first, second = np.nonzero(cosines > ALIKE_ABOVE)
        later = second > first
        pairs = np.stack([first[later], second[later]], axis=1).astype(np.int64) + start
        for batch in range(0, len(pairs), BATCH):
            yield pairs[batch : batch + BATCH]


def _details(images: Sequence[Image] | Image, zoom: float) -> NDArray[np.float16]:
    """The detail (N, 64, 64) of all images, in half precision to save memory."""
    details = np.empty((len(images), SIDE, SIDE), dtype=np.float16)
    for start in range(0, len(images), BATCH):
        some = range(start, min(start + BATCH, len(images)))
        details[some.start : some.stop] = detail(
            np.stack([thumbnail(images[index], SIDE, zoom=zoom) for index in some])
        )
    return details
