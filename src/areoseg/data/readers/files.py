"""Image files: suffixes, names and size limit."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from areoseg.errors import AreosegError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Suffixes of image files in lower case; upper case is accepted as well."""

MAX_PIXELS = 178_956_970
"""Maximum number of pixels of an image, Pillow's limit against decompression bombs."""


def is_image(path: Path) -> bool:
    """Return whether `path` is a visible file with the suffix of an image."""
    return (
        path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def list_images(folder: str | Path) -> list[Path]:
    """Return all PNG, JPEG and TIFF files in `folder` and its subfolders, sorted by path.

    Hidden files are skipped: archives made on a Mac have a file `._a.png` for every `a.png`.
    """
    return sorted(path for path in Path(folder).rglob("*") if is_image(path))


def name_below(path: Path, folder: Path) -> str:
    """Return the path of a file relative to `folder`, without suffix, with forward slashes."""
    return path.relative_to(folder).with_suffix("").as_posix()


def unique_names(paths: Sequence[Path], root: Path) -> list[str]:
    """Return the names of files: paths below `root`, with a suffix only if names would clash."""
    short = [name_below(path, root) for path in paths]
    full = [path.relative_to(root).as_posix() for path in paths]
    count = Counter(short)
    names = [brief if count[brief] == 1 else long for brief, long in zip(short, full, strict=True)]
    return names if len(set(names)) == len(names) else full


def check_size(height: int, width: int, where: str) -> None:
    """Check that an image fits in memory.

    Raises:
        AreosegError: It has more than `MAX_PIXELS` pixels.
    """
    if height * width > MAX_PIXELS:
        raise too_large(f"{where}: {height}x{width} pixels")


def too_large(start: str) -> AreosegError:
    """Return the error for an image that is too large, whose message begins with `start`."""
    return AreosegError(
        f"{start}, more than the limit of {MAX_PIXELS:,}: unless this is a decompression bomb, cut"
        " it into parts"
    )
