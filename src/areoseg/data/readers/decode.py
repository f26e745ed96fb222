"""Decode one PNG, JPEG or TIFF file without loss of bit depth.

Pillow decodes most files. Those that it would reduce to 8 bits are decoded by others: PNG files
with several 16-bit channels by imagecodecs, and TIFF files with 16 bits or floats by tifffile.
"""

import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from areoseg.data.readers.files import check_size, too_large
from areoseg.errors import AreosegError, one_line

# Exceptions of the decoders on broken files, found by damaging valid ones at random: many are due
# to headers that declare more data than the file contains.
_BROKEN_FILE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)

# Number of rows that are converted from color to gray at a time.
_ROWS = 256

# Maximum channel difference of gray stored as RGB JPEG, due to rounding in the color transform.
_JPEG_NOISE = 8

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Compressions that tifffile decodes without a plug-in: none, Adobe deflate, deflate, PackBits.
_TIFF_COMPRESSIONS = (1, 8, 32946, 32773)

# Tag 262: gray with 0 as black, and RGB.
_PLAIN_TIFF = (1, 2)

# Tags of GeoTIFF: pixel scale, transformation, keys; and GDAL's nodata.
_GEO_TAGS = (33550, 34264, 34735, 42113)

_WHOLE_DEPTHS = (1, 2, 4, 8, 16, 32, 64)

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class DecodedImage:
    """The gray levels of one image as its file stores them.

    Attributes:
        levels: (H, W), with the dtype of the file.
        colored: Whether the channels differ by more than JPEG noise.
        opaque: (H, W) bool, the pixels that are not fully transparent; None: all.
    """

    levels: NDArray[Any]
    colored: bool = False
    opaque: NDArray[np.bool_] | None = None


def decode_image(path: Path) -> DecodedImage:
    """Decode the gray levels of an image file; color becomes luminance.

    Raises:
        AreosegError: The file is missing, empty, truncated, too large or not an image.
    """
    return gray_levels(_decode(path, keep_palette=False), str(path))


def gray_levels(pixels: NDArray[Any], where: str) -> DecodedImage:
    """Return the gray levels of pixels (H, W), or (H, W, C) with 1 to 4 channels.

    Args:
        pixels: Gray, gray with alpha, RGB or RGBA.
        where: Name of the image in messages.

    Raises:
        AreosegError: The shape is another one.
    """
    opaque = _opaque(pixels)
    channels = _without_alpha(pixels, where)
    if channels.ndim == 2:
        return DecodedImage(channels, opaque=opaque)
    spread = _channel_spread(channels)
    noise = _JPEG_NOISE if channels.dtype == np.uint8 else 0
    return DecodedImage(luminance(channels), colored=spread > noise, opaque=opaque)


def luminance(channels: NDArray[Any]) -> NDArray[Any]:
    """Return the luminance (H, W) of RGB (H, W, 3), with the same dtype."""
    gray = np.empty(channels.shape[:2], channels.dtype)
    for top in range(0, len(gray), _ROWS):  # in blocks, since floats need four times the memory
        rows = channels[top : top + _ROWS]
        if _channel_spread(rows) == 0:
            gray[top : top + _ROWS] = rows[..., 0]
            continue
        mixed = rows.astype(np.float32) @ _LUMINANCE
        gray[top : top + _ROWS] = np.rint(mixed) if channels.dtype.kind in "ui" else mixed
    return gray


def decode_indices(path: Path) -> NDArray[Any]:
    """Decode the class indices (H, W) of a mask file as stored; a palette is ignored.

    Raises:
        AreosegError: The file is missing, empty, truncated, not an image, or in color.
    """
    channels = _without_alpha(_decode(path, keep_palette=True), str(path))
    if channels.ndim == 2:
        return channels
    if _channel_spread(channels) > 0:
        raise AreosegError(f"{path}: the mask is in color: store class indices in a single channel")
    return channels[..., 0].copy()


def _channel_spread(channels: NDArray[Any]) -> float:
    """Return the largest difference between the channels of any pixel of (H, W, 3)."""
    first = channels[..., 0]
    if all(np.array_equal(first, channels[..., other]) for other in (1, 2)):
        return 0.0
    return max(
        float((rows.max(axis=-1).astype(np.float64) - rows.min(axis=-1)).max())
        for rows in (channels[top : top + _ROWS] for top in range(0, len(channels), _ROWS))
    )


