"""The images to segment: from files, folders, npz files and globs, or from arrays in memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.description import describe, find_description
from areoseg.data.load import read_data
from areoseg.data.missions.metadata import metadata_from_name
from areoseg.data.readers.described import image_folders
from areoseg.data.readers.files import LISTED_SUFFIXES, FolderListing, walk_images
from areoseg.data.readers.rover_image import RoverImage, as_rover_image, read_rover_image
from areoseg.errors import AreosegError
from areoseg.inference.factory import is_model
from areoseg.inference.ignore_masks import mission_masks, read_ignored
from areoseg.inference.writers import OUTPUTS
from areoseg.utils.images import ImageArray
from areoseg.weights import misspelled

_MAX_PARENTS = 64
"""Names that are equal even with this many parent folders differ only in a dot or underscore."""


@dataclass(frozen=True)
class InputImage(RoverImage):
    """An image to segment.

    Attributes:
        name: Path of its outputs below the output folder, without suffix.
        path: Its file, or file and member of an npz file; None for an array.
        ignored: (H, W) bool, pixels that are background by definition; None: no pixels.
    """

    name: str = "image"
    path: Path | None = None
    ignored: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Input:
    """An image that has not been read yet.

    Attributes:
        name: Path of its outputs below the output folder, without suffix.
        path: Its file, or file and member of an npz file.
        load: Reads the image; raises AreosegError.
        ignore_masks: Files of masks whose nonzero pixels are background by definition.
    """

    name: str
    path: Path
    load: Callable[[], RoverImage]
    ignore_masks: tuple[Path, ...] = ()

    def read(self) -> InputImage:
        """Read the image.

        Raises:
            AreosegError: The image cannot be read.
        """
        image = self.load()
        return InputImage(
            image.pixels,
            image.valid,
            image.metadata,
            image.georeference,
            image.warnings,
            name=self.name,
            path=self.path,
            ignored=read_ignored(self.ignore_masks, image.size),
        )


def find_inputs(paths: Sequence[str | Path], *, out: Path | None = None) -> list[Input]:
    """List the images at some paths, each with a unique name.

    Folders are searched recursively, without hidden files and folders, and names include the
    subfolders; in a dataset with `images/` and `masks/`, only the images are used. A link to
    nothing is listed, and fails when it is read. If two names would be equal, suffixes and then
    parent folders are added until they differ.

    Args:
        paths: Image files, planetary files or their labels, folders of them, npz files, or glob
            patterns like `photos/*.png`.
        out: The output folder, which is not searched and must not be an input; or None.

    Raises:
        AreosegError: A path does not exist, is given twice, is a model or is the output folder, or
            a folder has no images.
    """
    inputs: list[Input] = []
    for path in (path for pattern in paths for path in _expanded(pattern)):
        if out is not None and _is_output(path, out):
            raise AreosegError(f"{path}: this input is also the output: choose another --out")
        if is_model(path):
            raise AreosegError(f"{path}: this is a model, not an image: give it with --model")
        if not path.exists():
            hint = misspelled(path) or ": check the path"
            raise AreosegError(f"{path}: no such file or folder{hint}")
        if path.suffix.lower() == ".npz":
            inputs.extend(_in_npz(path))
        elif path.is_dir():
            inputs.extend(_in_folder(path, out))
        else:
            inputs.append(Input(path.name, path, partial(read_rover_image, path)))
    for absolute, times in Counter(each.path.absolute() for each in inputs).items():
        if times > 1:
            raise AreosegError(f"{absolute}: given twice: name each input once")
    return [
        Input(name, each.path, each.load)
        for name, each in zip(_unique_names(inputs), inputs, strict=True)
    ]


def with_mission_masks(inputs: Sequence[Input]) -> list[Input]:
    """Return the inputs with the rover and range masks beside them, which are no inputs then."""
    found = [replace(each, ignore_masks=mission_masks(each.path)) for each in inputs]
    masks = {mask for each in found for mask in each.ignore_masks}
    return [each for each in found if each.path not in masks]


def as_input(image: Any) -> InputImage:
    """Convert an image in memory to an input; color is converted to luminance, as for files.

    Args:
        image: An array (H, W), (H, W, 3) RGB or (H, W, 4) RGBA of any number type, a PIL image, or
            an image from `read_rover_image`. Fully transparent pixels count as missing data.

    Raises:
        AreosegError: The type or shape is not supported, or the image has no pixels.
    """
    if isinstance(image, InputImage):
        return image
    if isinstance(image, RoverImage):
        return InputImage(
            image.pixels, image.valid, image.metadata, image.georeference, image.warnings
        )
    found = as_rover_image(image)
    filename = getattr(image, "filename", "")  # file name of images that PIL opened
    if not filename:
        return InputImage(found.pixels, found.valid)
    path = Path(filename)
    metadata = metadata_from_name(path.name)
    return InputImage(found.pixels, found.valid, metadata, name=path.stem, path=path)


def _expanded(pattern: str | Path) -> list[Path]:
    """Return the paths that match a glob pattern; a path without wildcards is unchanged."""
    path = Path(pattern)
    if path.exists() or not set("*?[") & set(str(path)):
        return [path]
    root = Path(path.anchor)
    parts = list(path.relative_to(root).parts)
    while len(parts) > 1 and (root / parts[0]).is_dir():  # a folder may be called `sol [12]`
        root /= parts.pop(0)
    matches = sorted(root.glob("/".join(parts)))
    if not matches:
        raise AreosegError(f"{pattern}: no file matches this pattern: check the path")
    return matches


def _is_output(path: Path, out: Path) -> bool:
    """Return whether a path is the output folder or one of its folders of outputs."""
    path, out = path.resolve(), out.resolve()
    return path == out or any(path.is_relative_to(out / output) for output in OUTPUTS)


def _in_folder(folder: Path, out: Path | None) -> Iterator[Input]:
    """Find the images of a folder, without earlier outputs and without the masks of a dataset.

    For planetary products the files with the pixels are returned, which refer to their labels.
    """
    listing = _images_of(folder)
    files, broken = listing.images, listing.broken
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        folder = folder / "images"
    if out is not None:
        files = [path for path in files if not path.resolve().is_relative_to(out.resolve())]
    if not files and not broken:
        raise AreosegError(f"{folder}: no images in this folder: give {', '.join(LISTED_SUFFIXES)}")
    for path in files:
        yield Input(path.relative_to(folder).as_posix(), path, partial(read_rover_image, path))
    for path in broken:
        yield Input(path.relative_to(folder).as_posix(), path, partial(_fail_on_broken_link, path))


def _images_of(folder: Path) -> FolderListing:
    """List the images of a folder, without the masks of a dataset."""
    description = find_description(folder)
    layout = None if description is None else describe(str(description)).layout
    if layout is not None:
        listings = [walk_images(each) for each in image_folders(folder, layout)]
        return FolderListing(
            [path for listing in listings for path in listing.images],
            [path for listing in listings for path in listing.broken],
        )
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        folder = folder / "images"
    return walk_images(folder)


def _fail_on_broken_link(path: Path) -> RoverImage:
    raise AreosegError(
        f"{path}: a link to {path.readlink()}, which does not exist: fix or remove the link"
    )


def _in_npz(path: Path) -> Iterator[Input]:
    """Find the unlabeled images of an npz file, or the labeled ones if there are no others."""
    data = read_data(path)
    samples = data.unlabeled if len(data.unlabeled) else data.labeled
    for name, image in zip(samples.names, samples.images, strict=True):
        yield Input(name, path / name, partial(_of_sample, name, image))


def _of_sample(name: str, image: ImageArray) -> RoverImage:
    return RoverImage(image, metadata=metadata_from_name(name))


def _unique_names(inputs: Sequence[Input]) -> list[str]:
    """Return each name without suffix; equal names get their suffix or parent folders."""
    names = [Path(each.name).with_suffix("").as_posix() for each in inputs]
    longer = with_suffix = [each.name.replace(".", "_") for each in inputs]
    for depth in count(1):
        repeated = {name for name, times in Counter(names).items() if times > 1}
        if not repeated:
            break
        if depth > _MAX_PARENTS:
            raise AreosegError(f"{min(repeated)}: two inputs would have this name: rename one")
        names = [
            long if name in repeated else name for name, long in zip(names, longer, strict=True)
        ]
        longer = [
            "/".join((*each.path.absolute().parts[1 : -len(Path(each.name).parts)][-depth:], long))
            for each, long in zip(inputs, with_suffix, strict=True)
        ]
    return names
