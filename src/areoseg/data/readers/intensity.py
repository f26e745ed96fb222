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
- pixels without a measurement become 0: nodata, transparent, NaN and infinite ones.

The range is determined per file, so that a file gives the same pixels in training and prediction,
whatever else is read with it. The images of an npz file share the range of the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.raster import Raster
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


def measured_levels(raster: Raster, where: str) -> NDArray[Any]:
    """Return the gray levels of a decoded image as uint8, uint16 or float32.

    Pixels without a measurement are 0.

    Raises:
        AreosegError: See `narrow`.
    """
    levels, valid = raster.levels, raster.measured
    if valid is not None:
        levels = np.where(valid, levels, levels.dtype.type(0))
    return narrow(levels, where)


def intensity_range(levels: NDArray[Any], bits: int | None = None) -> IntensityRange:
    """Return the range of one image after `measured_levels`."""
    return IntensityRange(float(levels.min()), float(levels.max()), levels.dtype.name, bits)


def merged_range(ranges: Iterable[IntensityRange]) -> IntensityRange:
    """Return the range of the images of one file, which have the same dtype and depth."""
    listed = list(ranges)
    return IntensityRange(
        min(each.low for each in listed),
        max(each.high for each in listed),
        listed[0].dtype,
        listed[0].bits,
    )


def white_level(levels: IntensityRange, where: str) -> float:
    """Return the level that becomes 1.

    Raises:
        AreosegError: Floats exceed 65535, or levels are too far below 0; `where` names the file.
    """
    is_float = levels.dtype == "float32"
    low, high = min(levels.low, 0.0), max(levels.high, 0.0)
    if low < -_MAX_DIP * high:
        raise AreosegError(
            f"{where}: {levels.dtype} images range from {low:.6g} to {high:.6g}:"
            " give gray levels from 0, in 0..1 or up to 65535"
        )
    if is_float and levels.high <= _MAX_REFLECTANCE:
        return 1.0
    if not is_float and levels.bits is not None and levels.high < 2**levels.bits:
        return 2.0**levels.bits - 1
    for white in WHITE_LEVELS:
        if levels.high <= white:
            return white
    raise AreosegError(
        f"{where}: gray levels up to {levels.high:.6g}: scale them to 0..1, or to at most 65535"
    )


def is_eight_bit(levels: IntensityRange, white: float) -> bool:
    """Return whether levels are integers up to 255, which are kept as uint8."""
    return levels.dtype != "float32" and white == WHITE_LEVELS[0]


def to_image(levels: NDArray[Any], white: float | None) -> ImageArray:
    """Return measured levels as uint8 if `white` is None, else as float32 in 0..1."""
    if white is None:
        return levels.astype(np.uint8, copy=False)
    image: NDArray[np.float32] = levels.astype(np.float32)
    image /= np.float32(white)
    np.clip(image, 0, 1, out=image)
    return image


def to_gray(raster: Raster, where: str) -> ImageArray:
    """Convert a single decoded image by the rules of this module; `where` names it in messages.

    Raises:
        AreosegError: The dtype is not numeric, or levels exceed 65535 or are too far below 0.
    """
    levels = measured_levels(raster, where)
    found = intensity_range(levels, raster.bits)
    white = white_level(found, where)
    return to_image(levels, None if is_eight_bit(found, white) else white)
