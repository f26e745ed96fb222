"""Decode one PNG, JPEG or TIFF file, without loss of depth."""

import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.data.readers.size import too_large
from areoseg.data.readers.tiff import decode_tiff
from areoseg.errors import AreosegError
from areoseg.errors import one_line

# What Pillow and tifffile raise on broken files, found by damaging good ones at random: many
# come from headers that promise what the file does not hold.
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

# Rows of color that are turned to gray at a time.
_ROWS = 256

# Gray coded as RGB by JPEG: the channels may differ by the rounding of the color transform.
_JPEG_NOISE = 8

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Pixels:
    """The gray levels of one image as its file stores them.

    Attributes:
        levels: (H, W), of the number type of the file.
        colored: Whether the channels differed by more than JPEG noise.
        opaque: Which pixels are not fully transparent, (H, W) bool; None: all.
    """

    levels: NDArray[Any]
    colored: bool = False
    opaque: NDArray[np.bool_] | None = None


def decode_image(path: Path) -> Pixels:
    """The gray levels of an image file; color becomes luminance, alpha tells what is transparent.

    Raises:
        AreosegError: The file is missing, empty, truncated, too large or no image.
    """
    decoded = _decode(path, keep_palette=False)
    opaque = _opaque(decoded)
    channels = _without_alpha(decoded, path)
    if channels.ndim == 2:
        return Pixels(channels, opaque=opaque)
    spread = _channel_spread(channels)
    noise = _JPEG_NOISE if channels.dtype == np.uint8 else 0
    return Pixels(luminance(channels), colored=spread > noise, opaque=opaque)


def luminance(channels: NDArray[Any]) -> NDArray[Any]:
    """Red, green and blue (H, W, 3) as gray (H, W) of the same number type."""
    gray = np.empty(channels.shape[:2], channels.dtype)
    for top in range(0, len(gray), _ROWS):  # by parts, since floats take four times the memory
        part = channels[top : top + _ROWS]
        if _channel_spread(part) == 0:
            gray[top : top + _ROWS] = part[..., 0]
            continue
        mixed = part.astype(np.float32) @ _LUMINANCE
        gray[top : top + _ROWS] = np.rint(mixed) if channels.dtype.kind in "ui" else mixed
    return gray


def decode_indices(path: Path) -> NDArray[Any]:
    """The class indices (H, W) of a mask file, as stored; a palette is ignored.

    Raises:
        AreosegError: The file is missing, empty, truncated, no image, or in color.
    """
    channels = _without_alpha(_decode(path, keep_palette=True), path)
    if channels.ndim == 2:
        return channels
    if _channel_spread(channels) > 0:
        raise AreosegError(f"{path}: the mask is in color: store class indices in a single channel")
    return channels[..., 0].copy()


def _channel_spread(channels: NDArray[Any]) -> float:
    """The largest difference between the channels of a pixel in (H, W, 3)."""
    first = channels[..., 0]
    if all(np.array_equal(first, channels[..., other]) for other in (1, 2)):
        return 0.0
    return max(
        float((part.max(axis=-1).astype(np.float64) - part.min(axis=-1)).max())
        for part in (channels[top : top + _ROWS] for top in range(0, len(channels), _ROWS))
    )


def _decode(path: Path, keep_palette: bool) -> NDArray[Any]:
    """The pixels (H, W) or (H, W, channels) of a file."""
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    decode: Callable[[Path, bool], NDArray[Any]] = _decode_with_pillow
    if path.suffix.lower() in (".tif", ".tiff"):
        decode = _decode_tiff
    try:
        if path.stat().st_size == 0:
            raise AreosegError(f"{path}: the file is empty: copy it again")
        with warnings.catch_warnings():  # Pillow warns at half of what it refuses
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            return decode(path, keep_palette)
    except PIL.Image.DecompressionBombError:
        raise too_large(str(path)) from None
    except PIL.UnidentifiedImageError as error:
        raise AreosegError(
            f"{path}: no PNG, JPEG or TIFF image, or its start is damaged: save or copy it again"
        ) from error
    except _BROKEN_FILE as error:
        raise AreosegError(
            f"{path}: cannot read this image ({one_line(error)}): save or copy it again"
        ) from error


def _opaque(pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Which pixels are not fully transparent; None: all."""
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 4):
        return None
    opaque: NDArray[np.bool_] = pixels[..., -1] != 0
    return None if opaque.all() else opaque


def _without_alpha(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, 3) from up to four channels."""
    if pixels.ndim == 3 and pixels.shape[2] in (1, 2):
        return pixels[..., 0].copy()
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return pixels[..., :3]
    if pixels.ndim != 2 or pixels.size == 0:
        raise AreosegError(f"{path}: pixels of shape {pixels.shape}: give one gray image a file")
    return pixels


def _decode_tiff(path: Path, keep_palette: bool) -> NDArray[Any]:
    pixels = decode_tiff(path)
    return _decode_with_pillow(path, keep_palette) if pixels is None else pixels


def _decode_with_pillow(path: Path, keep_palette: bool) -> NDArray[Any]:
    with PIL.Image.open(path) as image:
        raw_mode = image.tile[0].args if image.tile else ""
        if raw_mode in ("RGB;16B", "RGBA;16B"):
            return _sixteen_bit_color(path)
        if raw_mode == "LA;16B":
            raise ValueError("16-bit gray with alpha: save it without alpha")
        if image.mode in ("P", "PA"):
            return np.asarray(image if keep_palette else image.convert("RGBA"))
        if not keep_palette and image.mode in ("L", "RGB") and "transparency" in image.info:
            return np.asarray(image.convert("RGBA"))  # one level or color means transparent
        if image.mode in ("1", "L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
            return np.asarray(image)
        return np.asarray(image.convert("RGB"))


def _sixteen_bit_color(path: Path) -> NDArray[np.uint16]:
    """The channels of a PNG with 16 bits a channel, of which Pillow keeps only the high bytes.

    Read as little-endian, the same file yields the low bytes.
    """
    halves = []
    for order in ("16B", "16L"):
        with PIL.Image.open(path) as image:
            tile = image.tile[0]
            image.tile = [tile._replace(args=str(tile.args).replace("16B", order))]
            halves.append(np.asarray(image).astype(np.uint16))
    high, low = halves
    return high * np.uint16(256) + low
