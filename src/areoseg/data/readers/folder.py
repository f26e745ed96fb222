"""A folder with `images/` and `masks/`, whose files match by name."""

from functools import partial
from pathlib import Path

from areoseg.data.readers.decode import decode_image
from areoseg.data.readers.decode import decode_indices
from areoseg.data.readers.format import Format
from areoseg.data.readers.format import Found
from areoseg.data.readers.frames import Frame
from areoseg.data.readers.listing import IMAGE_SUFFIXES
from areoseg.data.readers.listing import list_images
from areoseg.data.readers.listing import listed
from areoseg.data.readers.listing import name_below
from areoseg.data.readers.listing import plural
from areoseg.data.readers.masks import check_classes
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask


def recognize_folder(path: Path) -> bool:
    """Whether `path` is a folder with `masks/` in it."""
    return (path / "masks").is_dir()


def find_in_folder(path: Path, labels: str, taxonomy: Taxonomy) -> Found:
    """The pairs of `images/` and `masks/`, sorted by name.

    Files match by their path below `images/` and `masks/` without suffix.

    Raises:
        AreosegError: A folder is missing or empty, or files are without counterpart.
    """
    pairs = paired_files(path)
    lossy = [name for name, (_, mask) in pairs.items() if mask.suffix.lower() in (".jpg", ".jpeg")]
    warnings = []
    if lossy:
        warnings.append(
            f"{plural(len(lossy), 'mask')} stored as JPEG, which can falsify class indices:"
            f" {listed(lossy)}"
        )
    return Found(
        labeled=[
            Frame(
                name=name,
                where=str(image),
                read_image=partial(decode_image, image),
                read_mask=partial(_read_mask, mask, taxonomy),
            )
            for name, (image, mask) in pairs.items()
        ],
        warnings=warnings,
    )


def paired_files(path: Path) -> dict[str, tuple[Path, Path]]:
    """The image and the mask of each name below `images/` and `masks/`, sorted by name.

    Raises:
        AreosegError: A folder is missing or empty, or files are without counterpart.
    """
    images, masks = _by_name(path / "images"), _by_name(path / "masks")
    bare, stray = sorted(images.keys() - masks.keys()), sorted(masks.keys() - images.keys())
    complaints = []
    if bare:
        complaints.append(f"{plural(len(bare), 'image')} without mask ({listed(bare)})")
    if stray:
        complaints.append(f"{plural(len(stray), 'mask')} without image ({listed(stray)})")
    if complaints:
        raise AreosegError(
            f"{path}: {' and '.join(complaints)}: names below images/ and masks/ must match"
        )
    return {name: (images[name], masks[name]) for name in sorted(images)}


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise AreosegError(f"{folder}: no such folder: a data set has images/ and masks/")
    paths: dict[str, Path] = {}
    for path in list_images(folder):
        name = name_below(path, folder)
        if name in paths:
            raise AreosegError(
                f"{folder}: {paths[name].name} and {path.name} have one name: keep one of them"
            )
        paths[name] = path
    if not paths:
        raise AreosegError(f"{folder}: no image in it: files end in {', '.join(IMAGE_SUFFIXES)}")
    return paths


def _read_mask(path: Path, taxonomy: Taxonomy) -> Mask:
    return check_classes(decode_indices(path), taxonomy, str(path))


FOLDER = Format(
    name="folder",
    summary="a folder with images/ and masks/, files matching by name; PNG, JPEG or TIFF",
    recognize=recognize_folder,
    find=find_in_folder,
)
