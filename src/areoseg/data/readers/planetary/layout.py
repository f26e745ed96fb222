"""The pixels of a product as its label lays them out, and their reading.

Uncompressed pixels are read by numpy exactly as the label says, so that a file that is shorter than
its label is noticed, and no library can crash on it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import Metadata
from areoseg.data.readers.files import check_size
from areoseg.data.readers.raster import Constant, Raster, gray_raster
from areoseg.errors import AreosegError

BSQ, BIL, BIP = "band sequential", "line interleaved", "pixel interleaved"

SMALLER = ("BROWSE", "THUMBNAIL", "PREVIEW", "HISTOGRAM")
"""Words in the names of objects of a product that are not its image."""

VAX = "vax"
"""The kind of 32-bit floats of a VAX, which numpy does not have."""


@dataclass(frozen=True)
class Layout:
    """Where the pixels of an image are in a file.

    Attributes:
        file: The file that contains them.
        dtype: Type of a stored level with its byte order; for VAX floats `<u2`, two per level.
        lines: Height in pixels.
        samples: Width in pixels.
        bands: Number of bands.
        order: `BSQ`, `BIL` or `BIP`.
        offset: Number of bytes before the pixels.
        prefix: Number of bytes before each stored line.
        suffix: Number of bytes after each stored line.
        vax: Whether the levels are VAX floats.
        upward: Whether the first line is the lowest.
        leftward: Whether the first sample is the rightmost.
    """

    file: Path
    dtype: np.dtype[Any]
    lines: int
    samples: int
    bands: int = 1
    order: str = BSQ
    offset: int = 0
    prefix: int = 0
    suffix: int = 0
    vax: bool = False
    upward: bool = False
    leftward: bool = False


@dataclass(frozen=True)
class Product:
    """Contents of a label.

    Attributes:
        layout: Where the pixels are; None if they are compressed or otherwise encoded, and need
            GDAL or pdr.
        file: The file that contains the pixels.
        nodata: Levels that mark missing pixels.
        bits: Declared depth of the levels, or None.
        shift: Number of unused low bits of a level.
        metadata: Time, place and camera.
        mapped: Whether the label has a map projection.
        warnings: Choices that the reader made.
    """

    layout: Layout | None
    file: Path
    nodata: tuple[Constant, ...] = ()
    bits: int | None = None
    shift: int = 0
    metadata: Metadata = Metadata()  # noqa: RUF009  (frozen)
    mapped: bool = False
    warnings: tuple[str, ...] = ()


def read_pixels(layout: Layout, where: Path) -> NDArray[Any]:
    """Return the pixels (lines, samples, bands) in the byte order of the machine.

    Args:
        layout: Where they are.
        where: The file that the user named, for messages.

    Raises:
        AreosegError: The file is too short or too large.
    """
    check_size(layout.lines, layout.samples, str(where))
    shape = {
        BSQ: (layout.bands, layout.lines, layout.samples),
        BIL: (layout.lines, layout.bands, layout.samples),
        BIP: (layout.lines, 1, layout.samples * layout.bands),
    }[layout.order]
    item = layout.dtype.itemsize * (2 if layout.vax else 1)
    line = layout.prefix + shape[2] * item + layout.suffix
    rows = shape[0] * shape[1]
    needed = layout.offset + rows * line - layout.suffix
    present = layout.file.stat().st_size
    if present < needed:
        whole = max(0, (present - layout.offset + layout.suffix) // line)
        lost = rows - whole if layout.bands == 1 or layout.order != BSQ else layout.lines
        raise AreosegError(
            f"{where}: {present:,} bytes, but the label declares {needed:,}: at least"
            f" {min(lost, layout.lines):,} of {layout.lines:,} lines are incomplete: copy it again"
        )
    with layout.file.open("rb") as file:
        file.seek(layout.offset)
        content = file.read(rows * line)
    content = content.ljust(rows * line, b"\0")  # the suffix of the last line may be missing
    stored = np.frombuffer(content, np.uint8).reshape(rows, line)
    stored = np.ascontiguousarray(stored[:, layout.prefix : line - layout.suffix])
    pixels = _from_vax(stored) if layout.vax else stored.view(layout.dtype)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if layout.order == BSQ:
        pixels = np.moveaxis(pixels.reshape(shape), 0, -1)
    elif layout.order == BIL:
        pixels = np.moveaxis(pixels.reshape(shape), 1, -1)
    else:
        pixels = pixels.reshape(layout.lines, layout.samples, layout.bands)
    if layout.upward:
        pixels = pixels[::-1]
    return pixels[:, ::-1] if layout.leftward else pixels


def read_layout(product: Product, layout: Layout, where: Path) -> Raster:
    """Return the gray levels of a product whose pixels are not compressed.

    Raises:
        AreosegError: The file is too short or too large, or the number of bands is neither 1 nor 3.
    """
    if layout.bands not in (1, 3):
        raise AreosegError(
            f"{where}: {layout.bands} bands: give one gray band, or red, green and blue"
        )
    pixels = read_pixels(layout, where)
    found = gray_raster(pixels, str(where), nodata=product.nodata, bits=product.bits)
    levels = found.levels
    if product.shift and product.bits and levels.dtype.kind in "ui":
        levels = levels >> product.shift
    return replace(
        found,
        levels=levels,
        metadata=product.metadata,
        warnings=product.warnings,
    )


def file_beside(label: Path, name: str) -> Path:
    """Return the file that a label names, which must be beside the label.

    Upper and lower case may differ, since products are copied between file systems.

    Raises:
        AreosegError: The name contains a folder, or there is no such file.
    """
    if not name or name in (".", "..") or re.search(r"[/\\:]|^\[", name):
        raise AreosegError(
            f"{label}: the label points to {name!r}: a label may only name a file beside itself"
        )
    beside = label.with_name(name)
    if beside.is_file():
        return beside
    for other in label.parent.iterdir():
        if other.name.lower() == name.lower() and other.is_file():
            return other
    raise AreosegError(f"{label}: the label names {name}, which is not beside it: copy it there")


def constants(values: Sequence[Any], bands: int, dtype: np.dtype[Any]) -> tuple[Constant, ...]:
    """Return the levels that mark missing pixels.

    Args:
        values: Values of keywords: numbers, texts such as `16#FF#` or `0xFF`, or sequences of them,
            one per band.
        bands: Number of bands.
        dtype: Type of a level. Hexadecimal, octal and binary constants of signed levels and of
            floats are bit patterns.
    """
    found: list[Constant] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            levels = [level for part in value if (level := constant(part, dtype)) is not None]
            if bands > 1 and len(levels) == bands == len(value):
                found.append(tuple(levels))
            else:
                found += levels
        elif (level := constant(value, dtype)) is not None:
            found.append(level)
    return tuple(dict.fromkeys(found))


_BASED = re.compile(r"([+-]?)(\d+)#([+-]?)([0-9A-Fa-f]+)#?")
_PREFIXED = re.compile(r"([+-]?)0([xXoObB])([0-9A-Fa-f]+)")
_RADIX = {"x": 16, "o": 8, "b": 2}


def constant(value: Any, dtype: np.dtype[Any]) -> float | None:
    """Return a level from a number or text; None if it is neither, for example `N/A`."""
    text = str(value).strip().strip("\"'").strip()
    pattern = integer_of(text)
    if pattern is None:
        try:
            return float(text)
        except ValueError:
            return None
    if text.lstrip("+-").isdigit() or "-" in text:
        return float(pattern)
    size = 8 * dtype.itemsize
    if dtype.kind == "f" and size in (32, 64) and pattern >= 2 ** (size - 8):
        return float(np.array(pattern, f"u{dtype.itemsize}").view(f"f{dtype.itemsize}"))
    if dtype.kind == "i":  # the pattern may be that of a wider integer
        for bits in (size, 32, 64):
            if 2 ** (bits - 1) <= pattern < 2**bits:
                return float(pattern - 2**bits)
    return float(pattern)


def integer_of(text: str) -> int | None:
    """Return an integer written as `12`, `16#FF#`, `2#1100#` or `0xFF`, or None."""
    try:
        if match := _BASED.fullmatch(text):
            sign = "-" if "-" in (match[1], match[3]) else ""
            return int(sign + match[4], int(match[2]))
        if match := _PREFIXED.fullmatch(text):
            return int(match[1] + match[3], _RADIX[match[2].lower()])
        return int(text)
    except ValueError:
        return None


def bits_and_shift(mask: int | None) -> tuple[int | None, int]:
    """Return the number of used bits of a bit mask, and of unused bits below them."""
    if mask is None or mask <= 0:
        return None, 0
    shift = (mask & -mask).bit_length() - 1
    return mask.bit_length() - shift, shift


def _from_vax(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return VAX F floats, bytes (rows, 4 N), as float32 (rows, N)."""
    words = stored.view("<u2").astype(np.uint32)
    bits = (words[:, 0::2] << 16) | words[:, 1::2]
    # Sign and exponent are where IEEE has them; the value is a quarter of that of the same bits.
    values = bits.view(np.float32) / np.float32(4)
    return np.where((bits >> 23) & 0xFF == 0, np.float32(0), values).astype(np.float32)
