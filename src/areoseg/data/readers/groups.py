"""Groups: which samples a split must keep together."""

from collections.abc import Sequence
from pathlib import Path

from areoseg.data.readers.ai4mars_names import site_and_drive
from areoseg.data.readers.listing import plural
from areoseg.errors import AreosegError
from areoseg.errors import one_line


def groups_from_file(path: Path, pairs: int) -> list[str | None]:
    """The groups in a text file with one line a pair, in the order of the pairs.

    AI4Mars names are read as site and drive; other lines are taken as they are.

    Raises:
        AreosegError: The file cannot be read, or has a wrong number of lines, or an empty line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(
            f"{path}: cannot read the groups file ({one_line(error)}): give a text file with one"
            " line a pair"
        ) from error
    if len(lines) != pairs:
        raise AreosegError(
            f"{path}: {plural(len(lines), 'line')} for {plural(pairs, 'pair')}: a groups file has"
            " one line a pair of image and mask, in their order"
        )
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise AreosegError(f"{path}: line {number} is empty: name the group of every pair")
    return [site_and_drive(line.strip()) or line.strip() for line in lines]


def groups_from_names(names: Sequence[str]) -> list[str | None]:
    """The rover stop of each frame whose name tells it, else None."""
    return [site_and_drive(name) for name in names]
