"""Atomic writing of files; reading and writing of JSON."""

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from areoseg.errors import AreosegError, one_line

PathLike = str | Path

ModelPath = str | os.PathLike[str]
"""A run folder, an exported file, the name of a bundled model, or a `Run`."""


def path_list(paths: ModelPath | Iterable[ModelPath]) -> list[str]:
    """Return one or several paths as a list of strings."""
    several = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    return [os.fspath(path) for path in several]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to, and rename it to `path` at the end.

    If writing fails, `path` is unchanged and the temporary file is removed.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    # Without the name of the file, which may be as long as the file system allows.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this file: {error.strerror or error}. Choose another place"
        ) from None
    finally:
        with suppress(OSError):  # the folder could not be created either
            temporary.unlink()


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
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
            yield Path(folder) / path.name
            for file in sorted(Path(folder).iterdir()):
                file.replace(path.with_name(file.name))


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
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AreosegError(f"{path}: cannot read this file: {one_line(error)}") from None
