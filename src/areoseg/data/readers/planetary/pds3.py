"""PDS3 labels, attached to their pixels or in a file of their own."""

import re
from pathlib import Path

import numpy as np

from areoseg.data.missions.odl import Block, Value, parse_odl
from areoseg.data.missions.pds_labels import metadata_from_keywords
from areoseg.data.readers.planetary.layout import (
    BIL,
    BIP,
    BSQ,
    SMALLER,
    Layout,
    Product,
    bits_and_shift,
    constants,
    file_beside,
    integer_of,
)
from areoseg.errors import AreosegError

STARTS = (b"PDS_VERSION_ID", b"ODL_VERSION_ID", b"CCSD", b"NJPL")
"""First bytes of a file with an attached label."""

_LABEL_BYTES = 4 << 20
"""Longest label that is read; those of rover images have about 30 KB."""

_ORDERS = {
    "BAND_SEQUENTIAL": BSQ,
    "LINE_INTERLEAVED": BIL,
    "SAMPLE_INTERLEAVED": BIP,
    "PIXEL_INTERLEAVED": BIP,
}

# Types by their names without a number of bits; see the PDS3 Data Dictionary, appendix C.
_TYPES = {
    **dict.fromkeys(("UNSIGNED_INTEGER", "SUN_UNSIGNED_INTEGER", "MAC_UNSIGNED_INTEGER"), ">u"),
    **dict.fromkeys(("MSB_UNSIGNED_INTEGER", "UNSIGNED_BYTE", "BYTE", "CHARACTER"), ">u"),
    **dict.fromkeys(("LSB_UNSIGNED_INTEGER", "PC_UNSIGNED_INTEGER", "VAX_UNSIGNED_INTEGER"), "<u"),
    **dict.fromkeys(("INTEGER", "MSB_INTEGER", "SUN_INTEGER", "MAC_INTEGER"), ">i"),
    **dict.fromkeys(("LSB_INTEGER", "PC_INTEGER", "VAX_INTEGER"), "<i"),
    **dict.fromkeys(("IEEE_REAL", "FLOAT", "REAL", "SUN_REAL", "MAC_REAL"), ">f"),
    "PC_REAL": "<f",
    **dict.fromkeys(("VAX_REAL", "VAXF_REAL"), "vax"),
}

_NODATA = (
    "MISSING_CONSTANT",
    "INVALID_CONSTANT",
    "ERROR_CONSTANT",
    "UNKNOWN_CONSTANT",
    "NOT_APPLICABLE_CONSTANT",
    "NULL_CONSTANT",
    "MISSING",
    "NULL",
    "CORE_NULL",
)
_PLAIN = ("", "N/A", "NA", "NONE", "NULL", "UNK")


def read_pds3_label(path: Path) -> Product:
    """Read the label at the start of a file.

    Raises:
        AreosegError: The label has no image, points to a file elsewhere, or lacks a keyword.
    """
    with path.open("rb") as stream:
        label = parse_odl(stream.read(_LABEL_BYTES).decode("latin-1"))
    image, pointer, around, others = _image(label, path)
    scope = (image, *around)
    file, offset = _place(pointer, scope, path)
    layout = _layout(image, file, offset, path)
    dtype = np.dtype(np.float32) if layout is None or layout.vax else layout.dtype
    values = [found for key in _NODATA if (found := _first(scope, key)) is not None]
    bits, shift = bits_and_shift(integer_of(_text(_first(scope, "SAMPLE_BIT_MASK"))))
    return Product(
        layout=layout,
        file=file,
        nodata=constants(values, 1 if layout is None else layout.bands, dtype),
        bits=bits,
        shift=shift,
        metadata=metadata_from_keywords(label.flat()),
        mapped=any(block.name == "IMAGE_MAP_PROJECTION" for block, _ in label.walk()),
        warnings=(f"only IMAGE is read, not {', '.join(others)}",) if others else (),
    )


