"""Writing files so that nobody ever meets half of one, and JSON both ways."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

from areoseg.errors import AreosegError
from areoseg.errors import one_line


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; what was written becomes `path` at the end.

    Where writing fails, `path` stays as it was and the beginnings are removed.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot write this file: {error.strerror or error}; choose another place"
        ) from None
    finally:
        with suppress(OSError):  # where even the folder could not be made
            beside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one piece or not at all; see `replacing`."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON in one piece or not at all; see `replacing`."""
    write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The values in a JSON file.

    Raises:
        AreosegError: It cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AreosegError(f"{path}: cannot read this file: {one_line(error)}") from None
