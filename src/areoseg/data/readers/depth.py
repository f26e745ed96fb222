"""Bring grey levels of any depth to uint8, or to float32 in 0..1.

The rule looks at a whole set, never at one image, so that brightness stays comparable:

- 8 bits stay as they are;
- 16 bits are divided by 65535, or by 4095 where no level of the set exceeds 4095 (12-bit cameras);
- floats are used as they are within 0..1 and divided by 255 within 0..255;
- a set that mixes these becomes float32 throughout.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.scenes import Image
from areoseg.errors import AreosegError


@dataclass(frozen=True)
class Range:
    """The lowest and the highest level of one image, and the number type it is held in."""

    low: float
    high: float
    kind: str


def narrow(levels: NDArray[Any], where: str) -> NDArray[Any]:
    """Grey levels of any number type as uint8, uint16 or float32, with the same values.

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
            f"{where}: grey levels from {levels.min()} to {levels.max()}: give 0 to 255 or 0 to"
            " 65535"
        )
    return levels.astype(np.uint16)


def range_of(levels: NDArray[Any]) -> Range:
    """The range of one image, finite and narrowed."""
    return Range(low=float(levels.min()), high=float(levels.max()), kind=levels.dtype.name)


def white_levels(ranges: Iterable[Range], where: str) -> dict[str, float]:
    """What each number type of a set is divided by to bring it to 0..1.

    An empty answer means that every image has 8 bits and stays as it is.

    Raises:
        AreosegError: Floats lie outside 0..255.
    """
    by_kind: dict[str, list[Range]] = {}
    for each in ranges:
        by_kind.setdefault(each.kind, []).append(each)
    if set(by_kind) <= {"uint8"}:
        return {}
    whites = {"uint8": 255.0}
    if "uint16" in by_kind:
        highest = max(each.high for each in by_kind["uint16"])
        whites["uint16"] = 4095.0 if highest <= 4095 else 65535.0
    if "float32" in by_kind:
        whites["float32"] = _float_white(by_kind["float32"], where)
    return whites


def _float_white(ranges: list[Range], where: str) -> float:
    low, high = min(each.low for each in ranges), max(each.high for each in ranges)
    if low < 0 or high > 255:
        raise AreosegError(
            f"{where}: float images range from {low:.6g} to {high:.6g}: scale them to 0..1 or"
            " 0..255"
        )
    return 1.0 if high <= 1 else 255.0


def to_image(levels: NDArray[Any], whites: dict[str, float]) -> Image:
    """Grey levels as an image: uint8 as it is where `whites` is empty, else float32 in 0..1."""
    if not whites:
        return levels
    return levels.astype(np.float32) / np.float32(whites[levels.dtype.name])
