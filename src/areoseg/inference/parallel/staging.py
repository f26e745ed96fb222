"""The tables of an output folder on disk, also if the folder is in an object store."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from areoseg.inference.folder import ERRORS_TABLE, SHARES_TABLE
from areoseg.inference.settings import SETTINGS
from areoseg.report.gallery import page_name
from areoseg.runs.lock import locked
from areoseg.utils.files import PathLike
from areoseg.utils.storage import RemoteFolder, UrlPath, is_url


@contextmanager
def staged(out: PathLike) -> Iterator[Path]:
    """Yield a folder on disk that has the tables of `out`; changes are uploaded at the end.

    A folder on disk is yielded as it is. In an object store, nothing is changed if the block fails.

    Args:
        out: A folder or URL.

    Raises:
        AreosegError: A table cannot be read or written.
    """
    if not is_url(out):
        yield Path(out)
        return
    remote = RemoteFolder(str(out))
    with TemporaryDirectory(prefix="areoseg-") as temporary:
        stage = Path(temporary, UrlPath(remote.url).name)  # pages have the name of the folder
        stage.mkdir()
        for name in (SETTINGS, SHARES_TABLE, ERRORS_TABLE):
            with suppress(FileNotFoundError):
                remote.download(name, stage / name)
        with suppress(FileNotFoundError):
            for number in count(1):
                remote.download(page_name(number), stage / page_name(number))
        before = _content(stage)
        yield stage
        after = _content(stage)
        for name in sorted(after):
            if after[name] != before.get(name):
                remote.upload(stage / name, name)
        remote.remove(before.keys() - after.keys())


@contextmanager
def lock_folder(out: PathLike, *, timeout: float = 0) -> Iterator[None]:
    """Hold the lock of a folder on disk; object stores have none."""
    with nullcontext() if is_url(out) else locked(Path(out), "predicting", timeout=timeout):
        yield


def _content(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file."""
    found = {}
    for file in folder.iterdir():
        status = file.stat()
        found[file.name] = (status.st_size, status.st_mtime_ns)
    return found
