"""CSV tables with one row per image that survive an interruption."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from areoseg.errors import AreosegError
from areoseg.utils.files import csv_cells, plain_cells, writing

AddRow = Callable[[Sequence[object]], None]
"""Writes the next row and flushes it to disk."""


@contextmanager
def table_rows(path: Path, header: Sequence[str]) -> Iterator[AddRow]:
    """Yield a function that writes the rows of a CSV file.

    Rows are written to `.NAME.part`, which is renamed to `path` at the end; after a crash it
    remains and is read by `earlier_rows`.

    Raises:
        AreosegError: The table cannot be written.
    """
    part = _part(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Names that are not UTF-8 are preserved.
        file = part.open("w", newline="", encoding="utf-8", errors="surrogateescape")
    writer = csv.writer(file, lineterminator="\n")

    def add(row: Sequence[object]) -> None:
        with writing(path):
            writer.writerow(csv_cells(row))
            file.flush()

    try:
        add(header)
        yield add
        with writing(path):
            file.close()
            part.replace(path)
    finally:
        with suppress(OSError):  # the write error has already been reported
            file.close()


def earlier_rows(path: Path, header: Sequence[str]) -> list[list[str]]:
    """Return the rows of earlier calls, finished or not; a truncated row is skipped.

    Raises:
        AreosegError: The table has other columns.
    """
    rows: dict[str, list[str]] = {}
    for each in (path, _part(path)):
        with suppress(FileNotFoundError):
            rows |= {row[0]: row for row in _whole_rows(each, list(header))}
    return list(rows.values())


def remove_table(path: Path) -> None:
    """Remove a table and its part file, if they exist.

    Raises:
        AreosegError: A file cannot be removed.
    """
    with writing(path):
        for each in (path, _part(path)):
            each.unlink(missing_ok=True)


def _whole_rows(path: Path, header: list[str]) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    try:
        rows = [plain_cells(row) for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error:
        return []
    whole = rows[: None if text.endswith("\n") else -1]
    if whole and whole[0] != header:
        raise AreosegError(f"{path}: this table has other columns: choose another --out")
    return [row for row in whole[1:] if len(row) == len(header)]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
