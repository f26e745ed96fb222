"""Class probabilities with 16 bits: an npz file, or a GeoTIFF where the image lies on a map."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from areoseg.data.readers.planetary import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.writers.rows import Rows
from areoseg.inference.writers.rows import Write
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing

_LEVEL = 1  # of zlib: probabilities hardly pack better at a higher one


@contextmanager
def write_probabilities(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """The probability of each class; the suffix of `path` chooses the format."""
    writer = _write_geotiff if path.suffix == ".tif" else _write_npz
    with writer(path, image, taxonomy) as write:
        yield write


def probabilities_suffix(image: RoverImage) -> str:
    """`.tif` for an image that lies on a map, `.npz` for any other."""
    return ".npz" if image.georeference is None else ".tif"


@contextmanager
def _write_npz(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """`probabilities` (H, W, C) float16, with the classes last since rows come one by one.

    `classes` (C,) holds their names.
    """
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
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

            def write(rows: Rows) -> None:
                last = np.moveaxis(rows.classes(), 0, -1)
                file.write(last.astype("<f2", order="C").tobytes())

            yield write


@contextmanager
def _write_geotiff(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """One row_block a class, float16, named like it, in the coordinates of the image."""
    require_rasterio(str(path))
    import rasterio

    place = image.georeference
    assert place is not None
    height, width = image.size
    with replacing(path) as beside, rasterio.Env(GTIFF_IMPLICIT_JPEG_OVR=False), _quietly():
        with rasterio.open(
            beside,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=len(taxonomy),
            dtype="float32",
            nbits=16,  # GDAL takes float32 and stores float16
            compress="deflate",
            predictor=2,
            zlevel=_LEVEL,
            bigtiff="if_safer",
            crs=place.crs,
            transform=rasterio.Affine(*place.transform),
        ) as file:
            for row_block, name in enumerate(taxonomy.names, start=1):
                file.set_band_description(row_block, name)

            def write(rows: Rows) -> None:
                values = rows.classes()
                window = ((rows.top, rows.top + values.shape[1]), (0, width))
                file.write(values, window=window)

            yield write
        _read_back(beside)


def _read_back(path: Path) -> None:
    """Read a file once, since GDAL does not say when the disk was full.

    Raises:
        OSError: It is not whole.
    """
    import rasterio

    try:
        with rasterio.open(path, driver="GTiff") as file:
            for _, window in file.block_windows(1):
                file.read(window=window)
    except OSError:
        raise OSError("the file is not whole; is the disk full?") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without rasterio's warnings, such as that a file has a transform but no reference system."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
