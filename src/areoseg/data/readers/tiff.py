"""Decode a TIFF file with tifffile, which keeps 16 bits and floats in any number of channels."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from areoseg.data.readers.size import check_size

# What tifffile decodes by itself: none, Adobe deflate, deflate, PackBits.
_OWN_COMPRESSIONS = (1, 8, 32946, 32773)

# Tag 262: gray with 0 as black, and RGB.
_PLAIN = (1, 2)


# Tags of GeoTIFF: pixel scale, transformation, keys; and GDAL's nodata.
_GEO_TAGS = (33550, 34264, 34735, 42113)

_WHOLE_DEPTHS = (1, 2, 4, 8, 16, 32, 64)


def needs_gdal(path: Path) -> bool:
    """Whether a file is a TIFF file that only GDAL reads in full: GeoTIFF, or 12-bit levels."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            depth = page.bitspersample
            return any(tag in page.tags for tag in _GEO_TAGS) or depth not in _WHOLE_DEPTHS
    except Exception:  # damaged or no TIFF file at all, which decoding will say
        return False


def decode_tiff(path: Path) -> NDArray[Any] | None:
    """The first page of a TIFF file.

    Returns:
        (H, W) or (H, W, channels) as stored, or None where the file is better left to Pillow:
        palettes, inverted gray, bilevel pages, LZW and JPEG compression.

    Raises:
        ValueError: The file is damaged, or holds more than Pillow could keep; other exceptions
            of tifffile on damaged files are `struct.error`, `KeyError` and `IndexError`.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        check_size(page.imagelength, page.imagewidth, str(path))
        if (
            page.photometric in _PLAIN
            and page.bitspersample >= 8
            and page.compression in _OWN_COMPRESSIONS
        ):
            pixels = np.asarray(page.asarray())
            return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
        if page.samplesperpixel > 1 and page.bitspersample > 8:
            raise ValueError(
                f"{page.bitspersample}-bit color in a compression that is not read: save it"
                " uncompressed or as one channel"
            )
    return None
