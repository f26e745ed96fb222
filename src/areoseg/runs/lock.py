"""A lock on a folder, so that two processes never write runs or predictions into one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from areoseg.errors import AreosegError

LOCK = ".lock"


@contextmanager
def locked(folder: Path, task: str = "training", *, timeout: float = 0) -> Iterator[None]:
    """Hold the lock of a folder, which is created if necessary.

    The operating system releases the lock of a process that dies.

    Args:
        folder: The folder.
        task: What its processes do, for the error message.
        timeout: Seconds to wait while another process holds the lock.

    Raises:
        AreosegError: Another process holds the lock, or the folder cannot be written.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=timeout)
        lock.acquire()
    except Timeout:
        raise AreosegError(
            f"{folder}: another process is {task} in this folder: wait for it, or choose another"
            " --out"
        ) from None
    except OSError as error:
        raise AreosegError(
            f"{folder}: cannot write here: {error.strerror or error}; choose another place"
        ) from None
    try:
        yield
    finally:
        # Before the release: afterwards the file may be the lock of another process.
        with suppress(OSError):
            (folder / LOCK).unlink()
        lock.release()
        for each in missing:  # nothing was written: leave no empty folder behind
            with suppress(OSError):
                each.rmdir()


def check_unlocked(folder: Path) -> None:
    """Check that no other process holds the lock of a folder.

    Raises:
        AreosegError: Another process holds it, or the folder cannot be written.
    """
    with locked(folder):
        pass
