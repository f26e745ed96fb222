"""Folders on disk, in object stores and on web servers; the latter two by fsspec, with retries."""

import os
import random
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from areoseg.errors import AreosegError, one_line
from areoseg.utils.extras import need
from areoseg.utils.files import PathLike, write_text, writing

ATTEMPTS = 5
"""Times that a request is made before it counts as failed."""

_FIRST_DELAY = 0.5
"""Seconds before the first retry; each further delay is twice as long, and half of it random."""

_URL = re.compile(r"([a-z][a-z0-9+]+):/+(.+)")

T = TypeVar("T")


def is_url(path: object) -> bool:
    """Return whether a path is a URL such as `s3://bucket/folder`.

    A single slash suffices, since `Path` drops the other.
    """
    return _URL.fullmatch(str(path)) is not None


def checked_url(path: object) -> str:
    """Return a URL with both slashes and without a slash at the end.

    Raises:
        AreosegError: The URL has credentials, which would appear in tables and messages.
    """
    found = _URL.fullmatch(str(path))
    assert found is not None
    url = f"{found[1]}://{found[2].rstrip('/')}"
    if "@" in urlsplit(url).netloc:
        raise AreosegError(
            "a URL with credentials: give them in the environment, for example as"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return url


class UrlPath(PosixPath):
    """A URL in place of a path; only its name and text are used."""

    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)

    def absolute(self) -> Self:
        """Return the URL itself."""
        return self

    def exists(self, **_: Any) -> bool:
        """Return True: asking takes a request."""
        return True


def shown_path(path: PathLike) -> Path:
    """Return a path or URL as the path that tables and messages show."""
    return UrlPath(checked_url(path)) if is_url(path) else Path(path)


class Folder(Protocol):
    """A folder whose files are named relative to it, with forward slashes."""

    def files(self, below: str) -> set[str]:
        """List the files in a subfolder and all of its subfolders, as names."""

    def read_text(self, name: str) -> str:
        """Return the content of a file; FileNotFoundError if there is none."""

    def write_text(self, name: str, text: str) -> None:
        """Replace a file."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, also such as do not exist."""


class RemoteFolder:
    """A folder in an object store; see `Folder`.

    Files are replaced as a whole, as object stores do.

    Args:
        url: The folder.

    Raises:
        AreosegError: fsspec or the package for this kind of store is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)
        fsspec = need("fsspec", extra="remote")
        try:
            self._store, self._root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise AreosegError(
                f"{url}: cannot open this store: {one_line(error)}: pip install 'areoseg[remote]'"
            ) from None

    def __str__(self) -> str:
        return self.url

    def files(self, below: str = "") -> set[str]:
        """List the files in a subfolder and all of its subfolders."""
        folder = f"{self._root}/{below}".rstrip("/")

        def find() -> list[str]:
            self._store.invalidate_cache()
            with suppress(FileNotFoundError):
                return list(self._store.find(folder))
            return []

        return {path.removeprefix(f"{self._root}/") for path in self._retry(find, below)}

    def is_file(self) -> bool:
        """Return whether the URL is that of a file."""
        return self._retry(lambda: bool(self._store.isfile(self._root)), "")

    def has(self, name: str) -> bool:
        """Return whether there is a file."""
        return self._retry(lambda: bool(self._store.isfile(self._path(name))), name)

    def read_text(self, name: str) -> str:
        """Return the content of a file; FileNotFoundError if there is none."""
        content: bytes = self._retry(lambda: self._store.cat_file(self._path(name)), name)
        return content.decode()

    def download(self, name: str, file: Path) -> None:
        """Copy a file to a local one; FileNotFoundError if there is none."""
        content = self._retry(lambda: self._store.cat_file(self._path(name)), name)
        file.write_bytes(content)

    def write_text(self, name: str, text: str) -> None:
        """Replace a file."""
        self._retry(lambda: self._store.pipe_file(self._path(name), text.encode()), name)

    def upload(self, file: Path, name: str) -> None:
        """Replace a file by a local one."""
        self._retry(lambda: self._store.pipe_file(self._path(name), file.read_bytes()), name)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, also such as do not exist."""
        for name in names:

            def remove(path: str = self._path(name)) -> None:
                with suppress(FileNotFoundError):
                    self._store.rm_file(path)

            self._retry(remove, name)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else str(self._root)

    def _retry(self, request: Callable[[], T], name: str) -> T:
        """Make a request, again after a delay if it fails.

        Raises:
            FileNotFoundError: There is no such file.
            AreosegError: It is forbidden, or failed each time.
        """
        url = f"{self.url}/{name}".rstrip("/")
        for attempt in range(ATTEMPTS):
            try:
                return request()
            except FileNotFoundError:
                raise
            except PermissionError as error:
                raise AreosegError(
                    f"{url}: access denied: {one_line(error)}: check the credentials in the"
                    " environment"
                ) from None
            except Exception as error:  # stores have exceptions of their own
                if attempt == ATTEMPTS - 1:
                    raise AreosegError(
                        f"{url}: {ATTEMPTS} attempts failed: {one_line(error)}: check the"
                        " connection, and continue with --resume"
                    ) from None
            time.sleep(_FIRST_DELAY * 2**attempt * random.uniform(0.5, 1))
        raise AssertionError


class LocalFolder:
    """A folder on disk; see `Folder`.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def files(self, below: str) -> set[str]:
        """List the files in a subfolder and all of its subfolders."""
        return {
            f"{Path(folder).relative_to(self.path).as_posix()}/{file}"
            for folder, _, files in os.walk(self.path / below)
            for file in files
        }

    def read_text(self, name: str) -> str:
        """Return the content of a file; FileNotFoundError if there is none."""
        return (self.path / name).read_text(encoding="utf-8")

    def write_text(self, name: str, text: str) -> None:
        """Replace a file."""
        write_text(self.path / name, text)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, also such as do not exist, and folders that become empty."""
        for name in names:
            file = self.path / name
            with writing(file):
                file.unlink(missing_ok=True)
            with suppress(OSError):  # there are other files
                file.parent.rmdir()


def open_folder(path: PathLike) -> Folder:
    """Return a folder on disk or, for a URL, in an object store."""
    return RemoteFolder(str(path)) if is_url(path) else LocalFolder(Path(path))
