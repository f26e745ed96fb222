"""GeoTIFF files that are written row by row, in the coordinates of a georeferenced image."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.georeference import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.utils.files import replacing

WriteBands = Callable[[int, NDArray[Any]], None]
"""Writes bands (B, h, W) from a row on."""


@contextmanager
def geotiff_rows(
    path: Path,
    place: Georeference,
    size: tuple[int, int],
    bands: Sequence[str],
    *,
    palette: Mapping[int, tuple[int, int, int]] | None = None,
    **options: Any,
) -> Iterator[WriteBands]:
    """Write a compressed GeoTIFF file; see `replacing`.

    Args:
        path: The file to write.
        place: Position of the pixels on a map.
        size: Height and width in pixels.
        bands: Description of each band.
        palette: Colors of the values of a single band of type uint8.
        options: Creation options of GDAL and rasterio, such as `dtype`.

    Yields:
        A function that writes the next rows.

    Raises:
        AreosegError: rasterio is not installed, or the file cannot be written.
    """
    require_rasterio(str(path))
    import rasterio

    height, width = size
    with (
        replacing(path) as beside,
        rasterio.Env(GTIFF_IMPLICIT_JPEG_OVR=False),
        _quietly(),
    ):
        with rasterio.open(
            beside,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=len(bands),
            compress="deflate",
            bigtiff="if_safer",
            crs=place.crs,
            transform=rasterio.Affine(*place.transform),
            **options,
        ) as file:
            for band, name in enumerate(bands, start=1):
                file.set_band_description(band, name)
            if palette is not None:
                file.write_colormap(1, {value: (*rgb, 255) for value, rgb in palette.items()})

            def write(top: int, rows: NDArray[Any]) -> None:
                file.write(rows, window=((top, top + rows.shape[1]), (0, width)))

            yield write
        _read_back(beside)


def image_suffix(image: RoverImage) -> str:
    """Return `.tif` for a georeferenced image, else `.png`."""
    return ".png" if image.georeference is None else ".tif"


def _read_back(path: Path) -> None:
    """Read a file once, since GDAL does not report a full disk.

    Raises:
        OSError: The file is incomplete.
    """
    import rasterio

    try:
        with rasterio.open(path, driver="GTiff") as file:
            for _, window in file.block_windows(1):
                file.read(window=window)
    except OSError:
        raise OSError("the file is incomplete; is the disk full?") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence rasterio's warnings, for example about a missing reference system."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
