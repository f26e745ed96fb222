"""How far an exported model is from the network that it was made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.inference.exported import Answer
from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.rates import score
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask
from areoseg.utils.images import as_uint8

BATCH = 16
LONGEST_EDGE = 512
"""Of larger images the upper left corner is compared, in pixels."""


@dataclass(frozen=True)
class Allowance:
    """How far an export may be off; None: as far as it likes.

    Attributes:
        probability: Largest difference of a probability.
        unequal: Largest share of pixels of another class.
        terrain: Largest loss of `terrain` score, in 0..1.
    """

    probability: float | None = None
    unequal: float | None = None
    terrain: float | None = None


@dataclass(frozen=True)
class Parity:
    """What a comparison found.

    Attributes:
        probability: Largest difference of a probability.
        equal: Share of pixels of the same class, in 0..1.
        terrain: `terrain` score of the export.
        terrain_of_run: The same of the network.
        images: How many images were compared.
    """

    probability: float
    equal: float
    terrain: float
    terrain_of_run: float
    images: int

    def within(self, allowance: Allowance) -> bool:
        """Whether everything is as near as it must be; what is not a number is not."""
        pairs = (
            (self.probability, allowance.probability),
            (1 - self.equal, allowance.unequal),
            (self.terrain_of_run - self.terrain, allowance.terrain),
        )
        return all(limit is None or found <= limit for found, limit in pairs)

    def __str__(self) -> str:
        return (
            f"probabilities differ by at most {self.probability:.1e}, {self.equal:.4%} of the"
            f" pixels are equal, terrain {self.terrain:.4f} instead of {self.terrain_of_run:.4f}"
            f" ({self.terrain - self.terrain_of_run:+.4f})"
        )


def measure_parity(
    reference: Answer,
    candidate: Answer,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    size_divisor: int,
) -> Parity:
    """Compare two models on labeled samples.

    Args:
        reference: The network, in float32.
        candidate: The exported file.
        samples: Labeled; their images are rounded to 8 bits.
        taxonomy: The classes.
        size_divisor: Images are cut to multiples of it, in pixels.
    """
    size = (len(taxonomy), len(taxonomy))
    confusion, confusion_of_run = np.zeros(size, np.int64), np.zeros(size, np.int64)
    largest, equal, pixels = 0.0, 0, 0
    for images, masks in _batches(samples, size_divisor):
        mask_of_run, probabilities_of_run = reference(images)
        mask, probabilities = candidate(images)
        # np.maximum keeps a NaN, which max() would lose
        largest = float(np.maximum(largest, np.abs(probabilities - probabilities_of_run).max()))
        equal += int((mask == mask_of_run).sum())
        pixels += mask.size
        confusion += confusion_matrix(mask, masks, len(taxonomy))
        confusion_of_run += confusion_matrix(mask_of_run, masks, len(taxonomy))
    return Parity(
        probability=largest,
        equal=equal / pixels,
        terrain=score(confusion, "terrain", taxonomy),
        terrain_of_run=score(confusion_of_run, "terrain", taxonomy),
        images=len(samples),
    )


def eight_bit_tiles(samples: SegmentationDataset, size_divisor: int) -> list[NDArray[np.uint8]]:
    """The images of samples as (H, W) uint8, cut to multiples of the size_divisor."""
    return [_cut(as_uint8(image), size_divisor) for image in samples.images]


def _batches(
    samples: SegmentationDataset, size_divisor: int
) -> Iterator[tuple[NDArray[np.uint8], Mask]]:
    """Images (N, 1, H, W) uint8 and their masks (N, H, W), of neighbors of one size."""
    assert samples.masks is not None
    images = eight_bit_tiles(samples, size_divisor)
    masks = [_cut(mask, size_divisor) for mask in samples.masks]
    for _, same_size in groupby(range(len(images)), key=lambda index: images[index].shape):
        indices = list(same_size)
        for start in range(0, len(indices), BATCH):
            chosen = indices[start : start + BATCH]
            yield (
                np.stack([images[i] for i in chosen])[:, None],
                np.stack([masks[i] for i in chosen]),
            )


def _cut(pixels: NDArray[np.uint8], size_divisor: int) -> NDArray[np.uint8]:
    """The upper left corner, whose edges are multiples of the size_divisor."""
    height, width = (
        max(size_divisor, min(edge, LONGEST_EDGE) // size_divisor * size_divisor)
        for edge in pixels.shape
    )
    return pixels[:height, :width]
