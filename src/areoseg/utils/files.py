"""Atomic writing of files; reading and writing of JSON."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from areoseg.errors import AreosegError, one_line
from areoseg.utils.temporary import temporary_in

PathLike = str | Path

ModelPath = str | os.PathLike[str]
"""A run folder, an exported file, the name of a bundled model, or a `Run`."""


def path_list(paths: ModelPath | Iterable[ModelPath]) -> list[str]:
    """Return one or several paths as a list of strings."""
    several = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    return [os.fspath(path) for path in several]


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to, and rename it to `path` at the end.

    If writing fails, `path` is unchanged and the temporary file is removed.

    Args:
        path: The file to write.
        sync: Whether to wait until the content is on the disk, so that a power failure leaves
            either the old or the new file. That takes several milliseconds.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_in(path.parent) as temporary:
            yield temporary
            if sync:
                sync_file(temporary)
            temporary.replace(path)
            if sync:
                sync_folder(path.parent)
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this file: {error.strerror or error}; choose another place"
        ) from None


def sync_file(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with path.open("rb+") as file:  # Windows needs write access
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into one line that names the file.

    Raises:
        AreosegError: The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this file: {one_line(error)}; choose another place"
        ) from None


@contextmanager
def replacing_several(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a temporary folder beside, to write files of one name to.

    At the end they are moved beside `path` in the order of their suffixes. If writing fails, none
    of them remains.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_in(path.parent, directory=True) as folder:
            yield folder / path.name
            files = sorted(folder.iterdir())
            for file in files:
                sync_file(file)
            for file in files:
                file.replace(path.with_name(file.name))
            sync_folder(path.parent)


@contextmanager
def creating_folder(path: Path) -> Iterator[Path]:
    """Yield a folder of the same name in a temporary one, and rename it to `path` at the end.

    If writing fails, nothing remains.

    Args:
        path: The folder to create, which is absent or empty.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_in(path.parent, directory=True) as temporary:
            folder = temporary / path.name
            folder.mkdir()
            yield folder
            for file in folder.rglob("*"):
                if file.is_file():
                    sync_file(file)
            folder.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this folder: {one_line(error)}; choose another place"
        ) from None


def check_not_input(out: PathLike, *inputs: PathLike) -> None:
    """Check that a file to write is none of those that are read.

    Raises:
        AreosegError: It is one of them, maybe under another name.
    """
    for path in map(Path, inputs):
        if path.exists() and Path(out).exists() and path.samefile(out):
            raise AreosegError(f"{out}: this file is an input: choose another --out")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON atomically; see `replacing`."""
    write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the values in a JSON file.

    Raises:
        AreosegError: The file cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AreosegError(f"{path}: cannot read this file: {one_line(error)}") from None


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the values of a JSON file that contains an object.

    Raises:
        AreosegError: The file cannot be read, or contains something else.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise AreosegError(f"{path}: not a JSON object, but {type(values).__name__}: copy it again")
    return values


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


def csv_cells(row: Iterable[object]) -> list[object]:
    """Return the cells of a CSV row, with an apostrophe before text that looks like a formula.

    Names come from files. Numbers stay as they are.

    Examples:
        >>> csv_cells(["=1+1", -0.5, "-0.5"])
        ["'=1+1", -0.5, '-0.5']
    """
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in row]


def plain_cells(row: Iterable[str]) -> list[str]:
    """Undo `csv_cells`."""
    return [cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell for cell in row]


def _is_formula(text: str) -> bool:
    if not text.startswith(_FORMULA):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