def _image(label: Block, path: Path) -> tuple[Block, str, tuple[Block, ...], list[str]]:
    """Return the image's object, its pointer, the objects around it, and names of other images."""
    found = [
        (block, f"^{block.name}", around)
        for block, around in label.walk()
        if block.name.endswith(("IMAGE", "QUBE"))
        and any(f"^{block.name}" in outer.values for outer in around)
        and not any(word in block.name for word in SMALLER)
    ]
    plain = [each for each in found if each[0].name == "IMAGE"] or found
    if not plain:
        raise AreosegError(f"{path}: no image in this label: give the product that contains it")
    if len(plain) > 1:
        names = ", ".join(block.name for block, _, _ in plain)
        raise AreosegError(f"{path}: several images in this label ({names}): give one of its own")
    return *plain[0], [each[0].name for each in found if each is not plain[0]]


def _place(pointer: str, scope: tuple[Block, ...], path: Path) -> tuple[Path, int]:
    """Return the file of the pixels, and the number of bytes before them."""
    holder = next(block for block in scope if pointer in block.values)
    value = holder.values[pointer]
    parts = [value] if isinstance(value, str) else list(value)
    name = None
    if parts and integer_of(parts[0]) is None:
        name = parts.pop(0)
    start = integer_of(parts[0]) if parts else 1
    if start is None or start < 1 or len(parts) > 1:
        raise AreosegError(f"{path}: {pointer} = {value}: this pointer is not understood")
    if holder.units.get(pointer) == "BYTES":
        offset = start - 1
    elif start == 1:
        offset = 0
    else:
        record = integer_of(_text(_first(scope, "RECORD_BYTES")))
        if not record:
            raise AreosegError(f"{path}: RECORD_BYTES is missing, in which {pointer} counts")
        offset = (start - 1) * record
    return (path if name is None else file_beside(path, name)), offset


def _layout(image: Block, file: Path, offset: int, path: Path) -> Layout | None:
    """Return the layout of an image, or None if its pixels are encoded."""
    values = image.values
    encoding = _text(values.get("ENCODING_TYPE")).upper()
    kind = re.sub(r"_(\d+)$", "", _text(values.get("SAMPLE_TYPE")).upper())
    bits = integer_of(_text(values.get("SAMPLE_BITS")))
    base = _TYPES.get(kind or "UNSIGNED_INTEGER")
    lines, samples = (integer_of(_text(values.get(key))) for key in ("LINES", "LINE_SAMPLES"))
    if encoding not in _PLAIN or "QUBE" in image.name or base is None:
        return None
    if not lines or not samples or bits not in (8, 16, 32, 64) or min(lines, samples) < 1:
        raise AreosegError(
            f"{path}: LINES, LINE_SAMPLES and SAMPLE_BITS do not describe an image: copy the label"
            " again"
        )
    bands = integer_of(_text(values.get("BANDS"))) or 1
    order = _ORDERS.get(_text(values.get("BAND_STORAGE_TYPE")).upper(), BSQ if bands == 1 else None)
    if order is None:
        if values.get("BAND_STORAGE_TYPE") is not None:
            return None
        order = BSQ
    vax = base == "vax"
    return Layout(
        file=file,
        dtype=np.dtype("<u2" if vax else f"{base}{bits // 8}"),
        lines=lines,
        samples=samples,
        bands=bands,
        order=order,
        offset=offset,
        prefix=integer_of(_text(values.get("LINE_PREFIX_BYTES"))) or 0,
        suffix=integer_of(_text(values.get("LINE_SUFFIX_BYTES"))) or 0,
        vax=vax,
        upward=_text(values.get("LINE_DISPLAY_DIRECTION")).upper() == "UP",
        leftward=_text(values.get("SAMPLE_DISPLAY_DIRECTION")).upper() == "LEFT",
    )


def _first(scope: tuple[Block, ...], key: str) -> Value | None:
    """Return the value of a keyword in the image's object, or else in those around it."""
    return next((block.values[key] for block in scope if key in block.values), None)


def _text(value: Value | None) -> str:
    return value if isinstance(value, str) else ""
