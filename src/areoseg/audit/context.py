"""What an audit is given: samples, and what else is known of them."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.class_appearance import mask_fits
from areoseg.audit.confident_disagreement import class_confidence
from areoseg.audit.identical import identical_groups
from areoseg.audit.image_statistics import ImageStatistics
from areoseg.audit.image_statistics import image_statistics
from areoseg.audit.near_duplicate_pairs import Pairs
from areoseg.audit.near_duplicate_pairs import near_duplicate_pairs
from areoseg.audit.segmenter_fits import SegmenterFits
from areoseg.audit.segmenter_fits import segmenter_fits
from areoseg.audit.small_regions import region_counts
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy

Need = Literal["masks", "groups", "unlabeled", "split", "probabilities"]
"""What a check cannot do without; it is left out where the context lacks it."""


@dataclass(frozen=True)
class AuditContext:
    """Samples to audit, and what else is known of them.

    Attributes:
        samples: The samples whose issues are looked for, with masks or without.
        unlabeled: Images without masks that belong to them, such as a test set, or None.
        split: Indices of the samples in each part of a split, such as `train` and `val`, or None.
        probabilities: For each sample (C, H, W) class probabilities of a segmenter that was not
            trained on it, or None.
        taxonomy: The classes.
        chunks: How work on single samples is spread, shown and kept.
    """

    samples: SegmentationDataset
    unlabeled: SegmentationDataset | None = None
    split: Mapping[str, Sequence[int]] | None = None
    probabilities: Sequence[NDArray[np.floating[Any]]] | None = None
    taxonomy: Taxonomy = MARS
    chunks: Chunks = field(default_factory=Chunks)

    def has(self, need: Need) -> bool:
        """Whether there is what a check needs."""
        if need == "masks":
            return self.samples.masks is not None
        if need == "groups":
            return self.samples.groups is not None
        if need == "unlabeled":
            return self.unlabeled is not None and len(self.unlabeled) > 0
        return getattr(self, need) is not None

    @cached_property
    def near_duplicates(self) -> tuple[Pairs, NDArray[np.float32]]:
        """Pairs (P, 2) of images that show nearly the same, or exactly, and their correlation (P,).

        Unlabeled images are counted on after the samples.
        """
        images: Any = self.samples.images
        if self.unlabeled is not None and len(self.unlabeled):
            images = [*images, *self.unlabeled.images]
        return near_duplicate_pairs(images, self.chunks)

    @cached_property
    def equal_to_earlier(self) -> dict[int, int]:
        """The first sample with the same image, pixel for pixel, of each sample that has one."""
        groups = identical_groups(self.samples.images)
        return {index: group[0] for group in groups for index in group[1:]}

    @cached_property
    def statistics(self) -> ImageStatistics:
        """A few numbers of each image; there must be one."""
        return image_statistics(self.samples, self.chunks)

    @cached_property
    def unlabeled_statistics(self) -> ImageStatistics:
        """A few numbers of each unlabeled image; there must be one."""
        if self.unlabeled is None:
            raise ValueError("there are no unlabeled images")
        return image_statistics(self.unlabeled, self.chunks)

    @cached_property
    def region_counts(self) -> Arrays:
        """Islands and slivers of each mask; there must be one."""
        return region_counts(self.samples, self.taxonomy.background, self.chunks)

    @cached_property
    def mask_fits(self) -> dict[str, NDArray[np.float64]]:
        """How well each mask agrees with how its classes look; there must be one."""
        return mask_fits(self.samples, self.chunks)

    @cached_property
    def class_confidence(self) -> NDArray[np.float64]:
        """The mean probability (C,) of each class where it is labeled; infinite if not judged."""
        if self.probabilities is None or self.samples.masks is None:
            raise ValueError("there are no probabilities, or no masks")
        return class_confidence(self.probabilities, self.samples.masks)

    @property
    def judged_classes(self) -> NDArray[np.bool_]:
        """(C,) the classes that are both labeled and answered somewhere."""
        return np.asarray(np.isfinite(self.class_confidence))

    @cached_property
    def segmenter_fits(self) -> SegmenterFits:
        """How well each mask fits the probabilities, as it is and moved."""
        if self.probabilities is None or self.samples.masks is None:
            raise ValueError("there are no probabilities, or no masks")
        return segmenter_fits(
            self.probabilities, self.samples.masks, self.judged_classes, self.taxonomy.background
        )
