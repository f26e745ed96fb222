"""Bring the grey levels of one image of any depth to uint8, or to float32 in 0..1.

The module `depth` does the same for a whole set. A single image has no set to be compared with,
so the rule looks at what is declared, and else at the highest level:

- 8 bits stay as they are, and black and white becomes 0 and 255;
- integers are divided by the highest level of their declared depth, or, for want of a declaration
  or where it is exceeded, of 8, 12 or 16 bits: the smallest that holds the image. 10 bits are not
  guessed, since a dark frame of a 12-bit camera would look the same and come out too bright;
- floats up to 1 are used as they are, also where a few levels exceed 1 (up to 2) as in calibrated
  reflectance; those beyond are divided like integers;
- what is below 0 becomes 0.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.scenes import Image
from areoseg.errors import AreosegError

WHITE_LEVELS = (255, 4095, 65535)
"""The highest levels of 8, 12 and 16 bits."""

_REFLECTANCE = 2.0


def to_grey(
    levels: NDArray[Any], valid: NDArray[np.bool_] | None, *, bits: int | None, where: str
) -> Image:
    """Grey levels (H, W) of any number type as an image.

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
    highest = float(levels.max())
    white = _white(highest, bits=bits, is_float=levels.dtype.kind == "f", where=where)
    if levels.dtype.kind in "ui" and white == 255:
        grey: NDArray[np.uint8] = np.clip(levels, 0, 255).astype(np.uint8)
        return grey
    image: NDArray[np.float32] = levels.astype(np.float32)
    image /= np.float32(white)
    np.clip(image, 0, 1, out=image)
    return image


def _white(highest: float, *, bits: int | None, is_float: bool, where: str) -> float:
    """The level that becomes 1."""
    if is_float and highest <= _REFLECTANCE:
        return 1.0
    declared = [] if bits is None or is_float else [2.0**bits - 1]
    for white in (*declared, *WHITE_LEVELS):
        if highest <= white:
            return white
    raise AreosegError(
        f"{where}: grey levels up to {highest:.6g}: scale them to 0..1, or to at most 65535"
    )
