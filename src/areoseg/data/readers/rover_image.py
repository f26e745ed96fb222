"""Read any rover image: gray pixels, validity mask and metadata."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.data.missions.metadata import Georeference, Metadata, metadata_from_name
from areoseg.data.readers.decode import decode_image, pillow_pixels
from areoseg.data.readers.files import PLANETARY_SUFFIXES
from areoseg.data.readers.intensity import to_gray
from areoseg.data.readers.planetary.read import read_planetary
from areoseg.data.readers.raster import Raster, gray_raster
from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray


@dataclass(frozen=True)
class RoverImage:
    """A gray image with its metadata.

    Attributes:
        pixels: (H, W), uint8, or float32 in 0..1 for more than 8 bits; invalid pixels are 0.
        valid: (H, W) bool, the pixels that hold a measurement; None: all.
        metadata: Metadata from the label or the file name.
        georeference: Position of the pixels on a map, or None.
        warnings: Doubts about the content of the file.
    """

    pixels: ImageArray
    valid: NDArray[np.bool_] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    georeference: Georeference | None = None
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.pixels.shape
        return height, width


def read_rover_image(path: str | Path) -> RoverImage:
    """Read a PNG, JPEG, TIFF, GeoTIFF, PDS3, PDS4 or VICAR file as a gray image.

    Color becomes luminance; see `intensity` for the bit depth. A pixel is invalid if it is nodata,
    NaN, infinite or fully transparent. Metadata missing in the label are taken from the file name.

    Raises:
        AreosegError: The file is missing, empty, damaged, too large, or not an image; it has no
            valid pixel; or it is compressed or on a map and needs the extra `planetary`.
    """
    path = Path(path)
    raster = read_raster(path, georeferenced=True)
    return _rover_image(raster, str(path), metadata_from_name(path.name))


def read_raster(path: Path, *, georeferenced: bool = False) -> Raster:
    """Decode any rover image; training and prediction both read images with this function.

    Args:
        path: A PNG, JPEG, TIFF, GeoTIFF, PDS3, PDS4 or VICAR file.
        georeferenced: Whether to read the georeference, which needs the extra `planetary`.

    Raises:
        AreosegError: The file cannot be read.
    """
    if path.suffix.lower() in PLANETARY_SUFFIXES:
        return read_planetary(path, georeferenced=georeferenced)
    return decode_image(path, georeferenced=georeferenced)


def _depth_warnings(raster: Raster, valid: NDArray[np.bool_] | None) -> tuple[str, ...]:
    """Doubt a file whose levels exceed the bit depth that its label declares.

    They are often in the wrong byte order.
    """
    bits = raster.bits
    if bits is None or raster.levels.dtype.kind not in "ui":
        return ()
    known = raster.levels if valid is None else raster.levels[valid]
    if known.max() < 2**bits:
        return ()
    return (f"levels exceed {bits} bits",)


def as_rover_image(image: Any, where: str = "the image") -> RoverImage:
    """Convert an image in memory as `read_rover_image` converts files.

    Args:
        image: An array (H, W), (H, W, 3) RGB or (H, W, 4) RGBA of any number type, or a PIL image.
        where: Names it in messages.

    Raises:
        AreosegError: It is no image, has no pixels, or no valid one.
    """
    is_pillow = isinstance(image, PIL.Image.Image)
    pixels = pillow_pixels(image) if is_pillow else np.asarray(image)
    return _rover_image(gray_raster(pixels, where), where, Metadata())


def _rover_image(raster: Raster, where: str, otherwise: Metadata) -> RoverImage:
    """Convert a decoded image.

    Args:
        raster: The image.
        where: Names it in messages.
        otherwise: Metadata to take where the image has none of its own.
    """
    valid = raster.measured
    if valid is not None and not valid.any():
        raise AreosegError(
            f"{where}: every pixel is nodata, NaN or transparent: there is nothing to segment"
        )
    return RoverImage(
        pixels=to_gray(raster, where),
        valid=valid,
        metadata=raster.metadata.otherwise(otherwise),
        georeference=raster.georeference,
        warnings=(*raster.warnings, *_depth_warnings(raster, valid)),
    )
