"""Look at a dataset without reading its images: draft a description, and find what is wrong."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import yaml
from numpy.typing import NDArray

from areoseg.data.description import (
    KNOWN,
    DatasetDescription,
    describe,
    find_description,
    recognize_dataset,
)
from areoseg.data.layout import Layout
from areoseg.data.readers.decode import decode_mask
from areoseg.data.readers.described import list_files
from areoseg.data.readers.files import IMAGE_SUFFIXES
from areoseg.data.readers.frames import tile_frame
from areoseg.data.readers.parquet import (
    find_described_parquet,
    recognize_parquet,
    spread,
    stored_masks,
)
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import VOID

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "JPEGImages", "rgb")
MASK_FOLDERS = (
    "masks",
    "mask",
    "labels",
    "label",
    "annotations",
    "ann",
    "SegmentationClassPNG",
    "SegmentationClass",
)
_PLACES = ("{}", "{{split}}/{}", "data/{}", "data/{{split}}/{}")

_MASKS_READ = 300
"""Number of masks whose values are read, evenly spaced over the dataset."""


@dataclass(frozen=True)
class DatasetCheck:
    """What is in a dataset, and what is wrong with it.

    Attributes:
        images: Number of images.
        masks: Number of masks.
        masks_read: Number of masks whose values were read.
        problems: One line for each kind of problem.
    """

    images: int
    masks: int
    masks_read: int
    problems: tuple[str, ...]


def find_layout(folder: Path) -> Layout:
    """Return the folders of images and masks of a dataset, by the usual names.

    Raises:
        AreosegError: There are none.
    """
    for place in _PLACES:
        for images in IMAGE_FOLDERS:
            for masks in MASK_FOLDERS:
                layout = Layout(images=place.format(images), masks=place.format(masks))
                if all(
                    any(folder.glob(each.replace("{split}", "*")))
                    for each in (layout.images, layout.masks)
                ):
                    return layout
    raise AreosegError(
        f"{folder}: no folders of images and masks: name them {IMAGE_FOLDERS[0]} and"
        f" {MASK_FOLDERS[0]}"
    )


def draft_description(folder: Path) -> str:
    """Return a first `dataset.yaml` for a dataset, from what is in its folders or Parquet files.

    Raises:
        AreosegError: There are no folders of images and masks, or no mask can be read.
    """
    known = recognize_dataset(folder)
    described = None if known is None else describe(known)
    places = []
    stored: Iterable[NDArray[Any]]
    if recognize_parquet(folder):
        stored = stored_masks(folder, _MASKS_READ)
        where = "the Parquet files"
    else:
        layout = find_layout(folder)
        if described is not None and described.layout is not None:
            layout = described.layout
        masks, _ = list_files(folder, layout.masks)
        stored = (decode_mask(path) for path in _spread(sorted(masks.values())))
        where = layout.masks
        places = [f"images: {_quoted(layout.images)}", f"masks: {_quoted(layout.masks)}"]
    values: Counter[int] = Counter()
    colors: Counter[str] = Counter()
    read = 0
    for mask in stored:
        read += 1
        if mask.ndim == 3 and (mask != mask[..., :1]).any():
            found, counts = np.unique(mask.reshape(-1, 3), axis=0, return_counts=True)
            for color, count in zip(found, counts, strict=True):
                colors[f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}"] += int(count)
        else:
            plain = mask if mask.ndim == 2 else mask[..., 0]
            found, counts = np.unique(plain, return_counts=True)
            values.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
    if not values and not colors:
        raise AreosegError(f"{folder}: no mask in {where}: check the folder")
    lines = [f"# A draft from {plural(read, 'mask')}: name the classes."]
    if described is not None:
        text = (KNOWN / f"{known}.yaml").read_text(encoding="utf-8")
        keep = ("name:", "description:", "license:", "doi:", "url:", "citation:", "size:")
        lines += [line for line in text.splitlines() if line.startswith(keep)]
    names = [] if described is None else list(described.taxonomy.names)
    shares = {f'"{color}"': count for color, count in sorted(colors.items())} or {
        str(value): values[value] for value in sorted(values) if value != VOID
    }
    names = names or [f"class {index}" for index in range(max(2, len(shares)))]
    total = sum((colors or values).values())
    lines.append("classes:")
    lines += [f"  - {_quoted(name)}" for name in names]
    lines += places
    lines.append("map:  # mask value: class, with the share of the pixels")
    for index, (key, count) in enumerate(shares.items()):
        name = names[index] if index < len(names) else "void"
        lines.append(f"  {key}: {_quoted(name)}  # {count / total:.1%}")
    if VOID in values:
        lines.append(f"void: {VOID}  # {values[VOID] / total:.1%}")
    text = "\n".join(lines) + "\n"
    yaml.safe_load(text)
    return text


def check_dataset(folder: Path, classes: str | None = None) -> DatasetCheck:
    """Find images without mask, masks without image, double names, wrong sizes and values.

    Sizes are read from the headers of the files; the values of at most 300 masks are read.

    Args:
        folder: The dataset, with or without a description.
        classes: See `DataOptions`; None: the description in the folder.

    Raises:
        AreosegError: The description is wrong, or a folder is missing.
    """
    found = find_description(folder)
    described = describe(classes or (None if found is None else str(found)))
    if recognize_parquet(folder):
        return _check_parquet(folder, described)
    layout = described.layout or find_layout(folder)
    problems: list[str] = []
    files = []
    for pattern, suffix in ((layout.images, ""), (layout.masks, layout.mask_suffix)):
        try:
            listed, links = list_files(folder, pattern, suffix=suffix)
        except AreosegError as error:
            if "have the same name" not in str(error):
                raise
            return DatasetCheck(0, 0, 0, (str(error),))
        problems += links
        files.append(listed)
    images, masks = files
    for what, missing in (
        ("image without mask, which is unlabeled", images.keys() - masks.keys()),
        ("mask without image", masks.keys() - images.keys()),
    ):
        if missing:
            problems.append(f"{plural(len(missing), what)}: {shorten(sorted(missing))}")
    pairs = sorted(images.keys() & masks.keys())
    wrong, unreadable = [], []
    for name in pairs:
        sizes = [_size(path) for path in (images[name], masks[name])]
        if None in sizes:
            unreadable.append(name)
        elif sizes[0] != sizes[1]:
            wrong.append(name)
    if wrong:
        problems.append(
            f"{plural(len(wrong), 'mask')} of another size than the image: {shorten(wrong)}"
        )
    if unreadable:
        problems.append(f"{plural(len(unreadable), 'pair')} unreadable: {shorten(unreadable)}")
    read = _spread([masks[name] for name in pairs if name not in set(unreadable)])
    values = []
    for path in read:
        try:
            stored = decode_mask(path, palette_colors=bool(layout.coding.colors))
            layout.coding.classes_of(stored, len(described.taxonomy), str(path))
        except AreosegError as error:
            values.append(str(error))
    if values:
        problems.append(f"{plural(len(values), 'mask')} with wrong values: {values[0]}")
    return DatasetCheck(len(images), len(masks), len(read), tuple(problems))


def _check_parquet(path: Path, described: DatasetDescription) -> DatasetCheck:
    """Check Parquet files: all names, and images and masks of a few row groups."""
    try:
        listing = find_described_parquet(path, described.layout, described.taxonomy)
    except AreosegError as error:
        return DatasetCheck(0, 0, 0, (str(error),))
    problems = []
    if listing.unlabeled:
        names = [frame.name for frame in listing.unlabeled]
        problems.append(
            f"{plural(len(names), 'image')} without mask, which is unlabeled: {shorten(names)}"
        )
    groups = spread(list(dict.fromkeys(frame.batch for frame in listing.labeled)))
    read = [frame for frame in listing.labeled if frame.batch in groups][:_MASKS_READ]
    wrong: list[str] = []
    for frame in read:
        try:
            tile_frame(frame, None, 1.0)
        except AreosegError as error:
            wrong.append(str(error))
    if wrong:
        problems.append(f"{plural(len(wrong), 'pair')} with problems: {wrong[0]}")
    count = len(listing.labeled)
    return DatasetCheck(count + len(listing.unlabeled), count, len(read), tuple(problems))


def _size(path: Path) -> tuple[int, int] | None:
    """Return width and height from the header of a file, or None if it cannot be read."""
    try:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            with PIL.Image.open(path) as image:
                return image.size
        height, width = read_raster(path).levels.shape
    except (OSError, AreosegError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None
    return width, height


def _spread(paths: Sequence[Path]) -> list[Path]:
    """Return at most `_MASKS_READ` paths, evenly spaced."""
    return list(paths[:: 1 + len(paths) // (_MASKS_READ + 1)])


def _quoted(text: str) -> str:
    """Return a text as YAML writes it."""
    return yaml.safe_dump(text).splitlines()[0]
