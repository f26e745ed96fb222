"""napari: Labels layers as TIFF files, one per image.

napari saves labels as unsigned integers of 32 bits or more, in which 0 is no label.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tifffile

from areoseg.data.readers.decode import decode_indices
from areoseg.errors import AreosegError, shorten
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask

_SUFFIXES = (".tif", ".tiff")


def write(path: Path, masks: Mapping[str, Callable[[], Mask]], taxonomy: Taxonomy) -> None:
    """Write a Labels layer per mask, whose labels are 1 for the first terrain class and so on.

    Args:
        path: The folder.
        masks: Masks (H, W) by image name; `VOID` has no label.
        taxonomy: The classes.
    """
    labels = np.zeros(VOID + 1, np.uint32)
    labels[list(taxonomy.terrain)] = np.arange(1, len(taxonomy))
    for name, read_one in masks.items():
        with replacing(path / f"{name}.tif") as beside:
            tifffile.imwrite(beside, labels[read_one()], compression="zlib")


def read(path: Path, taxonomy: Taxonomy) -> Iterator[tuple[str, Mask]]:
    """Yield the name and the mask of each Labels layer; pixels without a label are `VOID`.

    Args:
        path: The folder of TIFF files, or one file.
        taxonomy: The classes.

    Raises:
        AreosegError: There is no such file, or a label is no class.
    """
    files = [path] if path.is_file() else sorted(path.glob("*"))
    files = [file for file in files if file.suffix.lower() in _SUFFIXES]
    if not files:
        raise AreosegError(f"{path}: no TIFF files here: save the Labels layers as .tif")
    classes = np.array([VOID, *taxonomy.terrain], np.uint8)
    for file in files:
        labels = decode_indices(file)
        found = np.unique(labels)
        unknown = found[(found < 0) | (found >= len(classes))]
        if unknown.size:
            raise AreosegError(
                f"{file}: label {shorten(unknown.tolist())} is no class: labels are 1 to"
                f" {len(classes) - 1} ({', '.join(taxonomy.names[i] for i in taxonomy.terrain)})"
            )
        yield file.stem, classes[labels.astype(np.intp)]
