"""Decode one PNG, JPEG or TIFF file, without loss of depth."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.data.readers.tiff import decode_tiff
from areoseg.errors import AreosegError, one_line

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
    PIL.Image.DecompressionBombError,
)

# Grey coded as RGB by JPEG: the channels may differ by the rounding of the colour transform.
_JPEG_NOISE = 8

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Pixels:
    """The grey levels of one image as its file stores them.

    Attributes:
        levels: (H, W), of the number type of the file.
        coloured: Whether the channels differed by more than JPEG noise.
    """

    levels: NDArray[Any]
    coloured: bool = False


def decode_image(path: Path) -> Pixels:
    """The grey levels of an image file; colour becomes luminance, alpha is dropped.

    Raises:
        AreosegError: The file is missing, empty, truncated or no image.
    """
    channels = _decode(path, keep_palette=False)
    if channels.ndim == 2:
        return Pixels(channels)
    spread = _channel_spread(channels)
    if spread == 0:
        return Pixels(channels[..., 0].copy())  # a view would keep all channels in memory
    luminance = channels.astype(np.float32) @ _LUMINANCE
    if channels.dtype.kind == "u":
        luminance = np.rint(luminance)
    noise = _JPEG_NOISE if channels.dtype == np.uint8 else 0
    return Pixels(luminance.astype(channels.dtype), coloured=spread > noise)


def decode_indices(path: Path) -> NDArray[Any]:
    """The class indices (H, W) of a mask file, as stored; a palette is ignored.

    Raises:
        AreosegError: The file is missing, empty, truncated, no image, or in colour.
    """
    channels = _decode(path, keep_palette=True)
    if channels.ndim == 2:
        return channels
    if _channel_spread(channels) > 0:
        raise AreosegError(
            f"{path}: the mask is in colour: store class indices in a single channel"
        )
    return channels[..., 0].copy()


def _channel_spread(channels: NDArray[Any]) -> float:
    """The largest difference between the channels of a pixel in (H, W, 3)."""
    first = channels[..., 0]
    if all(np.array_equal(first, channels[..., other]) for other in (1, 2)):
        return 0.0
    return float((channels.max(axis=-1).astype(np.float64) - channels.min(axis=-1)).max())


def _decode(path: Path, keep_palette: bool) -> NDArray[Any]:
    """The pixels (H, W) or (H, W, 3) of a file."""
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    decode: Callable[[Path, bool], NDArray[Any]] = _decode_with_pillow
    if path.suffix.lower() in (".tif", ".tiff"):
        decode = _decode_tiff
    try:
        if path.stat().st_size == 0:
            raise AreosegError(f"{path}: the file is empty: copy it again")
        pixels = decode(path, keep_palette)
    except PIL.UnidentifiedImageError as error:
        raise AreosegError(
            f"{path}: no PNG, JPEG or TIFF image, or its start is damaged: save or copy it again"
        ) from error
    except _BROKEN_FILE as error:
        raise AreosegError(
            f"{path}: cannot read this image ({one_line(error)}): save or copy it again"
        ) from error
    return _without_alpha(pixels, path)


def _without_alpha(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, 3) from up to four channels."""
    if pixels.ndim == 3 and pixels.shape[2] in (1, 2):
        return pixels[..., 0].copy()
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return pixels[..., :3]
    if pixels.ndim != 2 or pixels.size == 0:
        raise AreosegError(f"{path}: pixels of shape {pixels.shape}: give one grey image a file")
    return pixels


def _decode_tiff(path: Path, keep_palette: bool) -> NDArray[Any]:
    pixels = decode_tiff(path)
    return _decode_with_pillow(path, keep_palette) if pixels is None else pixels


def _decode_with_pillow(path: Path, keep_palette: bool) -> NDArray[Any]:
    with PIL.Image.open(path) as image:
        raw_mode = image.tile[0].args if image.tile else ""
        if raw_mode in ("RGB;16B", "RGBA;16B"):
            return _sixteen_bit_colour(path)
        if raw_mode == "LA;16B":
            raise ValueError("16-bit grey with alpha: save it without alpha")
        if image.mode in ("P", "PA"):
            return np.asarray(image if keep_palette else image.convert("RGB"))
        if image.mode in ("1", "L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
            return np.asarray(image)
        return np.asarray(image.convert("RGB"))


def _sixteen_bit_colour(path: Path) -> NDArray[np.uint16]:
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
