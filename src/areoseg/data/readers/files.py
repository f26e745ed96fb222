"""Image files: suffixes, listing of folders, names and size limit."""

import math
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from areoseg.errors import AreosegError, plural, printable, shorten

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Suffixes of image files in lower case; upper case is accepted as well."""

DATA_SUFFIXES = (".img", ".vic", ".vicar", ".2a", ".2b", ".2c")
"""Suffixes of files that contain the pixels of a planetary image."""

LABEL_SUFFIXES = (".lbl", ".xml", ".2al", ".2bl", ".2cl")
"""Suffixes of PDS labels that are separate from their pixels."""

PLANETARY_SUFFIXES = (*DATA_SUFFIXES, ".dat", *LABEL_SUFFIXES)
"""Suffixes of files that are read by their label. In a folder, `.dat` files are not images."""

LISTED_SUFFIXES = (*IMAGE_SUFFIXES, *DATA_SUFFIXES)
"""Suffixes of the files of a folder that are images."""

MAX_PIXELS = 178_956_970
"""Maximum number of pixels of an image, Pillow's limit against decompression bombs."""

_max_pixels = ContextVar("max_pixels", default=MAX_PIXELS)


class TooLargeError(AreosegError):
    """An image has more pixels than are allowed."""


@dataclass(frozen=True)
class FolderListing:
    """The images in a folder and its subfolders.

    Attributes:
        images: The files, sorted by path.
        broken: Links whose target does not exist.
        skipped: Linked folders that were not followed, since they were listed already: links in a
            circle, or two links to one folder.
    """

    images: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """One line for each kind of link that could not be followed."""
        return [
            f"{plural(len(links), what)}: {shorten(links)}"
            for what, links in (
                ("link to nothing, left out", self.broken),
                ("link to a folder that is listed already, left out", self.skipped),
            )
            if links
        ]


def is_image(path: Path) -> bool:
    """Return whether `path` is a visible file with the suffix of an image."""
    return (
        path.suffix.lower() in LISTED_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def list_images(folder: str | Path) -> list[Path]:
    """Return all image files in `folder` and its subfolders, sorted by path; see `walk_images`."""
    return walk_images(folder).images


def walk_images(folder: str | Path) -> FolderListing:
    """List the image files in `folder` and its subfolders.

    Hidden files and folders are left out: archives made on a Mac have a file `._a.png` for every
    `a.png`, and `.Trash` and `.ipynb_checkpoints` hold copies. Links to folders are followed once.
    """
    listing = FolderListing()
    root = Path(folder)
    seen: set[tuple[int, int]] = set()
    linked: list[Path] = []
    _walk(root, seen, linked, listing)
    while linked:  # after all real folders, so that a link never takes the place of one
        link = linked.pop(0)
        if _identity(link) in seen:
            listing.skipped.append(link)
        else:
            _walk(link, seen, linked, listing)
    listing.images.sort()
    return listing


def _walk(
    folder: Path, seen: set[tuple[int, int]], linked: list[Path], listing: FolderListing
) -> None:
    """Add the images below a folder to the listing; links to folders are added to `linked`."""
    pending = [folder]
    while pending:
        current = pending.pop()
        seen.add(_identity(current))
        try:
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise AreosegError(f"{current}: cannot list this folder: {error.strerror}") from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = current / entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif entry.is_symlink() and not _exists(path):
                listing.broken.append(path)
            elif entry.is_symlink() and path.is_dir():
                linked.append(path)
            elif path.suffix.lower() in LISTED_SUFFIXES and entry.is_file():
                listing.images.append(path)


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError:
        return (-1, -1)
    return found.st_dev, found.st_ino


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # also links in a circle
        return False
    return True


def name_below(path: Path, folder: Path) -> str:
    """Return the path of a file relative to `folder`, without suffix, with forward slashes.

    Names are in Unicode's composed form (NFC), since a Mac decomposes accented letters; bytes that
    are not UTF-8 are written in hexadecimal.
    """
    return portable(path.relative_to(folder).with_suffix("").as_posix())


def unique_names(paths: Sequence[Path], root: Path) -> list[str]:
    """Return the names of files: paths below `root`, with a suffix only if names would clash."""
    short = [name_below(path, root) for path in paths]
    full = [portable(path.relative_to(root).as_posix()) for path in paths]
    count = Counter(short)
    names = [brief if count[brief] == 1 else long for brief, long in zip(short, full, strict=True)]
    return names if len(set(names)) == len(names) else full


def by_unique_name(paths: Sequence[Path], names: Sequence[str], where: str) -> dict[str, Path]:
    """Return the files by name.

    Raises:
        AreosegError: Two files have the same name; the message has both paths.
    """
    found: dict[str, Path] = {}
    for path, name in zip(paths, names, strict=True):
        if name in found:
            raise AreosegError(
                f"{where}: {found[name]} and {path} have the same name {name!r}: keep one of them"
            )
        found[name] = path
    return found


def portable(name: str) -> str:
    """Return a name in Unicode's composed form, in which any bytes can be written as UTF-8."""
    return unicodedata.normalize("NFC", printable(name))


@contextmanager
def pixel_limit(pixels: int) -> Iterator[None]:
    """Lower the maximum number of pixels of an image, `MAX_PIXELS`, within a block."""
    token = _max_pixels.set(min(pixels, MAX_PIXELS))
    try:
        yield
    finally:
        _max_pixels.reset(token)


def check_size(height: int, width: int, where: str) -> None:
    """Check that an image fits in memory.

    Raises:
        TooLargeError: It has more pixels than the limit: `MAX_PIXELS`, or that of `pixel_limit`.
    """
    if height * width > _max_pixels.get():
        raise too_large(f"{where}: {height}x{width} pixels")


def first_of(count: int, what: str) -> str:
    """Return the warning about a file of which only the first page or frame is read."""
    return f"only {what} 1 of {count} is read"


def several_masks(path: Path, what: str) -> AreosegError:
    """Return the error for a file that contains several masks."""
    return AreosegError(f"{path}: a mask with several {what}: store the class indices in one")


def too_large(start: str) -> TooLargeError:
    """Return the error for an image that is too large, whose message begins with `start`."""
    return TooLargeError(
        f"{start}, more than the limit of {_max_pixels.get():,}: unless this is a decompression"
        " bomb, cut it into parts"
    )


def physical_memory() -> float:
    """Return the memory of this machine in bytes; infinity if it is unknown."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not on Windows
        return math.inf
