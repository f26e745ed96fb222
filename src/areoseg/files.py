"""Writing files so that nobody ever meets half of one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from areoseg.errors import AreosegError


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
