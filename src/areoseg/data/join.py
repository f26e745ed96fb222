"""Join several datasets of the same classes into one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.groups import joined_groups
from areoseg.data.samples import DatasetPart, LoadedData, SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import as_float


def join_datasets(parts: Mapping[str, LoadedData]) -> LoadedData:
    """Join datasets; each sample is named by its dataset and its own name.

    If any dataset has more than 8 bits, the images of all are float32 in 0..1.

    Args:
        parts: The datasets by name.

    Raises:
        AreosegError: Their classes differ.

    Examples:
        >>> joined = join_datasets({"a": first, "b": second})  # doctest: +SKIP
        >>> joined.labeled.names[0]  # doctest: +SKIP
        'a/0001'
    """
    check_same_classes({name: data.taxonomy for name, data in parts.items()})
    return LoadedData(
        labeled=_joined({name: data.labeled for name, data in parts.items()}),
        unlabeled=_joined({name: data.unlabeled for name, data in parts.items()}),
        taxonomy=next(iter(parts.values())).taxonomy,
        warnings=tuple(f"{name}: {line}" for name, data in parts.items() for line in data.warnings),
        parts=tuple(_part(name, data) for name, data in parts.items()),
        found_groups=any(data.found_groups for data in parts.values()),
    )


def check_same_classes(taxonomies: Mapping[str, Taxonomy]) -> None:
    """Check that datasets have the same classes in the same order, and the same background.

    Raises:
        AreosegError: Two differ; the message has the classes of both.
    """
    (first, expected), *others = taxonomies.items()
    for name, taxonomy in others:
        if (taxonomy.names, taxonomy.background) != (expected.names, expected.background):
            raise AreosegError(
                f"the classes of {name} ({_listed(taxonomy)}) are not those of {first}"
                f" ({_listed(expected)}): give each dataset a dataset.yaml with the same classes in"
                " the same order, and a `map` from its mask values to them"
            )


def _listed(taxonomy: Taxonomy) -> str:
    background = taxonomy.names[taxonomy.background]
    return f"{', '.join(taxonomy.names)}; background: {background}"


def _part(name: str, data: LoadedData) -> DatasetPart:
    groups = data.labeled.groups
    return DatasetPart(
        name=name,
        fingerprint=fingerprint(data.labeled),
        labeled=len(data.labeled),
        unlabeled=len(data.unlabeled),
        groups=None if groups is None else len(set(groups)),
    )


def _joined(parts: Mapping[str, SegmentationDataset]) -> SegmentationDataset:
    filled = {name: part for name, part in parts.items() if len(part)}
    if not filled:
        return next(iter(parts.values()))
    several = list(filled.values())
    eight_bits = all(image.dtype == np.uint8 for part in several for image in part.images)
    images = [
        part.images if eight_bits else [as_float(image) for image in part.images]
        for part in several
    ]
    masks = [part.masks for part in several if part.masks is not None]
    has_groups = any(part.groups is not None for part in several)
    return SegmentationDataset(
        images=_concatenated(images),
        masks=_concatenated(masks) if masks else None,
        names=tuple(f"{name}/{each}" for name, part in filled.items() for each in part.names),
        groups=tuple(
            group
            for name, part in filled.items()
            for group in joined_groups(name, part.groups, part.names)
        )
        if has_groups
        else None,
        not_ground=[known for part in several for known in part.not_ground or [None] * len(part)]
        if any(part.not_ground is not None for part in several)
        else None,
        splits=tuple(split for part in several for split in part.splits or (None,) * len(part))
        if any(part.splits is not None for part in several)
        else None,
        sets=tuple(name for name, part in filled.items() for _ in range(len(part))),
    )


def _concatenated(arrays: Sequence[Sequence[NDArray[Any]] | NDArray[Any]]) -> Any:
    """Return arrays as one array if all have the same size, otherwise as a list."""
    flat = [each for several in arrays for each in several]
    return np.stack(flat) if len({each.shape for each in flat}) == 1 else flat
