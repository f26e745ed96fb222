"""How names and files are listed: in messages, and on disk."""

from collections.abc import Sequence
from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""The suffixes of image files, in lower case; upper case is read as well."""


def listed(names: Sequence[object], limit: int = 5) -> str:
    """The first `limit` names as text, and how many more there are.

    Example:
        `listed("abcdefg")` is `"a, b, c, d, e and 2 more"`.
    """
    shown = ", ".join(str(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def plural(count: int, noun: str) -> str:
    """A count with its noun, such as "1 image" or "2 images"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def is_image(path: Path) -> bool:
    """Whether `path` is a visible file with the suffix of an image."""
    return (
        path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def list_images(folder: str | Path) -> list[Path]:
    """All PNG, JPEG and TIFF files in `folder` and its subfolders, sorted by path.

    Hidden files are left out: archives made on a Mac hold a `._a.png` beside every `a.png`.
    """
    return sorted(path for path in Path(folder).rglob("*") if is_image(path))


def name_below(path: Path, folder: Path) -> str:
    """The path of a file below `folder`, without suffix and with forward slashes."""
    return path.relative_to(folder).with_suffix("").as_posix()
