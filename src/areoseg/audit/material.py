"""What an audit is given: scenes, and what else is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.chunks import Arrays, Chunks
from areoseg.audit.class_appearance import mask_fits
from areoseg.audit.confident_disagreement import class_confidence
from areoseg.audit.identical import identical_groups
from areoseg.audit.image_statistics import ImageStatistics, image_statistics
from areoseg.audit.near_duplicate_pairs import Pairs, near_duplicate_pairs
from areoseg.audit.segmenter_fits import SegmenterFits, segmenter_fits
from areoseg.audit.small_regions import region_counts
from areoseg.data.scenes import SceneSet
from areoseg.taxonomy import MARS, Taxonomy

Need = Literal["masks", "groups", "unlabelled", "split", "probabilities"]
"""What a check cannot do without; it is left out where the material lacks it."""


@dataclass(frozen=True)
class Material:
    """Scenes to audit, and what else is known of them.

    Attributes:
        scenes: The scenes whose faults are looked for, with masks or without.
        unlabelled: Images without masks that belong to them, such as a test set, or None.
        split: Indices of the scenes in each part of a split, such as `train` and `val`, or None.
        probabilities: For each scene (C, H, W) class probabilities of a segmenter that was not
            trained on it, or None.
        taxonomy: The classes.
        chunks: How work on single scenes is spread, shown and kept.
    """

    scenes: SceneSet
    unlabelled: SceneSet | None = None
    split: Mapping[str, Sequence[int]] | None = None
    probabilities: Sequence[NDArray[np.floating[Any]]] | None = None
    taxonomy: Taxonomy = MARS
    chunks: Chunks = field(default_factory=Chunks)

    def has(self, need: Need) -> bool:
        """Whether there is what a check needs."""
        if need == "masks":
            return self.scenes.masks is not None
        if need == "groups":
            return self.scenes.groups is not None
        if need == "unlabelled":
            return self.unlabelled is not None and len(self.unlabelled) > 0
        return getattr(self, need) is not None

    @cached_property
    def near_duplicates(self) -> tuple[Pairs, NDArray[np.float32]]:
        """Pairs (P, 2) of images that show nearly the same, or exactly, and their correlation (P,).

        Unlabelled images are counted on after the scenes.
        """
        images: Any = self.scenes.images
        if self.unlabelled is not None and len(self.unlabelled):
            images = [*images, *self.unlabelled.images]
        return near_duplicate_pairs(images, self.chunks)

    @cached_property
    def equal_to_earlier(self) -> dict[int, int]:
        """The first scene with the same image, pixel for pixel, of each scene that has one."""
        groups = identical_groups(self.scenes.images)
        return {index: group[0] for group in groups for index in group[1:]}

    @cached_property
    def statistics(self) -> ImageStatistics:
        """A few numbers of each image; there must be one."""
        return image_statistics(self.scenes, self.chunks)

    @cached_property
    def unlabelled_statistics(self) -> ImageStatistics:
        """A few numbers of each unlabelled image; there must be one."""
        if self.unlabelled is None:
            raise ValueError("there are no unlabelled images")
        return image_statistics(self.unlabelled, self.chunks)

    @cached_property
    def region_counts(self) -> Arrays:
        """Islands and slivers of each mask; there must be one."""
        return region_counts(self.scenes, self.taxonomy.background, self.chunks)

    @cached_property
    def mask_fits(self) -> dict[str, NDArray[np.float64]]:
        """How well each mask agrees with how its classes look; there must be one."""
        return mask_fits(self.scenes, self.chunks)

    @cached_property
    def class_confidence(self) -> NDArray[np.float64]:
        """The mean probability (C,) of each class where it is labelled; infinite if not judged."""
        if self.probabilities is None or self.scenes.masks is None:
            raise ValueError("there are no probabilities, or no masks")
        return class_confidence(self.probabilities, self.scenes.masks)

    @property
    def judged_classes(self) -> NDArray[np.bool_]:
        """(C,) the classes that are both labelled and answered somewhere."""
        return np.asarray(np.isfinite(self.class_confidence))

    @cached_property
    def segmenter_fits(self) -> SegmenterFits:
        """How well each mask fits the probabilities, as it is and moved."""
        if self.probabilities is None or self.scenes.masks is None:
            raise ValueError("there are no probabilities, or no masks")
        return segmenter_fits(
            self.probabilities, self.scenes.masks, self.judged_classes, self.taxonomy.background
        )
