"""Temporary files and folders beside their destination, also after a process was killed.

Each is locked by the process that writes it. The operating system releases the locks of a process
that dies, so that the next process that writes to the folder recognizes and removes what was left.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing is removed
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".areoseg-", ".tmp"

_checked: set[Path] = set()
"""Folders in which this process has already looked for abandoned files."""


@contextmanager
def temporary_in(folder: Path, *, directory: bool = False) -> Iterator[Path]:
    """Yield an empty temporary file or directory, which is removed at the end if it is still there.

    Args:
        folder: Where to create it; the folder exists.
        directory: Whether to create a directory instead of a file.

    Raises:
        OSError: It cannot be created.
    """
    if folder not in _checked:
        remove_abandoned(folder)
        _checked.add(folder)
    while True:
        # Without the name of the destination, which may be as long as the file system allows.
        path = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
        if directory:
            path.mkdir()
        else:
            path.touch(exist_ok=False)
        lock = _lock(path)
        if lock is not None:
            break
    try:
        yield path
    finally:
        _remove(path)
        if lock >= 0:
            os.close(lock)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files and directories of dead processes from a folder.

    What cannot be removed stays: the caller will learn soon enough that it cannot write here.
    """
    if fcntl is None:
        return
    with suppress(OSError):
        for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
            lock = _lock(path)
            if lock is not None:
                _remove(path)
                os.close(lock)


def _lock(path: Path) -> int | None:
    """Return the descriptor that locks a path, or None if another process holds or removed it."""
    if fcntl is None:
        return -1
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:  # a file system without locks
        os.close(lock)
        return -1
    os.close(lock)
    return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
