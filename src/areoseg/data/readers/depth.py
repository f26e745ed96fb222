"""Bring the gray levels of a whole set to uint8, or to float32 in 0..1.

The rule is that of `levels`, but it looks at the highest level of the whole set, never of one
image, so that brightness stays comparable. A set becomes uint8 where all its images have 8 bits,
also where wider integers hold no more; any other becomes float32 throughout.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.levels import to_units
from areoseg.data.readers.levels import white_level
from areoseg.errors import AreosegError
from areoseg.utils.images import ImageArray

# Calibrated images dip below 0 a little; what dips further was centered on 0, and is refused.
_NOISE = 0.1


@dataclass(frozen=True)
class Range:
    """The lowest and the highest level of one image, and the number type it is held in."""

    low: float
    high: float
    kind: str


def narrow(levels: NDArray[Any], where: str) -> NDArray[Any]:
    """Gray levels of any number type as uint8, uint16 or float32, with the same values.

    Wide integers become uint16; black and white pictures become 0 and 255.

    Raises:
        AreosegError: The type is no number, or an integer is outside 0..65535.
    """
    if levels.dtype == np.uint8:
        return levels
    if levels.dtype.kind == "b":
        return levels.astype(np.uint8) * np.uint8(255)
    if levels.dtype.kind == "f":
        with np.errstate(over="ignore"):  # becomes infinite, which is reported as such
            return levels.astype(np.float32)
    if levels.dtype.kind not in "ui":
        raise AreosegError(f"{where}: pixels of type {levels.dtype}: give uint8, uint16 or float32")
    if levels.size and (levels.min() < 0 or levels.max() > 65535):
        raise AreosegError(
            f"{where}: gray levels from {levels.min()} to {levels.max()}: give 0 to 255 or 0 to"
            " 65535"
        )
    return levels.astype(np.uint16)


def range_of(levels: NDArray[Any]) -> Range:
    """The range of one image, finite and narrowed."""
    return Range(low=float(levels.min()), high=float(levels.max()), kind=levels.dtype.name)


def white_levels(ranges: Iterable[Range], where: str) -> dict[str, float]:
    """The level of each number type of a set that becomes 1.

    An empty answer means that every image holds integers up to 255, and becomes uint8.

    Raises:
        AreosegError: Floats lie beyond 65535, or so far below 0 that they cannot be gray levels.
    """
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    for each in ranges:
        lows[each.kind] = min(each.low, lows.get(each.kind, 0.0))
        highs[each.kind] = max(each.high, highs.get(each.kind, 0.0))
    for kind, low in lows.items():
        if low < -_NOISE * highs[kind]:
            raise AreosegError(
                f"{where}: {kind} images range from {low:.6g} to {highs[kind]:.6g}: give gray"
                " levels from 0, in 0..1 or up to 65535"
            )
    whites = {
        kind: white_level(high, is_float=kind == "float32", where=where)
        for kind, high in highs.items()
    }
    eight_bits = all(kind != "float32" and white == 255 for kind, white in whites.items())
    return {} if eight_bits else whites


def to_image(levels: NDArray[Any], whites: dict[str, float]) -> ImageArray:
    """Gray levels as an image of a set: uint8 where `whites` is empty, else float32 in 0..1."""
    if not whites:
        return levels.astype(np.uint8, copy=False)
    return to_units(levels, whites[levels.dtype.name])
