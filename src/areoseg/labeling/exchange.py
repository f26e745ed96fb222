"""Exchange masks with labeling tools: Label Studio, CVAT and napari.

In these tools a pixel can have no label. Such pixels become background, or void if that is asked
for; background and void pixels are exported without a label.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from areoseg.data.readers.files import walk_images
from areoseg.data.readers.masks import read_mask
from areoseg.errors import AreosegError, did_you_mean, plural, shorten
from areoseg.labeling import cvat, label_studio, napari
from areoseg.labeling.dataset_folder import DatasetFolder
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.images import Mask

Tool = Literal["label-studio", "cvat", "napari"]
Unlabeled = Literal["background", "void"]


@dataclass(frozen=True)
class Format:
    """The common format of a labeling tool.

    Attributes:
        summary: One line about it.
        write: Writes masks (H, W) by image name to a file or folder; `VOID` has no label.
        read: Yields the name of each image and its mask, in which `VOID` has no label.
    """

    summary: str
    write: Callable[[Path, Mapping[str, Callable[[], Mask]], Taxonomy], None]
    read: Callable[[Path, Taxonomy], Iterator[tuple[str, Mask]]]


FORMATS: dict[str, Format] = {
    "label-studio": Format("JSON file with brush labels", label_studio.write, label_studio.read),
    "cvat": Format("zip file `Segmentation mask 1.1`", cvat.write, cvat.read),
    "napari": Format("folder of TIFF files of Labels layers", napari.write, napari.read),
}
"""The formats by tool."""


def export_labels(masks: Path, out: Path, tool: str, taxonomy: Taxonomy) -> int:
    """Write a folder of masks in the format of a labeling tool.

    Args:
        masks: The folder, for example `masks` of `areoseg predict` or of a dataset.
        out: The file to write; a folder for napari.
        tool: A name in `FORMATS`.
        taxonomy: The classes of the masks.

    Returns:
        The number of masks.

    Raises:
        AreosegError: There are no masks, one cannot be read, or the file cannot be written.
    """
    if not masks.is_dir():
        raise AreosegError(f"{masks}: no such folder: give a folder of masks")
    files = walk_images(masks).images
    if not files:
        raise AreosegError(f"{masks}: no masks in this folder: check the path")

    def reader(path: Path) -> Callable[[], Mask]:
        def read() -> Mask:
            mask = read_mask(path, taxonomy)
            mask[mask == taxonomy.background] = VOID
            return mask

        return read

    _format(tool).write(out, {path.stem: reader(path) for path in files}, taxonomy)
    return len(files)


def import_labels(
    labels: Path,
    images: Path,
    out: Path,
    tool: str,
    taxonomy: Taxonomy,
    *,
    unlabeled: Unlabeled = "background",
) -> list[str]:
    """Read the labels of a labeling tool, and write them with their images as a dataset folder.

    Args:
        labels: The file or folder that the tool exported.
        images: The folder of the labeled images.
        out: The dataset folder to write; an earlier one is extended.
        tool: A name in `FORMATS`.
        taxonomy: The classes; the tool's labels must have their names.
        unlabeled: What pixels without a label are.

    Returns:
        The names of the images.

    Raises:
        AreosegError: The labels cannot be read, a label is no class, or an image is missing or of
            another size.
    """
    files = _by_stem(images)
    folder = DatasetFolder(out, taxonomy)
    names: list[str] = []
    for name, mask in _format(tool).read(labels, taxonomy):
        if name not in files:
            raise AreosegError(f"{labels}: no image {name!r} in {images}: check --images")
        if unlabeled == "background":
            mask[mask == VOID] = taxonomy.background
        names.append(folder.save(files[name], mask))
    if not names:
        raise AreosegError(f"{labels}: no labeled image in this file: label one and export again")
    return names


def _format(tool: str) -> Format:
    if tool not in FORMATS:
        raise AreosegError(f"no labeling tool {tool!r}: {did_you_mean(tool, FORMATS)}")
    return FORMATS[tool]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise AreosegError(f"{folder}: no such folder of images: check --images")
    files: dict[str, Path] = {}
    twice: list[str] = []
    for path in walk_images(folder).images:
        if files.setdefault(path.stem, path) != path:
            twice.append(path.stem)
    if twice:
        raise AreosegError(
            f"{folder}: {plural(len(twice), 'name')} of several images ({shorten(twice)}): rename"
            " them"
        )
    return files
