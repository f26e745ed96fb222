"""Groups of samples that show the same ground: from a file, from names, and of joined datasets."""

from collections.abc import Sequence
from pathlib import Path

from areoseg.data.missions.metadata import is_rover_stop, rover_stop
from areoseg.errors import AreosegError, one_line, plural


def companion_groups(path: Path) -> Path | None:
    """Return the file `NAME_groups.txt` or `NAME_train_frames.txt` beside a dataset, if any."""
    for ending in ("groups", "train_frames"):
        beside = path.with_name(f"{path.stem}_{ending}.txt")
        if beside.is_file():
            return beside
    return None


def groups_from_file(path: Path, pairs: int) -> list[str | None]:
    """Read the groups of labeled samples from a text file with one line per sample, in order.

    Lines that are names of rover frames become rover stops; other lines are used as group names.

    Raises:
        AreosegError: The file cannot be read, has the wrong number of lines, or has an empty line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(
            f"{path}: cannot read the groups file ({one_line(error)}): give a text file with one"
            " line per pair"
        ) from error
    if len(lines) != pairs:
        raise AreosegError(
            f"{path}: {plural(len(lines), 'line')} for {plural(pairs, 'pair')}: a groups file has"
            " one line per pair of image and mask, in their order"
        )
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise AreosegError(f"{path}: line {number} is empty: name the group of every pair")
    return [rover_stop(line.strip()) or line.strip() for line in lines]


def groups_from_names(names: Sequence[str]) -> list[str | None]:
    """Return the rover stop of each frame, or None if its name does not contain one."""
    return [rover_stop(name) for name in names]


def joined_groups(
    name: str, groups: Sequence[str] | None, sample_names: Sequence[str]
) -> list[str]:
    """Return the groups of one of several joined datasets.

    A rover stop is the same ground in every dataset; other groups have nothing in common with those
    of other datasets, even if they have the same name.

    Args:
        name: The dataset.
        groups: Its groups, or None if they are unknown: each sample is a group of its own.
        sample_names: The names of its samples.
    """
    return [
        group if is_rover_stop(group) else f"{name}/{group}" for group in groups or sample_names
    ]
