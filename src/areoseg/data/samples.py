"""Samples: gray images with their masks, names and groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask


@dataclass(frozen=True)
class Sample:
    """One gray image with what is known of it.

    Attributes:
        image: (H, W), uint8 or float32 in 0..1.
        mask: (H, W) uint8, or None where the sample is unlabeled.
        name: Unique within its set; for a file, its path below the set's root without suffix.
        group: What it must not be separated from in a split: its frame or rover stop.
    """

    image: ImageArray
    mask: Mask | None
    name: str
    group: str | None


@dataclass(frozen=True)
class SegmentationDataset:
    """Samples in a fixed order.

    Attributes:
        images: N images; one array (N, H, W) where all have the same size.
        masks: N masks, each the size of its image, or None for an unlabeled set.
        names: N unique names.
        groups: N group names, or None where none are known.
    """

    images: Sequence[ImageArray] | ImageArray
    masks: Sequence[Mask] | Mask | None
    names: tuple[str, ...]
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for what, values in (("masks", self.masks), ("names", self.names), ("groups", self.groups)):
            if values is not None and len(values) != len(self.images):
                raise AreosegError(
                    f"{len(self.images)} images but {len(values)} {what}: give one an image"
                )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(
            image=self.images[index],
            mask=None if self.masks is None else self.masks[index],
            name=self.names[index],
            group=None if self.groups is None else self.groups[index],
        )

    def select(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> "SegmentationDataset":
        """The samples at `indices`, in that order."""
        chosen = [int(index) for index in indices]
        return SegmentationDataset(
            images=_pick(self.images, chosen),
            masks=None if self.masks is None else _pick(self.masks, chosen),
            names=tuple(self.names[index] for index in chosen),
            groups=None if self.groups is None else tuple(self.groups[index] for index in chosen),
        )

    def stacked(self) -> tuple[NDArray[Any], Mask | None]:
        """All images (N, H, W) and all masks (N, H, W) or None, as training takes them.

        Raises:
            AreosegError: The images differ in size.
        """
        sizes = sorted({image.shape for image in self.images})
        if len(sizes) > 1:
            listed = ", ".join(f"{height}x{width}" for height, width in sizes[:4])
            raise AreosegError(
                f"images of {len(sizes)} sizes ({listed}{', ...' if len(sizes) > 4 else ''}) cannot"
                " be batched: cut them into tiles of one size, such as data.tile=[64,128]"
            )
        masks = None if self.masks is None else np.asarray(self.masks)
        return np.asarray(self.images), masks


@dataclass(frozen=True)
class LoadedData:
    """What a reader found at one place.

    Attributes:
        labeled: Samples with masks; may be empty.
        unlabeled: Samples without masks, such as the homework's test set; may be empty.
        warnings: One line for each thing that is odd but usable, such as a constant image.
    """

    labeled: SegmentationDataset
    unlabeled: SegmentationDataset
    warnings: tuple[str, ...] = ()


def _pick(values: Sequence[NDArray[Any]] | NDArray[Any], chosen: list[int]) -> Any:
    """`values` at the positions `chosen`, as an array where `values` is one."""
    if isinstance(values, np.ndarray):
        return values[chosen]
    return [values[index] for index in chosen]
