"""Finding the samples that a split names."""

from typing import Any

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError


def split_from_names(
    split: Any, samples: SegmentationDataset, *, where: str = "split"
) -> dict[str, tuple[int, ...]]:
    """Indices of the samples in each part of a split that names them.

    Args:
        split: What a `split.json` holds: for each part a list of names.
        samples: The samples; they need not all be named, and the check `sample-across-split` tells
            those that are named in two parts.
        where: How a message names the split.

    Raises:
        AreosegError: It is no such thing, or names samples that are not there.
    """
    if not isinstance(split, dict) or not all(map(_is_list_of_names, split.values())):
        raise AreosegError(f"{where}: no split: give JSON that maps each part to a list of names")
    index_of = {name: index for index, name in enumerate(samples.names)}
    named = [name for names in split.values() for name in names]
    unknown = [name for name in named if name not in index_of]
    if unknown:
        raise AreosegError(
            f"{where}: {len(unknown)} of {len(named)} samples of this split are not in the data,"
            f" such as {unknown[0]!r}: give the data that it was made for"
        )
    return {part: tuple(index_of[name] for name in names) for part, names in split.items()}


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
