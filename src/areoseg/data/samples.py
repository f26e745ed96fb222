"""Samples: gray images with their masks, names and groups."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from areoseg.data.ground import find_not_ground
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS, VOID, Taxonomy
from areoseg.utils.images import ImageArray, Mask

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """One gray image with its mask, name and group.

    Attributes:
        image: (H, W), uint8 or float32 in 0..1.
        mask: (H, W) uint8, or None if the sample is unlabeled.
        name: Unique within its dataset; for a file, its path below the root without suffix.
        group: Frame or rover stop; a split keeps samples of one group together.
        not_ground: (H, W) bool, pixels that are certainly not ground, such as the rover; None if
            this is unknown.
    """

    image: ImageArray
    mask: Mask | None
    name: str
    group: str | None
    not_ground: NDArray[np.bool_] | None = None

    def background_pixels(self, background: int) -> NDArray[np.bool_]:
        """Return which pixels are certainly background: as known, or as the mask suggests.

        Args:
            background: Index of the background class.

        Returns:
            (H, W) bool; see `find_not_ground`.
        """
        if self.mask is None:
            raise ValueError("a labeled sample is needed")
        unlabeled = self.mask == background
        return find_not_ground(unlabeled) if self.not_ground is None else self.not_ground


@dataclass(frozen=True)
class SegmentationDataset:
    """Samples in a fixed order.

    Attributes:
        images: N images; one array (N, H, W) if all have the same size.
        masks: N masks, each of the size of its image, or None for unlabeled samples.
        names: N unique names.
        groups: N group names, or None if they are unknown.
        not_ground: N arrays, the pixels that are certainly not ground, or None where unknown.
        splits: N names of splits that the dataset description assigns, None for samples that are in
            none of them; or None without such a description.
        sets: N names of the datasets that were joined; None: a single one.

    Raises:
        AreosegError: The lengths differ.
    """

    images: Sequence[ImageArray] | ImageArray
    masks: Sequence[Mask] | Mask | None
    names: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    not_ground: Sequence[NDArray[np.bool_] | None] | None = None
    splits: tuple[str | None, ...] | None = None
    sets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for kind in ("masks", "names", "groups", "splits", "sets"):
            values = getattr(self, kind)
            if values is not None and len(values) != len(self.images):
                raise AreosegError(
                    f"{len(self.images)} images but {len(values)} {kind}: give one per image"
                )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(
            image=self.images[index],
            mask=None if self.masks is None else self.masks[index],
            name=self.names[index],
            group=None if self.groups is None else self.groups[index],
            not_ground=None if self.not_ground is None else self.not_ground[index],
        )

    def select(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> "SegmentationDataset":
        """Return the samples at `indices`, in that order."""
        positions = [int(index) for index in indices]
        return SegmentationDataset(
            images=_pick(self.images, positions),
            masks=None if self.masks is None else _pick(self.masks, positions),
            names=tuple(self.names[index] for index in positions),
            groups=_chosen(self.groups, positions),
            not_ground=None
            if self.not_ground is None
            else [self.not_ground[index] for index in positions],
            splits=_chosen(self.splits, positions),
            sets=_chosen(self.sets, positions),
        )

    def indices_by_set(self) -> dict[str, list[int]]:
        """Return the indices of the samples of each joined dataset, by its name.

        Without joined datasets there is one, whose name is empty.
        """
        found: dict[str, list[int]] = {}
        for index, name in enumerate(self.sets or ("",) * len(self)):
            found.setdefault(name, []).append(index)
        return found

    def with_unknown(self, background: int) -> "SegmentationDataset":
        """Return labeled samples whose background pixels are void unless they are certain.

        Args:
            background: Index of the background class.
        """
        masks = []
        for index in range(len(self)):
            sample = self[index]
            assert sample.mask is not None
            mask = sample.mask.copy()
            mask[(mask == background) & ~sample.background_pixels(background)] = VOID
            masks.append(mask)
        return replace(self, masks=_like(self.masks, masks))

    def stacked(self) -> tuple[NDArray[Any], Mask | None]:
        """Return all images (N, H, W), and all masks (N, H, W) or None.

        Raises:
            AreosegError: The images differ in size.
        """
        sizes = sorted({image.shape for image in self.images})
        if len(sizes) > 1:
            listed = ", ".join(f"{height}x{width}" for height, width in sizes[:4])
            raise AreosegError(
                f"images of {len(sizes)} sizes ({listed}{', ...' if len(sizes) > 4 else ''}) cannot"
                " be batched: cut them into tiles of one size, for example with data.tile=[64,128]"
            )
        masks = None if self.masks is None else np.asarray(self.masks)
        return np.asarray(self.images), masks


@dataclass(frozen=True)
class DatasetPart:
    """One of several datasets that were joined.

    Attributes:
        name: What the names of its samples begin with.
        fingerprint: Hash of its labeled samples as they are when it is read alone.
        labeled: Number of labeled samples.
        unlabeled: Number of unlabeled samples.
        groups: Number of groups, or None if they are unknown.
    """

    name: str
    fingerprint: str
    labeled: int
    unlabeled: int
    groups: int | None


@dataclass(frozen=True)
class LoadedData:
    """A dataset as returned by `read`.

    Attributes:
        labeled: Samples with masks; may be empty.
        unlabeled: Samples without masks, for example the homework's test set; may be empty.
        taxonomy: The classes of the masks.
        warnings: One line for each usable anomaly, for example a constant image.
        found_groups: Whether the groups are tiles whose edges continue each other, and therefore
            incomplete.
        parts: The datasets that were joined; empty for a single one.
    """

    labeled: SegmentationDataset
    unlabeled: SegmentationDataset
    taxonomy: Taxonomy = MARS
    warnings: tuple[str, ...] = ()
    found_groups: bool = False
    parts: tuple[DatasetPart, ...] = ()


def fingerprint(samples: SegmentationDataset) -> str:
    """Return a hash of all names, images and masks, which identifies a dataset."""
    digest = hashlib.blake2b(digest_size=16)
    for index in range(len(samples)):
        sample = samples[index]
        digest.update(sample.name.encode())
        digest.update(sample.image.tobytes())
        if sample.mask is not None:
            digest.update(sample.mask.tobytes())
    return digest.hexdigest()


def _like(values: Any, arrays: list[Mask]) -> Any:
    """Return arrays of one size as one array if `values` is one."""
    return np.stack(arrays) if isinstance(values, np.ndarray) and arrays else arrays


def _chosen(values: tuple[T, ...] | None, positions: list[int]) -> tuple[T, ...] | None:
    return None if values is None else tuple(values[index] for index in positions)


def _pick(values: Sequence[NDArray[Any]] | NDArray[Any], positions: list[int]) -> Any:
    """Return the values at these positions, as an array if `values` is one."""
    if isinstance(values, np.ndarray):
        return values[positions]
    return [values[index] for index in positions]
