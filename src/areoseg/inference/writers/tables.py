"""CSV tables that grow by a row an image and survive an interruption."""

import csv
import io
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

from areoseg.errors import AreosegError
from areoseg.errors import one_line

AddRow = Callable[[Sequence[object]], None]
"""Writes the next row, so that it outlives the program."""


@contextmanager
def table_rows(path: Path, header: Sequence[str]) -> Iterator[AddRow]:
    """Give a function that takes the rows of a CSV file.

    They are written to `.NAME.part`, which becomes `path` at the end; after a crash it stays, and
    `earlier_rows` reads it.

    Raises:
        AreosegError: The table cannot be written.
    """
    part = _part(path)
    with _saying(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Names that are not UTF-8 come back as they were.
        file = part.open("w", newline="", encoding="utf-8", errors="surrogateescape")
    writer = csv.writer(file, lineterminator="\n")

    def add(row: Sequence[object]) -> None:
        with _saying(path):
            writer.writerow(row)
            file.flush()

    try:
        add(header)
        yield add
        with _saying(path):
            file.close()
            part.replace(path)
    finally:
        with suppress(OSError):  # what could not be written has been said
            file.close()


def earlier_rows(path: Path, header: Sequence[str]) -> list[list[str]]:
    """The rows that earlier runs wrote, finished or not; none from tables with other columns.

    A row that was cut short is left out.
    """
    rows: dict[str, list[str]] = {}
    for each in (path, _part(path)):
        with suppress(FileNotFoundError):
            rows |= {row[0]: row for row in _whole_rows(each, list(header))}
    return list(rows.values())


def remove_table(path: Path) -> None:
    """Remove a table and its part, if they are there.

    Raises:
        AreosegError: They cannot be removed.
    """
    with _saying(path):
        for each in (path, _part(path)):
            each.unlink(missing_ok=True)


def _whole_rows(path: Path, header: list[str]) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error:
        return []
    if not rows or rows[0] != header:
        return []
    return [row for row in rows[1 : None if text.endswith("\n") else -1] if len(row) == len(header)]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _saying(path: Path) -> Iterator[None]:
    """An `OSError` as one line."""
    try:
        yield
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this file: {one_line(error)}; choose another place"
        ) from None
