"""Decode one PNG, JPEG or TIFF file without loss of bit depth.

The content decides, not the suffix. `tiff` decodes TIFF; Pillow decodes the rest, except PNG files
with several 16-bit channels, which it would reduce to 8 bits and imagecodecs decodes.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.data.readers import tiff
from areoseg.data.readers.files import check_size, first_of, several_masks, too_large
from areoseg.data.readers.png import check_png_rows
from areoseg.data.readers.raster import Raster, channel_spread, gray_raster, turned
from areoseg.errors import AreosegError, one_line

# Exceptions of the decoders on broken files, found by damaging valid ones at random: many are due
# to headers that declare more data than the file contains.
BROKEN_FILE = (
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

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_COLOR = (2, 4, 6)  # color types with several channels: RGB, gray with alpha, RGB with alpha

_EXIF_ORIENTATION = 274


def decode_image(path: Path, *, georeferenced: bool = False) -> Raster:
    """Decode the gray levels of an image file; color becomes luminance.

    An orientation in EXIF or TIFF is applied, so that the pixels are as viewers show them.

    Args:
        path: The file.
        georeferenced: Whether to read the georeference of a GeoTIFF, which needs rasterio.

    Raises:
        AreosegError: The file is missing, empty, truncated, too large or not an image.
    """
    with _readable(path) as start:
        if start.startswith(tiff.SIGNATURES):
            return tiff.decode_tiff(path, georeferenced=georeferenced)
        return _decode_with_pillow(path, start)


def decode_indices(path: Path) -> NDArray[Any]:
    """Decode the class indices (H, W) of a mask file as stored, whatever their bit depth.

    The indices of a palette are returned, not its colors; alpha is ignored.

    Raises:
        AreosegError: The file is missing, empty, truncated, not an image, or in color.
    """
    channels = decode_mask(path)
    if channels.ndim == 2:
        return channels
    if channel_spread(channels) > 0:
        raise AreosegError(f"{path}: the mask is in color: store class indices in a single channel")
    return channels[..., 0].copy()


def decode_mask(path: Path, *, palette_colors: bool = False) -> NDArray[Any]:
    """Decode a mask as stored: class indices (H, W), or colors (H, W, 3).

    Args:
        path: The file.
        palette_colors: Whether to return the colors of a palette instead of its indices.

    Raises:
        AreosegError: The file is missing, empty, truncated or not an image.
    """
    with _readable(path) as start:
        if start.startswith(tiff.SIGNATURES):
            pixels = tiff.decode_tiff_indices(path, palette_colors=palette_colors)
        else:
            pixels = _indices_with_pillow(path, start, palette_colors=palette_colors)
    if pixels.ndim == 3 and pixels.shape[2] in (1, 2):
        return pixels[..., 0].copy()
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return pixels[..., :3]
    if pixels.ndim != 2 or not pixels.size:
        raise AreosegError(f"{path}: a mask of shape {pixels.shape}: give one band of indices")
    return pixels


@contextmanager
def _readable(path: Path) -> Iterator[bytes]:
    """Check a file, yield its first bytes, and turn errors of decoders into one clear line."""
    try:
        with path.open("rb") as file:
            start = file.read(26)  # a PNG up to its bit depth and color type
    except OSError as error:
        problem = "no such file" if isinstance(error, FileNotFoundError) else one_line(error)
        raise AreosegError(f"{path}: {problem}: check the path") from None
    if not start:
        raise AreosegError(f"{path}: the file is empty: copy it again")
    try:
        with warnings.catch_warnings():  # Pillow warns from half of its limit
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            yield start
    except PIL.Image.DecompressionBombError:
        raise too_large(str(path)) from None
    except PIL.UnidentifiedImageError as error:
        raise AreosegError(
            f"{path}: not a PNG, JPEG or TIFF image, or its start is damaged: save or copy it again"
        ) from error
    except BROKEN_FILE as error:
        raise AreosegError(
            f"{path}: cannot read this image ({one_line(error)}): save or copy it again"
        ) from error


def _decode_with_pillow(path: Path, start: bytes) -> Raster:
    with PIL.Image.open(path) as image:
        check_size(image.height, image.width, str(path))
        if _has_sixteen_bit_channels(start):
            pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        else:
            pixels = pillow_pixels(image, depth=_png_depth(start))
            check_png_rows(path, image)
        orientation = _orientation(image)
        frames = getattr(image, "n_frames", 1)
    raster = gray_raster(turned(pixels, orientation), str(path))
    return raster if frames < 2 else replace(raster, warnings=(first_of(frames, "frame"),))


def _indices_with_pillow(path: Path, start: bytes, *, palette_colors: bool) -> NDArray[Any]:
    with PIL.Image.open(path) as image:
        check_size(image.height, image.width, str(path))
        if getattr(image, "n_frames", 1) > 1:
            raise several_masks(path, "frames")
        if _has_sixteen_bit_channels(start):
            pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        elif palette_colors and image.mode in ("P", "PA"):
            pixels = np.asarray(image.convert("RGB"))
        elif image.mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I", "F") or image.mode.startswith(
            "I;16"
        ):
            pixels = np.asarray(image)
        elif image.mode == "PA":
            pixels = np.asarray(image.getchannel("P"))
        else:
            pixels = np.asarray(image.convert("RGB"))
        check_png_rows(path, image)
        depth = _png_depth(start)
        if image.mode == "L" and depth in (2, 4):  # Pillow scales these to 8 bits
            pixels = pixels // np.uint8(255 // (2**depth - 1))
        orientation = _orientation(image)
    return turned(pixels, orientation)


def pillow_pixels(image: PIL.Image.Image, *, depth: int = 8) -> NDArray[Any]:
    """Return a PIL image as gray (H, W), gray with alpha, RGB or RGBA (H, W, C).

    A transparent gray level or color becomes alpha.

    Args:
        image: The image.
        depth: Bits per channel in its file, on which the transparent level depends.
    """
    if image.mode in ("P", "PA"):
        return np.asarray(image.convert("RGBA"))
    known = ("1", "L", "LA", "RGB", "RGBA", "I", "F")
    if image.mode not in known and not image.mode.startswith("I;16"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    transparent = image.info.get("transparency")
    if transparent is None or image.mode not in ("1", "L", "RGB", "I", "I;16", "I;16B", "I;16L"):
        return pixels
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    largest = 2**depth - 1
    scale = 255 // largest if depth < 8 else 1
    channels = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    level = np.asarray(transparent).reshape(-1).astype(np.int64) & largest
    opaque = (channels.astype(np.int64) != level * scale).any(axis=-1)
    alpha = np.where(opaque, 255, 0).astype(pixels.dtype)
    return np.concatenate([channels, alpha[..., np.newaxis]], axis=-1)


def _orientation(image: PIL.Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; damaged EXIF is ignored, as viewers do."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except BROKEN_FILE:
        return 1


def _png_depth(start: bytes) -> int:
    """Return the bits per channel of a PNG by its first bytes, or 8 for other files."""
    return start[24] if start.startswith(_PNG_SIGNATURE) and len(start) == 26 else 8


def _has_sixteen_bit_channels(start: bytes) -> bool:
    """Return whether the first bytes are those of a PNG with several 16-bit channels."""
    return _png_depth(start) == 16 and start[25] in _PNG_COLOR
