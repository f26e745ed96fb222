"""Folders of image files: pairs in `images/` and `masks/`, or images without masks."""

from functools import partial
from pathlib import Path

from areoseg.data.readers.files import (
    IMAGE_SUFFIXES,
    FolderListing,
    by_unique_name,
    is_image,
    list_images,
    name_below,
    unique_names,
    walk_images,
)
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import read_mask
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import Taxonomy

# A folder that contains one of these at any depth is not a folder of unlabeled images.
_LABEL_FOLDERS = ("masks", "labels")


def recognize_folder(path: Path) -> bool:
    """Return whether `path` is a folder that contains `masks/`."""
    return (path / "masks").is_dir()


def find_in_folder(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the pairs of `images/` and `masks/`, sorted by name.

    Files are matched by their path below `images/` and `masks/` without suffix.

    Raises:
        AreosegError: A folder is missing or empty, or files have no counterpart.
    """
    pairs, warnings = paired_files(path)
    lossy = [name for name, (_, mask) in pairs.items() if mask.suffix.lower() in (".jpg", ".jpeg")]
    if lossy:
        warnings.append(
            f"{plural(len(lossy), 'mask')} stored as JPEG, which can falsify class indices:"
            f" {shorten(lossy)}"
        )
    return Listing(
        labeled=[
            LazyFrame(
                name=name,
                where=str(image),
                read_image=partial(read_raster, image),
                read_mask=partial(read_mask, mask, taxonomy),
            )
            for name, (image, mask) in pairs.items()
        ],
        warnings=warnings,
    )


def paired_files(path: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Return the image and the mask of each name below `images/` and `masks/`, sorted by name.

    The second result has one line for each kind of link that could not be followed.

    Raises:
        AreosegError: A folder is missing or empty, or files have no counterpart.
    """
    listings = walk_images(path / "images"), walk_images(path / "masks")
    images = _by_name(path / "images", listings[0])
    masks = _by_name(path / "masks", listings[1])
    links = [line for listing in listings for line in listing.warnings]
    problems = [
        f"{plural(len(names), kind)} without {other} ({shorten(names)})"
        for kind, other, names in (
            ("image", "mask", sorted(images.keys() - masks.keys())),
            ("mask", "image", sorted(masks.keys() - images.keys())),
        )
        if names
    ]
    if problems:
        told = f" ({'; '.join(links)})" if links else ""
        raise AreosegError(
            f"{path}: {' and '.join(problems)}: names below images/ and masks/ must match{told}"
        )
    return {name: (images[name], masks[name]) for name in sorted(images)}, links


def _by_name(folder: Path, listing: FolderListing) -> dict[str, Path]:
    if not folder.is_dir():
        raise AreosegError(f"{folder}: no such folder: a dataset has images/ and masks/")
    names = [name_below(path, folder) for path in listing.images]
    paths = by_unique_name(listing.images, names, str(folder))
    if not paths:
        raise AreosegError(
            f"{folder}: no image in this folder: files must end in {', '.join(IMAGE_SUFFIXES)}"
        )
    return paths


def recognize_images(path: Path) -> bool:
    """Return whether `path` is an image, or a folder of images without a folder of masks."""
    if is_image(path):
        return True
    paths = list_images(path) if path.is_dir() else []
    folders = {name for image in paths for name in image.relative_to(path).parts[:-1]}
    return bool(paths) and folders.isdisjoint(_LABEL_FOLDERS)


def find_images(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List all images at a path, sorted; see `unique_names` for their names.

    Raises:
        AreosegError: There is no image.
    """
    listing = FolderListing([path]) if path.is_file() else walk_images(path)
    paths = listing.images
    if not paths:
        raise AreosegError(
            f"{path}: no image in this folder: files must end in {', '.join(IMAGE_SUFFIXES)}"
        )
    root = path.parent if path.is_file() else path
    return Listing(
        unlabeled=[
            LazyFrame(name=name, where=str(image), read_image=partial(read_raster, image))
            for name, image in zip(unique_names(paths, root), paths, strict=True)
        ],
        warnings=listing.warnings,
    )


FOLDER = DatasetFormat(
    name="folder",
    summary="a folder with images/ and masks/, with matching names; images may be PDS or VICAR",
    recognize=recognize_folder,
    find=find_in_folder,
)

IMAGES = DatasetFormat(
    name="images",
    summary="images without masks: a folder, flat or nested, or one file",
    recognize=recognize_images,
    find=find_images,
)
