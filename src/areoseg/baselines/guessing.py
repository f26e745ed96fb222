"""Guessing each pixel with equal chances, drawn and in expectation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask


def guess(
    training: SegmentationDataset,
    images: Sequence[ImageArray] | ImageArray,
    *,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
) -> list[Mask]:
    """Masks of classes drawn with equal chances, the background among them.

    Args:
        training: Not looked at.
        images: What to segment.
        seed: Of the draw.
        taxonomy: The classes.
    """
    random = np.random.default_rng(seed)
    return [random.integers(len(taxonomy), size=each.shape, dtype=np.uint8) for each in images]


def expected_confusion(pixels: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The confusion matrix that guessing has in expectation: each row in C equal parts.

    Its score is the "random predictor" of the report's Table 1. A class with share s of the pixels
    has the IoU s / (s C + 1 - s), in the limit of many pixels.

    Args:
        pixels: (C,) true pixels of each class, or their shares.

    Returns:
        (C, C): rows are the true class, columns the guessed one.
    """
    classes = len(pixels)
    return np.outer(pixels, np.full(classes, 1 / classes))
