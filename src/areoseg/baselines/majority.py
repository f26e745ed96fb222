"""The same class everywhere: the commonest one."""

from collections.abc import Sequence

import numpy as np

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask


def majority(
    training: SegmentationDataset,
    images: Sequence[ImageArray] | ImageArray,
    *,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
) -> list[Mask]:
    """Masks of the terrain class with the most pixels in the training samples.

    Args:
        training: Labeled samples.
        images: What to segment.
        seed: Not needed.
        taxonomy: The classes.

    Raises:
        AreosegError: The training samples have no masks.
    """
    pixels = class_pixels(training, taxonomy).sum(axis=0)
    commonest = max(taxonomy.terrain, key=lambda index: int(pixels[index]))
    return [np.full(each.shape, commonest, dtype=np.uint8) for each in images]
