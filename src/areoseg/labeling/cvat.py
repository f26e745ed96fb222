"""CVAT: its format `Segmentation mask 1.1`, a zip file of masks in color and their classes."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import PIL.Image

from areoseg.data.layout import MaskCoding
from areoseg.data.readers.files import check_size
from areoseg.errors import AreosegError, one_line
from areoseg.labeling.classes import class_of
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask

_LABELS = "labelmap.txt"
_MASKS = "SegmentationClass"
_LIST = "ImageSets/Segmentation/default.txt"
_HEADER = "# label:color_rgb:parts:actions"
_UNLABELED = "background"  # CVAT's name of what has no label, in black
_BLACK = (0, 0, 0)


def write(path: Path, masks: Mapping[str, Callable[[], Mask]], taxonomy: Taxonomy) -> None:
    """Write masks for CVAT's `Upload annotations`.

    Args:
        path: The zip file.
        masks: Masks (H, W) by image name; `VOID` has no label.
        taxonomy: The classes.
    """
    colors = {_UNLABELED: _BLACK}
    colors |= {taxonomy.names[index]: taxonomy.colors[index] for index in taxonomy.terrain}
    lines = [_HEADER, *(f"{name}:{r},{g},{b}::" for name, (r, g, b) in colors.items())]
    palette = np.zeros((256, 3), np.uint8)
    for index in taxonomy.terrain:
        palette[index] = taxonomy.colors[index]
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_LABELS, "\n".join(lines) + "\n")
        archive.writestr(_LIST, "".join(f"{name}\n" for name in masks))
        for name, read_one in masks.items():
            buffer = io.BytesIO()
            PIL.Image.fromarray(palette[read_one()]).save(buffer, "PNG")
            archive.writestr(f"{_MASKS}/{name}.png", buffer.getvalue())


def read(path: Path, taxonomy: Taxonomy) -> Iterator[tuple[str, Mask]]:
    """Yield the name and the mask of each image; pixels without a label are `VOID`.

    Args:
        path: The zip file that CVAT exported.
        taxonomy: The classes.

    Raises:
        AreosegError: The file is no such export, a label is no class, or a color has no label.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            coding = _coding(archive.read(_LABELS).decode("utf-8-sig"), taxonomy, str(path))
            for name in sorted(archive.namelist()):
                file = PurePosixPath(name)
                if file.parts[:1] != (_MASKS,) or file.suffix != ".png":
                    continue
                with archive.open(name) as stream, PIL.Image.open(stream) as image:
                    check_size(image.height, image.width, f"{path}: {name}")
                    pixels = np.asarray(image.convert("RGB"))
                below = PurePosixPath(*file.parts[1:]).with_suffix("")
                yield below.name, coding.classes_of(pixels, len(taxonomy), f"{path}: {name}")
    except (zipfile.BadZipFile, KeyError, OSError, UnicodeDecodeError) as error:
        raise AreosegError(
            f"{path}: not an export of CVAT as `Segmentation mask 1.1` ({one_line(error)}): export"
            " it again"
        ) from None


def _coding(text: str, taxonomy: Taxonomy, where: str) -> MaskCoding:
    """Return the class of each color that the label map lists."""
    colors: dict[tuple[int, int, int], int] = {_BLACK: VOID}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            label, color, *_ = line.split(":")
            red, green, blue = (int(level) for level in color.split(","))
        except ValueError:
            raise AreosegError(
                f"{where}: {_LABELS}: {line[:80]!r} is no label: export it again"
            ) from None
        index = VOID if label == _UNLABELED else class_of(label, taxonomy, where)
        colors[red, green, blue] = index
    return MaskCoding(colors=colors)