def _decode(path: Path, keep_palette: bool) -> NDArray[Any]:
    """Decode the pixels (H, W) or (H, W, channels) of a file."""
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    decode: Callable[[Path, bool], NDArray[Any]] = _decode_with_pillow
    if path.suffix.lower() in (".tif", ".tiff"):
        decode = _decode_tiff
    try:
        if path.stat().st_size == 0:
            raise AreosegError(f"{path}: the file is empty: copy it again")
        with warnings.catch_warnings():  # Pillow warns from half of its limit
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            return decode(path, keep_palette)
    except PIL.Image.DecompressionBombError:
        raise too_large(str(path)) from None
    except PIL.UnidentifiedImageError as error:
        raise AreosegError(
            f"{path}: not a PNG, JPEG or TIFF image, or its start is damaged: save or copy it again"
        ) from error
    except _BROKEN_FILE as error:
        raise AreosegError(
            f"{path}: cannot read this image ({one_line(error)}): save or copy it again"
        ) from error


def _opaque(pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return the pixels that are not fully transparent; None: all."""
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 4):
        return None
    opaque: NDArray[np.bool_] = pixels[..., -1] != 0
    return None if opaque.all() else opaque


def _without_alpha(pixels: NDArray[Any], where: str) -> NDArray[Any]:
    """Reduce up to four channels to (H, W) or (H, W, 3)."""
    if pixels.size and pixels.ndim == 3 and pixels.shape[2] in (1, 2):
        return pixels[..., 0].copy()
    if pixels.size and pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return pixels[..., :3]
    if pixels.ndim != 2 or pixels.size == 0:
        raise AreosegError(
            f"{where}: pixels of shape {pixels.shape}: give one image, (H, W), (H, W, 3) or"
            " (H, W, 4)"
        )
    return pixels


def _decode_tiff(path: Path, keep_palette: bool) -> NDArray[Any]:
    """Decode the first page with tifffile if possible, else with Pillow.

    Pillow decodes palettes, inverted gray, bilevel pages, and LZW and JPEG compression.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        check_size(page.imagelength, page.imagewidth, str(path))
        if (
            page.photometric in _PLAIN_TIFF
            and page.bitspersample >= 8
            and page.compression in _TIFF_COMPRESSIONS
        ):
            pixels = np.asarray(page.asarray())
            return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
        if page.samplesperpixel > 1 and page.bitspersample > 8:
            raise ValueError(
                f"{page.bitspersample}-bit color in an unsupported compression: save it"
                " uncompressed or as one channel"
            )
    return _decode_with_pillow(path, keep_palette)


def needs_gdal(path: Path) -> bool:
    """Return whether only GDAL reads all of a TIFF file: a GeoTIFF file, or one with 12 bits."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            depth = page.bitspersample
            return any(tag in page.tags for tag in _GEO_TAGS) or depth not in _WHOLE_DEPTHS
    except Exception:  # damaged or not a TIFF file, which decoding will report
        return False


def _decode_with_pillow(path: Path, keep_palette: bool) -> NDArray[Any]:
    if _has_sixteen_bit_channels(path):
        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    with PIL.Image.open(path) as image:
        return pillow_pixels(image, keep_palette=keep_palette)


def pillow_pixels(image: PIL.Image.Image, *, keep_palette: bool = False) -> NDArray[Any]:
    """Return a PIL image as gray (H, W), gray with alpha, RGB or RGBA (H, W, C).

    Args:
        image: The image.
        keep_palette: Whether to return the indices of a palette instead of its colors.
    """
    if image.mode in ("P", "PA"):
        return np.asarray(image if keep_palette else image.convert("RGBA"))
    if not keep_palette and image.mode in ("L", "RGB") and "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))  # one level or color is transparent
    if image.mode in ("1", "L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))


def _has_sixteen_bit_channels(path: Path) -> bool:
    """Return whether a file is a PNG with several 16-bit channels; if so, check its size."""
    with path.open("rb") as file:
        header = file.read(26)  # signature, length and type of IHDR, width, height, depth, color
    if len(header) < 26 or header[:8] != _PNG_SIGNATURE or header[12:16] != b"IHDR":
        return False
    width, height, depth, color = struct.unpack(">IIBB", header[16:])
    if depth != 16 or color not in (2, 4, 6):  # RGB, gray with alpha, RGB with alpha
        return False
    check_size(height, width, str(path))
    return True
