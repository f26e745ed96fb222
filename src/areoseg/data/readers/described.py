"""Datasets whose folders and mask values are said by a dataset description."""

from functools import partial
from pathlib import Path

from areoseg.data.layout import Layout
from areoseg.data.readers.decode import decode_mask
from areoseg.data.readers.files import by_unique_name, name_below, walk_images
from areoseg.data.readers.formats import LazyFrame, Listing
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask

SPLIT = "{split}"
"""Stands for the folder of a split in the folders of a layout, as in `data/{split}/images`."""


def find_described(path: Path, layout: Layout, taxonomy: Taxonomy) -> Listing:
    """List the pairs of a dataset, sorted by name; images without a mask are unlabeled.

    Args:
        path: The folder of the dataset.
        layout: Where images and masks are, and how masks are coded.
        taxonomy: The classes.

    Raises:
        AreosegError: A folder is missing, a mask has no image, or two files have one name.
    """
    images, image_links = list_files(path, layout.images)
    masks, mask_links = list_files(path, layout.masks, suffix=layout.mask_suffix)
    orphans = sorted(masks.keys() - images.keys())
    if orphans:
        raise AreosegError(
            f"{path}: {plural(len(orphans), 'mask')} without image ({shorten(orphans)}): names"
            f" below {layout.images} and {layout.masks} must match"
        )
    if not masks:
        raise AreosegError(f"{path}: no mask in {layout.masks}: check the dataset description")
    frames = {
        name: LazyFrame(
            name=name,
            where=str(image),
            read_image=partial(read_raster, image),
            read_mask=partial(read_described_mask, masks[name], layout, taxonomy)
            if name in masks
            else None,
        )
        for name, image in sorted(images.items())
    }
    return Listing(
        labeled=[frame for name, frame in frames.items() if name in masks],
        unlabeled=[frame for name, frame in frames.items() if name not in masks],
        warnings=[*image_links, *mask_links],
    )


def read_described_mask(path: Path, layout: Layout, taxonomy: Taxonomy) -> Mask:
    """Read the class indices (H, W) of a mask, as the coding of the layout says.

    Raises:
        AreosegError: The file cannot be read, or a value or color has no class.
    """
    stored = decode_mask(path, palette_colors=bool(layout.coding.colors))
    return layout.coding.classes_of(stored, len(taxonomy), str(path))


def image_folders(path: Path, layout: Layout) -> list[Path]:
    """Return the folders of a dataset that contain its images.

    Raises:
        AreosegError: There are none.
    """
    return [folder for _, folder in _folders(path, layout.images)]


def list_files(path: Path, pattern: str, *, suffix: str = "") -> tuple[dict[str, Path], list[str]]:
    """Return the image files of a folder of the layout by name, and warnings about links."""
    found: dict[str, Path] = {}
    warnings: list[str] = []
    for prefix, folder in _folders(path, pattern):
        listing = walk_images(folder)
        warnings += listing.warnings
        files, names = [], []
        for file in listing.images:
            name = prefix + name_below(file, folder)
            if suffix and not name.endswith(suffix):
                continue  # another kind of file, such as a colored picture of a mask
            files.append(file)
            names.append(name.removesuffix(suffix) if suffix else name)
        found.update(by_unique_name(files, names, str(folder)))
    return found, warnings


def _folders(path: Path, pattern: str) -> list[tuple[str, Path]]:
    """Return the folders of a pattern, each with the start of the names of its files."""
    if SPLIT not in pattern:
        folder = path / pattern
        if not folder.is_dir():
            raise AreosegError(f"{folder}: no such folder: check the dataset description")
        return [("", folder)]
    before, _, after = pattern.partition(SPLIT)
    start = path / before if before else path
    splits = sorted(start.iterdir()) if start.is_dir() else []
    folders = [
        (f"{split.name}/", split / after.strip("/"))
        for split in splits
        if not split.name.startswith(".") and (split / after.strip("/")).is_dir()
    ]
    if not folders:
        raise AreosegError(f"{path}: no folder {pattern}: check the dataset description")
    return folders
