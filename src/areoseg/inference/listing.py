"""Lists the images in files, folders, npz files and glob patterns, each with a unique name."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from areoseg.data.description import describe, find_description
from areoseg.data.load import read_data
from areoseg.data.missions.metadata import metadata_from_name
from areoseg.data.readers.described import image_folders
from areoseg.data.readers.files import LISTED_SUFFIXES, FolderListing, walk_images
from areoseg.data.readers.rover_image import RoverImage, read_rover_image
from areoseg.errors import AreosegError
from areoseg.inference.engines.factory import is_model
from areoseg.inference.ignore_masks import mission_masks
from areoseg.inference.inputs import InMemory, Input
from areoseg.inference.remote_inputs import remote_images
from areoseg.inference.writers import OUTPUTS
from areoseg.utils.images import ImageArray
from areoseg.utils.storage import is_url
from areoseg.weights import misspelled

_MAX_PARENTS = 64
"""Names that are equal even with this many parent folders differ only in a dot or underscore."""


def find_inputs(paths: Sequence[str | Path], *, out: Path | None = None) -> list[Input]:
    """List the images at some paths, each with a unique name.

    Folders are searched recursively, without hidden files and folders, and names include the
    subfolders; in a dataset with `images/` and `masks/`, only the images are used. A link to
    nothing is listed, and fails when it is read. If two names would be equal, suffixes and then
    parent folders are added until they differ.

    Args:
        paths: Image files, planetary files or their labels, folders of them, npz files, glob
            patterns like `photos/*.png`, or URLs of images and folders.
        out: The output folder, which is not searched and must not be an input; or None.

    Raises:
        AreosegError: A path does not exist, is given twice, is a model or is the output folder, or
            a folder has no images.
    """
    return _with_unique_names([each for path in paths for each in _found(path, out)])


def with_mission_masks(inputs: Sequence[Input]) -> list[Input]:
    """Return the inputs with the rover and range masks beside them, which are no inputs then."""
    found = [replace(each, ignore_masks=mission_masks(each.path)) for each in inputs]
    masks = {mask for each in found for mask in each.ignore_masks}
    return [each for each in found if each.path not in masks]


def images_of(source: Any) -> tuple[list[Input | InMemory], bool]:
    """List the images of what a predictor was called with.

    Args:
        source: An image file, a folder, a glob pattern or an npz file, an image in memory, or a
            list of these.

    Returns:
        The images, and whether there may be several. Those in files have unique names; one in
        memory is called `image`, and in a list `image_0` after its position.

    Raises:
        AreosegError: See `find_inputs`.
    """
    if isinstance(source, str | Path):
        one_file = Path(source).is_file() and Path(source).suffix.lower() != ".npz"
        return list(find_inputs([source])), not one_file
    if not isinstance(source, list | tuple):
        return [InMemory("image", source)], False
    found: list[Input | InMemory] = []
    for index, each in enumerate(source):
        if isinstance(each, str | Path):
            found += _found(each, None)
        else:
            found.append(InMemory(f"image_{index}", each, f"image {index} of the list"))
    files = iter(_with_unique_names([each for each in found if isinstance(each, Input)]))
    return [next(files) if isinstance(each, Input) else each for each in found], True


def _found(pattern: str | Path, out: Path | None) -> Iterator[Input]:
    """Find the images at a path or URL, or at the paths that match a pattern."""
    if is_url(pattern):
        for name, url, load in remote_images(str(pattern)):
            yield Input(name, url, load)
        return
    for path in _expanded(pattern):
        if out is not None and _is_output(path, out):
            raise AreosegError(f"{path}: this input is also the output: choose another --out")
        if is_model(path):
            raise AreosegError(f"{path}: this is a model, not an image: give it with --model")
        if not path.exists():
            hint = misspelled(path) or ": check the path"
            raise AreosegError(f"{path}: no such file or folder{hint}")
        if path.suffix.lower() == ".npz":
            yield from _in_npz(path)
        elif path.is_dir():
            yield from _in_folder(path, out)
        else:
            yield Input(path.name, path, partial(read_rover_image, path))


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


def _with_unique_names(inputs: Sequence[Input]) -> list[Input]:
    for absolute, times in Counter(each.path.absolute() for each in inputs).items():
        if times > 1:
            raise AreosegError(f"{absolute}: given twice: name each input once")
    return [
        replace(each, name=name) for each, name in zip(inputs, _unique_names(inputs), strict=True)
    ]


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
