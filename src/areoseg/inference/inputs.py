"""What `predict` was given: files, folders and npz files as images with names for their outputs."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from areoseg.data.load import read_data
from areoseg.data.missions.metadata import metadata_from_name
from areoseg.data.readers.files import IMAGE_SUFFIXES
from areoseg.data.readers.planetary import DATA_SUFFIXES
from areoseg.data.readers.rover_image import RoverImage
from areoseg.data.readers.rover_image import read_rover_image
from areoseg.errors import AreosegError
from areoseg.inference.writers import OUTPUTS
from areoseg.utils.images import ImageArray
from areoseg.weights import misspelled

_SUFFIXES = (*IMAGE_SUFFIXES, *DATA_SUFFIXES)


@dataclass(frozen=True)
class Input:
    """One image to segment.

    Attributes:
        name: The path of its outputs below the output folder, without suffix.
        source: Where it comes from, for people.
        read: Reads it; raises AreosegError.
    """

    name: str
    source: str
    read: Callable[[], RoverImage]

    @property
    def file_name(self) -> str:
        """The name of its file, which may tell what it shows."""
        return Path(self.source).name


@dataclass(frozen=True)
class _Found:
    """An image before its outputs have a name: its file, what of the path names it, its reader."""

    path: Path
    short: Path
    read: Callable[[], RoverImage]

    @property
    def above(self) -> tuple[str, ...]:
        """The folders above `short`, the outermost first."""
        return self.path.absolute().parts[1 : -len(self.short.parts)]


def find_inputs(paths: Sequence[str | Path], *, out: Path) -> list[Input]:
    """List the images at some paths, each with a name of its own.

    A folder is searched with its subfolders, which the names keep; of a data set with `images/`
    and `masks/`, only the images. Where two names would be the same, suffixes and then parent
    folders are added until they differ.

    Args:
        paths: Image files, planetary files or their labels, folders of them, or npz files.
        out: The output folder, which must not be one of the inputs.

    Raises:
        AreosegError: A path does not exist, a folder has no images, or an input is the output.
    """
    found: list[_Found] = []
    for path in map(Path, paths):
        if _is_output(path, out):
            raise AreosegError(f"{path}: this input is also the output: choose another --out")
        if not path.exists():
            hint = misspelled(path) or ": check the path"
            raise AreosegError(f"{path}: no such file or folder{hint}")
        if path.suffix.lower() == ".npz":
            found.extend(_in_npz(path))
        elif path.is_dir():
            found.extend(_in_folder(path, out))
        else:
            found.append(_Found(path, Path(path.name), partial(read_rover_image, path)))
    for path, times in Counter(each.path.absolute() for each in found).items():
        if times > 1:
            raise AreosegError(f"{path}: given twice: name each input once")
    return [
        Input(name=name, source=str(each.path), read=each.read)
        for name, each in zip(_unique_names(found), found, strict=True)
    ]


def _in_folder(folder: Path, out: Path) -> list[_Found]:
    """The images of a folder, but for earlier outputs; of a data set, not its masks.

    Of planetary files those with the pixels are taken, which know of their labels.
    """
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        folder = folder / "images"
    out = out.resolve()
    files = [file for file in _files(folder) if not file.resolve().is_relative_to(out)]
    if not files:
        raise AreosegError(f"{folder}: no images in this folder: give {', '.join(_SUFFIXES)}")
    return [
        _Found(file, file.relative_to(folder), partial(read_rover_image, file)) for file in files
    ]


def _files(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, sorted; hidden files are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _is_output(path: Path, out: Path) -> bool:
    """Whether an input is the output folder itself, or lies where outputs are written."""
    path, out = path.resolve(), out.resolve()
    return path == out or any(path.is_relative_to(out / output) for output in OUTPUTS)


def _in_npz(path: Path) -> list[_Found]:
    """The unlabeled images of an npz file, or the labeled ones for want of any."""
    data = read_data(path)
    samples = data.unlabeled if len(data.unlabeled) else data.labeled
    return [
        _Found(path / name, Path(name), partial(_of_sample, samples.images, index, name))
        for index, name in enumerate(samples.names)
    ]


def _of_sample(images: Sequence[ImageArray] | ImageArray, index: int, name: str) -> RoverImage:
    return RoverImage(images[index], metadata=metadata_from_name(name))


def _unique_names(found: Sequence[_Found]) -> list[str]:
    """The short path of each image without suffix; with it, or with parents, where it must be."""
    names = [each.short.with_suffix("").as_posix() for each in found]
    longer = with_suffix = [each.short.as_posix().replace(".", "_") for each in found]
    for depth in count(1):
        repeated = {name for name, times in Counter(names).items() if times > 1}
        if not repeated:
            break
        if depth > 64:  # names that differ in nothing but a dot and an underscore
            raise AreosegError(f"{min(repeated)}: two inputs would have this name: rename one")
        names = [
            long if name in repeated else name for name, long in zip(names, longer, strict=True)
        ]
        longer = [
            "/".join((*each.above[-depth:], long))
            for each, long in zip(found, with_suffix, strict=True)
        ]
    return names
