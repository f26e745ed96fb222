"""Images without masks: a folder of them, flat or nested, or a single file."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from areoseg.data.readers.decode import decode_image
from areoseg.data.readers.format import Format
from areoseg.data.readers.format import Found
from areoseg.data.readers.frames import Frame
from areoseg.data.readers.listing import IMAGE_SUFFIXES
from areoseg.data.readers.listing import is_image
from areoseg.data.readers.listing import list_images
from areoseg.data.readers.listing import name_below
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

# A folder that holds one of these somewhere is no plain folder of images.
_LABEL_FOLDERS = ("masks", "labels")


def recognize_images(path: Path) -> bool:
    """Whether `path` is an image, or a folder with images and no masks below it."""
    if is_image(path):
        return True
    paths = list_images(path) if path.is_dir() else []
    folders = {part for each in paths for part in each.relative_to(path).parts[:-1]}
    return bool(paths) and folders.isdisjoint(_LABEL_FOLDERS)


def find_images(path: Path, labels: str, taxonomy: Taxonomy) -> Found:
    """All images at a path, sorted; names are paths below it without suffix.

    Files that differ in nothing but the suffix keep it in their names.

    Raises:
        AreosegError: There is no image.
    """
    paths = [path] if path.is_file() else list_images(path)
    if not paths:
        raise AreosegError(f"{path}: no image in it: images end in {', '.join(IMAGE_SUFFIXES)}")
    root = path.parent if path.is_file() else path
    return Found(
        unlabeled=[
            Frame(name=name, where=str(image), read_image=partial(decode_image, image))
            for name, image in zip(unique_names(paths, root), paths, strict=True)
        ]
    )


def unique_names(paths: Sequence[Path], root: Path) -> list[str]:
    """One name a path: its place below `root`, without suffix where that is enough."""
    short = [name_below(path, root) for path in paths]
    full = [path.relative_to(root).as_posix() for path in paths]
    count = Counter(short)
    names = [brief if count[brief] == 1 else long for brief, long in zip(short, full, strict=True)]
    return names if len(set(names)) == len(names) else full


IMAGES = Format(
    name="images",
    summary="images without masks: a folder, flat or nested, or one file",
    recognize=recognize_images,
    find=find_images,
)
