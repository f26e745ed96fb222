"""Which gray level becomes white, and one image of any depth as uint8 or as float32 in 0..1.

The rule, which `depth` applies to a whole set:

- 8 bits stay as they are, and black and white becomes 0 and 255;
- integers are divided by the highest level of 8, 12 or 16 bits: the smallest that holds them, or
  the declared depth where it does. 10 bits are not guessed, since a dark frame of a 12-bit camera
  would look the same and come out too bright;
- floats up to 1 are used as they are, also where a few levels exceed 1 (up to 2) as in calibrated
  reflectance; those beyond are divided like integers;
- what is below 0 becomes 0, what exceeds white becomes white.

A single image has no set to be compared with, so it is judged by its own highest level.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray

WHITE_LEVELS = (255, 4095, 65535)
"""The highest levels of 8, 12 and 16 bits."""

_REFLECTANCE = 2.0


def to_gray(
    levels: NDArray[Any], valid: NDArray[np.bool_] | None, *, bits: int | None, where: str
) -> ImageArray:
    """Gray levels (H, W) of any number type as an image.

    Args:
        levels: As the file stores them.
        valid: Which pixels hold a measurement, (H, W); None: all. The others become 0.
        bits: The declared depth of integers, or None.
        where: How a message names the image.

    Raises:
        AreosegError: The type is no number, or a level is beyond 65535.
    """
    if levels.dtype.kind == "b":
        levels = levels.astype(np.uint8) * np.uint8(255)
    if levels.dtype.kind not in "uif":
        raise AreosegError(f"{where}: pixels of type {levels.dtype}: give integers or floats")
    if valid is not None:
        levels = np.where(valid, levels, levels.dtype.type(0))
    if levels.dtype == np.uint8:
        return levels.astype(np.uint8, copy=False)
    is_float = levels.dtype.kind == "f"
    white = white_level(float(levels.max()), is_float=is_float, bits=bits, where=where)
    if white == 255 and not is_float:
        gray: NDArray[np.uint8] = np.clip(levels, 0, 255).astype(np.uint8)
        return gray
    return to_units(levels, white)


def white_level(highest: float, *, is_float: bool, bits: int | None = None, where: str) -> float:
    """The level that becomes 1.

    Args:
        highest: The highest level of the image, or of the set that is to stay comparable.
        is_float: Whether the levels are floats, which may be in 0..1 already.
        bits: The declared depth of integers, or None.
        where: How a message names the image or the set.

    Raises:
        AreosegError: The level is beyond 65535.
    """
    if is_float and highest <= _REFLECTANCE:
        return 1.0
    declared = [] if bits is None or is_float else [2.0**bits - 1]
    for white in (*declared, *WHITE_LEVELS):
        if highest <= white:
            return white
    raise AreosegError(
        f"{where}: gray levels up to {highest:.6g}: scale them to 0..1, or to at most 65535"
    )


def to_units(levels: NDArray[Any], white: float) -> NDArray[np.float32]:
    """Gray levels of any number type as float32 in 0..1, where `white` and all above become 1."""
    image: NDArray[np.float32] = levels.astype(np.float32)
    image /= np.float32(white)
    np.clip(image, 0, 1, out=image)
    return image
