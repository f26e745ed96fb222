"""What `predict` was given: files, folders and npz files as images with names for their outputs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from areoseg.data.readers import list_images, read_data, read_image
from areoseg.data.scenes import Image
from areoseg.errors import AreosegError


@dataclass(frozen=True)
class Input:
    """One image to segment.

    Attributes:
        name: The path of its outputs below the output folder, without suffix.
        source: Where it comes from, for people.
        read: Reads it: (H, W), uint8 or float32 in 0..1.
    """

    name: str
    source: str
    read: Callable[[], Image]


def find_inputs(paths: Sequence[str | Path], *, out: Path) -> list[Input]:
    """List the images at some paths, each with a name of its own.

    A folder is searched with its subfolders, which the names keep. Where two names would be the
    same, suffixes and then parent folders are added until they differ.

    Args:
        paths: Image files, folders of images, or npz files.
        out: The output folder, which must not be one of the inputs.

    Raises:
        AreosegError: A path does not exist, a folder has no images, or an input is the output.
    """
    inputs: list[Input] = []
    files: list[tuple[Path, Path]] = []  # a file, and what of its path names its outputs
    for path in map(Path, paths):
        if path.resolve() == out.resolve():
            raise AreosegError(f"{path}: this input is also the output: choose another --out")
        if not path.exists():
            raise AreosegError(f"{path}: no such file or folder: check the path")
        if path.suffix == ".npz":
            inputs.extend(_from_npz(path))
        elif path.is_dir():
            found = [file for file in list_images(path) if not file.is_relative_to(out)]
            if not found:
                raise AreosegError(f"{path}: no images in this folder: give PNG, JPEG or TIFF")
            files.extend((file, file.relative_to(path)) for file in found)
        else:
            files.append((path, Path(path.name)))
    names = _unique_names(files)
    inputs.extend(
        Input(name=name, source=str(file), read=partial(read_image, file))
        for name, (file, _) in zip(names, files, strict=True)
    )
    return inputs


def _from_npz(path: Path) -> list[Input]:
    data = read_data(path)
    scenes = data.unlabelled if len(data.unlabelled) else data.labelled
    return [
        Input(name=name, source=f"{path}:{name}", read=partial(scenes.images.__getitem__, index))
        for index, name in enumerate(scenes.names)
    ]


def _unique_names(files: Sequence[tuple[Path, Path]]) -> list[str]:
    """The short path of each file without suffix; with it, or with parents, where it must be."""
    names = [short.with_suffix("").as_posix() for _, short in files]
    longer = [short.as_posix().replace(".", "_") for _, short in files]
    depth = 0
    while True:
        repeated = {name for name, count in Counter(names).items() if count > 1}
        if not repeated:
            return names
        names = [
            long if name in repeated else name for name, long in zip(names, longer, strict=True)
        ]
        depth += 1
        longer = [
            "/".join((*full.resolve().parts[-len(short.parts) - depth : -len(short.parts)], long))
            for (full, short), long in zip(files, longer, strict=True)
        ]
        if depth > 64:  # the same file twice
            raise AreosegError(f"{min(repeated)}: given twice: name each input once")
