"""Images in object stores and on web servers."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from areoseg.data.readers.files import DATA_SUFFIXES, LABEL_SUFFIXES, LISTED_SUFFIXES
from areoseg.data.readers.rover_image import RoverImage, read_rover_image
from areoseg.errors import AreosegError
from areoseg.utils.storage import RemoteFolder, UrlPath

_WEB = ("http://", "https://")


def remote_images(url: str) -> Iterator[tuple[str, UrlPath, partial[RoverImage]]]:
    """List the images at a URL: one image, or a folder with its subfolders, in order of their URLs.

    Yields:
        The name, the URL, and a function that downloads and reads the image.

    Raises:
        AreosegError: The store cannot be listed, or has no images there.
    """
    folder = RemoteFolder(url)
    path = UrlPath(folder.url)
    if folder.url.startswith(_WEB) or folder.is_file():
        yield path.name, path, partial(read_remote_image, folder.url)
        return
    names = sorted(name for name in folder.files() if _is_listed(name))
    if not names:
        raise AreosegError(f"{url}: no images at this URL: check it")
    for name in names:
        found = f"{folder.url}/{name}"
        yield name, UrlPath(found), partial(read_remote_image, found)


def read_remote_image(url: str) -> RoverImage:
    """Download an image, and the label beside it, and read it.

    Raises:
        AreosegError: It cannot be downloaded or read.
    """
    parent, _, name = url.rpartition("/")
    folder = RemoteFolder(parent)
    with TemporaryDirectory(prefix="areoseg-") as temporary:
        file = Path(temporary, name)
        try:
            folder.download(name, file)
        except FileNotFoundError:
            raise AreosegError(f"{url}: no such file: check the URL") from None
        for label in _labels(folder, name):
            folder.download(label, Path(temporary, label))
        try:
            return read_rover_image(file)
        except AreosegError as error:
            raise AreosegError(str(error).replace(str(file), url)) from None


def _is_listed(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in LISTED_SUFFIXES and not hidden


def _labels(folder: RemoteFolder, name: str) -> Iterator[str]:
    """Yield the names of the labels beside a planetary file."""
    path = PurePosixPath(name)
    if path.suffix.lower() not in DATA_SUFFIXES:
        return
    for suffix in LABEL_SUFFIXES:
        for spelled in (suffix, suffix.upper()):
            if folder.has(f"{path.stem}{spelled}"):
                yield f"{path.stem}{spelled}"
