"""Conversion of gray levels of any dtype and bit depth to uint8, or to float32 in 0..1.

The same rules apply to training and prediction:

- 8-bit levels are unchanged, and black-and-white images become 0 and 255;
- wider integers are divided by the highest level of their declared depth if their levels fit it,
  else by that of 8, 12 or 16 bits, the smallest that fits. A depth of 10 bits is never assumed,
  since a dark frame of a 12-bit camera would look the same and become too bright;
- floats up to 1 are unchanged, even if a few levels exceed 1 (up to 2) as in calibrated
  reflectance; larger ones are divided like integers;
- levels slightly below 0, as in calibrated images, become 0; an image with lower levels was
  centered on 0 and is rejected;
- NaN and infinite levels become 0.

The range is determined per dtype over all images that are read together, so that their brightness
stays comparable: a whole dataset for training, a single image for prediction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray

WHITE_LEVELS = (255, 4095, 65535)
"""The highest levels of 8, 12 and 16 bits."""

_MAX_REFLECTANCE = 2.0
_MAX_DIP = 0.1  # below 0, relative to the highest level


@dataclass(frozen=True)
class IntensityRange:
    """The lowest and highest gray level of an image, its dtype and declared bit depth."""

    low: float
    high: float
    dtype: str
    bits: int | None = None


def narrow(levels: NDArray[Any], where: str) -> NDArray[Any]:
    """Convert gray levels of any dtype to uint8, uint16 or float32, with the same values.

    Raises:
        AreosegError: The dtype is not numeric, or integers are outside 0..65535; `where` names the
            image.
    """
    kind = levels.dtype.kind
    if levels.dtype == np.uint8:
        return levels
    if kind == "b":
        return levels.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        with np.errstate(over="ignore"):  # overflow becomes infinite, which is reported
            return levels.astype(np.float32)
    if kind not in "ui":
        raise AreosegError(f"{where}: pixels of type {levels.dtype}: give uint8, uint16 or float32")
    if not levels.size:
        return levels.astype(np.uint16)
    low, high = int(levels.min()), int(levels.max())
    if high > WHITE_LEVELS[-1] or low < -_MAX_DIP * high:
        raise AreosegError(
            f"{where}: gray levels from {low} to {high}: give 0 to 255 or 0 to 65535"
        )
    return (np.maximum(levels, 0) if low < 0 else levels).astype(np.uint16)


def without_holes(levels: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Replace NaN and infinite pixels by 0; also return whether there were any."""
    if levels.dtype.kind != "f":
        return levels, False
    finite = np.isfinite(levels)
    if finite.all():
        return levels, False
    return np.where(finite, levels, np.float32(0)), True


def intensity_range(levels: NDArray[Any], bits: int | None = None) -> IntensityRange:
    """Return the range of one image after `narrow` and `without_holes`."""
    return IntensityRange(float(levels.min()), float(levels.max()), levels.dtype.name, bits)


def white_levels(ranges: Iterable[IntensityRange], where: str) -> dict[str, float]:
    """Return the level that becomes 1, for each dtype in a set of images.

    The result is empty if all images are integers up to 255; these become uint8.

    Raises:
        AreosegError: Floats exceed 65535, or are too far below 0; `where` names the set.
    """
    merged: dict[str, IntensityRange] = {}
    for each in ranges:
        before = merged.get(each.dtype, IntensityRange(0.0, 0.0, each.dtype))
        merged[each.dtype] = IntensityRange(
            min(each.low, before.low), max(each.high, before.high), each.dtype, each.bits
        )
    whites = {dtype: _white_level(each, where) for dtype, each in merged.items()}
    eight_bits = all(dtype != "float32" and white == 255 for dtype, white in whites.items())
    return {} if eight_bits else whites


def to_image(levels: NDArray[Any], whites: dict[str, float]) -> ImageArray:
    """Return narrowed gray levels as uint8 if `whites` is empty, else as float32 in 0..1."""
    if not whites:
        return levels.astype(np.uint8, copy=False)
    image: NDArray[np.float32] = levels.astype(np.float32)
    image /= np.float32(whites[levels.dtype.name])
    np.clip(image, 0, 1, out=image)
    return image


def to_gray(
    levels: NDArray[Any], valid: NDArray[np.bool_] | None, *, bits: int | None, where: str
) -> ImageArray:
    """Convert the gray levels of a single image by the rules of this module.

    Args:
        levels: (H, W) as stored in the file.
        valid: (H, W), the pixels that hold a measurement; None: all. The others become 0.
        bits: Declared depth of integers, or None.
        where: Name of the image in messages.

    Raises:
        AreosegError: The dtype is not numeric, or levels exceed 65535 or are too far below 0.
    """
    if valid is not None:
        levels = np.where(valid, levels, levels.dtype.type(0))
    levels = narrow(levels, where)
    return to_image(levels, white_levels([intensity_range(levels, bits)], where))


def _white_level(levels: IntensityRange, where: str) -> float:
    """Return the level that becomes 1."""
    is_float = levels.dtype == "float32"
    if levels.low < -_MAX_DIP * levels.high:
        raise AreosegError(
            f"{where}: {levels.dtype} images range from {levels.low:.6g} to {levels.high:.6g}:"
            " give gray levels from 0, in 0..1 or up to 65535"
        )
    if is_float and levels.high <= _MAX_REFLECTANCE:
        return 1.0
    if levels.dtype == "uint16" and levels.bits is not None and levels.high < 2**levels.bits:
        return 2.0**levels.bits - 1
    for white in WHITE_LEVELS:
        if levels.high <= white:
            return white
    raise AreosegError(
        f"{where}: gray levels up to {levels.high:.6g}: scale them to 0..1, or to at most 65535"
    )
