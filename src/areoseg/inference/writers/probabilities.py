"""Class probabilities in float16: an npz file, or a GeoTIFF for georeferenced images."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers.geotiff import geotiff_rows
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing

_LEVEL = 1  # zlib level; higher levels hardly compress probabilities better


@contextmanager
def write_probabilities(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write the probability of each class; the suffix of `path` selects the format."""
    writer = _write_geotiff if path.suffix == ".tif" else _write_npz
    with writer(path, image, taxonomy) as write:
        yield write


def probabilities_suffix(image: RoverImage) -> str:
    """Return `.tif` for a georeferenced image, else `.npz`."""
    return ".npz" if image.georeference is None else ".tif"


@contextmanager
def _write_npz(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write `probabilities` (H, W, C) float16 and the class names `classes` (C,).

    Classes are the last axis since rows are written one block at a time.
    """
    with (
        replacing(path, sync=False) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.compresslevel = _LEVEL
        with archive.open("classes.npy", "w") as file:
            npy.write_array(file, np.array(taxonomy.names))
        with archive.open("probabilities.npy", "w", force_zip64=True) as file:
            header = {
                "descr": "<f2",
                "fortran_order": False,
                "shape": (*image.size, len(taxonomy)),
            }
            npy.write_array_header_1_0(file, header)

            def write(block: RowBlock) -> None:
                classes_last = np.moveaxis(block.probabilities, 0, -1)
                file.write(classes_last.astype("<f2", order="C").tobytes())

            yield write


@contextmanager
def _write_geotiff(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write one float16 band per class, with its name, in the coordinates of the image."""
    assert image.georeference is not None
    with geotiff_rows(
        path,
        image.georeference,
        image.size,
        taxonomy.names,
        dtype="float32",
        nbits=16,  # GDAL takes float32 and stores float16
        predictor=2,
        zlevel=_LEVEL,
    ) as write:
        yield lambda block: write(block.top, block.probabilities)
