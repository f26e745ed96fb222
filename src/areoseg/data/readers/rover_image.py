"""Read any image of a rover: its gray pixels, which of them hold data, and what is known of it."""

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.decode import decode_image
from areoseg.data.readers.labels import Label
from areoseg.data.readers.levels import to_gray
from areoseg.data.readers.metadata import Georeference
from areoseg.data.readers.metadata import Metadata
from areoseg.data.readers.planetary import PLANETARY_SUFFIXES
from areoseg.data.readers.planetary import Raster
from areoseg.data.readers.planetary import read_planetary
from areoseg.data.readers.rover_names import metadata_from_name
from areoseg.data.readers.tiff import needs_gdal
from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray


@dataclass(frozen=True)
class RoverImage:
    """An image with what is known of it.

    Attributes:
        pixels: (H, W), uint8, or float32 in 0..1 beyond 8 bits; 0 where nothing was measured.
        valid: Which pixels hold a measurement, (H, W) bool; None: all.
        metadata: What label or file name tell.
        georeference: Where the pixels lie on a map, if the file says so.
    """

    pixels: ImageArray
    valid: NDArray[np.bool_] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    georeference: Georeference | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.pixels.shape
        return height, width


def read_rover_image(path: str | Path) -> RoverImage:
    """Read a PNG, JPEG, TIFF, GeoTIFF, PDS3, PDS4 or VICAR file as a gray image.

    Color becomes luminance; `levels` has the rule for the depth. A pixel is not valid where the
    file says nodata, where it is NaN or infinite, and where it is fully transparent. Facts that
    the label does not tell are taken from the file name.

    Raises:
        AreosegError: The file is missing, empty, damaged, too large, or no image; it has no valid
            pixel; or the extra `planetary`, which it needs, is not installed.
    """
    path = Path(path)
    raster = _read(path)
    valid = _valid(raster)
    if valid is not None and not valid.any():
        raise AreosegError(
            f"{path}: every pixel is nodata, NaN or transparent: there is nothing to segment"
        )
    return RoverImage(
        pixels=to_gray(raster.levels, valid, bits=raster.label.bits, where=str(path)),
        valid=valid,
        metadata=raster.label.metadata.otherwise(metadata_from_name(path.name)),
        georeference=raster.georeference,
    )


def _read(path: Path) -> Raster:
    if path.suffix.lower() in PLANETARY_SUFFIXES or needs_gdal(path):
        return read_planetary(path)
    pixels = decode_image(path)
    return Raster(levels=pixels.levels, valid=pixels.opaque, label=Label())


def _valid(raster: Raster) -> NDArray[np.bool_] | None:
    """Which pixels hold a measurement; None: all."""
    valid = raster.valid
    for constant in raster.label.nodata:
        measured = raster.levels != constant
        valid = measured if valid is None else valid & measured
    if raster.levels.dtype.kind == "f":
        finite = np.isfinite(raster.levels)
        valid = finite if valid is None else valid & finite
    return None if valid is None or valid.all() else valid
