"""Splits that a dataset description assigns: lists of names, text files, or folders."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from areoseg.errors import AreosegError, did_you_mean, one_line, plural, shorten

KEYS = ("train", "val", "test")


@dataclass(frozen=True)
class DescribedSplits:
    """The samples of each split, as a dataset description writes them.

    Attributes:
        folder: The folder of the description, which its paths are relative to.
        entries: For each split, names of samples, text files of such names, and folders.
    """

    folder: Path
    entries: Mapping[str, tuple[str, ...]]

    def assign(self, images: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Return the split of each frame by its name, and warnings about unknown names.

        A name in the description is that of a frame, with or without the suffix of its image, or
        the path of the image; with a slash at its end, it stands for all names that begin with it.
        Frames that no split lists are not in the result.

        Args:
            images: The path of the image of each frame, by the name of the frame.

        Raises:
            AreosegError: A text file cannot be read, a split has no frame, or a frame has two.
        """
        by_path = {os.path.abspath(path): name for name, path in images.items()}  # noqa: PTH100
        assigned: dict[str, str] = {}
        warnings = []
        for split, entries in self.entries.items():
            found: dict[str, None] = {}
            unknown = []
            for entry in entries:
                folder = self.folder / entry
                members = (
                    [name for name in images if name.startswith(entry)]
                    if entry.endswith("/")
                    else []
                )
                if folder.is_dir():
                    start = os.path.join(os.path.abspath(folder), "")  # noqa: PTH100, PTH118
                    members += [name for path, name in by_path.items() if path.startswith(start)]
                if members or folder.is_dir():
                    found.update(dict.fromkeys(members))
                    continue
                for listed in self._names(split, entry):
                    name = self._known(listed, images, by_path)
                    if name is None:
                        unknown.append(listed)
                    else:
                        found[name] = None
            if not found:
                raise AreosegError(
                    f"{self.folder}: splits: no image of {split!r} ({shorten(entries)}) is in the"
                    " data: give names of images, a text file of them, or a folder of images"
                )
            if unknown:
                warnings.append(
                    f"{plural(len(unknown), 'name')} in the split {split!r} without a frame:"
                    f" {shorten(unknown)}"
                )
            for name in found:
                if assigned.setdefault(name, split) != split:
                    raise AreosegError(
                        f"{self.folder}: splits: {name} is in {assigned[name]!r} and in {split!r}:"
                        " keep one of them"
                    )
        return assigned, warnings

    def _names(self, split: str, entry: str) -> Iterator[str]:
        """Yield the names of an entry: those in a text file, or the entry itself."""
        if not entry.lower().endswith(".txt"):
            yield entry
            return
        path = self.folder / entry
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AreosegError(
                f"{path}: cannot read this list of the split {split!r} ({one_line(error)}): give a"
                " text file with one name per line"
            ) from None
        yield from (line.strip() for line in lines if line.strip())

    def _known(
        self, listed: str, images: Mapping[str, str], by_path: Mapping[str, str]
    ) -> str | None:
        """Return the name of the frame that is listed by name or path, or None."""
        short = listed.removeprefix("./")
        for name in (short, Path(short).with_suffix("").as_posix()):
            if name in images:
                return name
        return by_path.get(os.path.abspath(self.folder / listed))  # noqa: PTH100


def parse_splits(value: Any, folder: Path) -> DescribedSplits | None:
    """Parse the field `splits` of a dataset description.

    Args:
        value: A list of names, a text file or a folder for each split, or None.
        folder: The folder of the description.

    Raises:
        AreosegError: The field is wrong.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise AreosegError("splits: give a list of names, a text file or a folder for each split")
    entries: dict[str, tuple[str, ...]] = {}
    for key, listed in value.items():
        if key not in KEYS:
            raise AreosegError(f"splits: there is no split {key!r}: {did_you_mean(str(key), KEYS)}")
        each = listed if isinstance(listed, list) else [listed]
        if not each or not all(isinstance(name, str) and name for name in each):
            raise AreosegError(
                f"splits: {key}: give names, a text file or a folder; write names of digits in"
                " quotes"
            )
        entries[key] = tuple(each)
    return DescribedSplits(folder, entries)
