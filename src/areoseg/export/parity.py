"""Comparison of an exported model with its original network."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.inference.engines.exported import Answer
from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.rates import score
from areoseg.models.segmenter import ExportGraph, Segmenter
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask, as_uint8

BATCH_SIZE = 16

MAX_EDGE = 512
"""Maximum side in pixels; only the upper left corner of larger images is compared."""


@dataclass(frozen=True)
class Allowance:
    """Allowed difference between an export and its network; None: no limit.

    Attributes:
        probability: Maximum absolute difference of a probability.
        unequal: Maximum share of pixels with another class.
        terrain: Maximum drop of the `terrain` score, in 0..1.
    """

    probability: float | None = None
    unequal: float | None = None
    terrain: float | None = None


@dataclass(frozen=True)
class Parity:
    """The result of a comparison.

    Attributes:
        probability: Maximum difference of a probability.
        equal: Share of pixels with the same class, in 0..1.
        terrain: `terrain` score of the export.
        terrain_of_run: `terrain` score of the network.
        images: Number of images that were compared.
    """

    probability: float
    equal: float
    terrain: float
    terrain_of_run: float
    images: int

    def within(self, allowance: Allowance) -> bool:
        """Return whether all differences are within the limits; NaN never is."""
        pairs = (
            (self.probability, allowance.probability),
            (1 - self.equal, allowance.unequal),
            (self.terrain_of_run - self.terrain, allowance.terrain),
        )
        return all(limit is None or value <= limit for value, limit in pairs)

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
        candidate: The exported model.
        samples: Labeled samples; their images are rounded to 8 bits.
        taxonomy: The classes.
        size_divisor: Images are cropped to multiples of it, in pixels.
    """
    size = (len(taxonomy), len(taxonomy))
    confusion, confusion_of_run = np.zeros(size, np.int64), np.zeros(size, np.int64)
    largest, equal, pixels = 0.0, 0, 0
    for images, masks in _batches(samples, size_divisor):
        mask_of_run, probabilities_of_run = reference(images)
        mask, probabilities = candidate(images)
        # np.maximum propagates NaN, unlike max()
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


def network_answer(segmenter: Segmenter) -> Answer:
    """Return the network as a function of 8-bit images, in float32."""
    graph = ExportGraph(segmenter).eval()

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        mask, probabilities = graph(torch.from_numpy(images))
        return mask.numpy(), probabilities.numpy()

    return run


def eight_bit_tiles(samples: SegmentationDataset, size_divisor: int) -> list[NDArray[np.uint8]]:
    """Return the images as (H, W) uint8, cropped to multiples of the size divisor."""
    return [_cropped(as_uint8(image), size_divisor) for image in samples.images]


def _batches(
    samples: SegmentationDataset, size_divisor: int
) -> Iterator[tuple[NDArray[np.uint8], Mask]]:
    """Yield images (N, 1, H, W) uint8 and masks (N, H, W) of consecutive samples of one size."""
    assert samples.masks is not None
    images = eight_bit_tiles(samples, size_divisor)
    masks = [_cropped(mask, size_divisor) for mask in samples.masks]
    for _, same_size in groupby(range(len(images)), key=lambda index: images[index].shape):
        indices = list(same_size)
        for start in range(0, len(indices), BATCH_SIZE):
            batch = indices[start : start + BATCH_SIZE]
            yield np.stack([images[i] for i in batch])[:, None], np.stack([masks[i] for i in batch])


def _cropped(pixels: NDArray[np.uint8], size_divisor: int) -> NDArray[np.uint8]:
    """Return the upper left corner, with edges that are multiples of the size divisor."""
    height, width = (
        max(size_divisor, min(edge, MAX_EDGE) // size_divisor * size_divisor)
        for edge in pixels.shape
    )
    return pixels[:height, :width]
