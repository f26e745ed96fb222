"""VICAR files: the label is at the start, and may continue at the end."""

import re
from pathlib import Path

import numpy as np

from areoseg.data.missions.odl import Block, parse_vicar
from areoseg.data.missions.pds_labels import metadata_from_keywords
from areoseg.data.readers.planetary.layout import (
    BIL,
    BIP,
    BSQ,
    Layout,
    Product,
    constants,
    integer_of,
)
from areoseg.errors import AreosegError

START = b"LBLSIZE"

_ORDERS = {"BSQ": BSQ, "BIL": BIL, "BIP": BIP}
_INTEGERS = {"BYTE": "u1", "HALF": "i2", "WORD": "i2", "FULL": "i4", "LONG": "i4"}
_REALS = {"REAL": "f4", "DOUB": "f8"}
_NODATA = ("INVALID_CONSTANT", "MISSING_CONSTANT")


def read_vicar_label(path: Path) -> Product:
    """Read the label of a VICAR file.

    Raises:
        AreosegError: The label does not describe an image.
    """
    with path.open("rb") as file:
        start = file.read(64).decode("latin-1")
        match = re.match(r"LBLSIZE\s*=\s*(\d+)", start)
        if match is None:
            raise AreosegError(f"{path}: the size of the label is missing: copy it again")
        file.seek(0)
        text = file.read(int(match[1])).split(b"\0")[0].decode("latin-1")
    label = parse_vicar(text)
    layout = _layout(label, path, int(match[1]))
    if label.values.get("EOL") == "1" and layout is not None:
        label = parse_vicar(text + " " + _rest(layout, path))
    properties = sorted(label.blocks, key=lambda block: block.name != "IMAGE_DATA")
    values = [
        next((block.values[key] for block in properties if key in block.values), None)
        for key in _NODATA
    ]
    dtype = np.dtype(np.float32) if layout is None or layout.vax else layout.dtype
    bands = 1 if layout is None else layout.bands
    return Product(
        layout=layout,
        file=path,
        nodata=constants([value for value in values if value is not None], bands, dtype),
        metadata=metadata_from_keywords(label.flat()),
        mapped=any(block.name == "MAP" for block in label.blocks),
    )


def _layout(label: Block, path: Path, size: int) -> Layout | None:
    """Return the layout of the pixels; None if they are compressed."""
    values = {key: value for key, value in label.values.items() if isinstance(value, str)}
    if values.get("COMPRESS", "NONE").upper() not in ("NONE", ""):
        return None
    numbers = {key: integer_of(values.get(key, "0")) or 0 for key in
               ("NL", "NS", "NB", "NBB", "NLB", "RECSIZE")}  # fmt: skip
    kind = values.get("FORMAT", "BYTE").upper()
    order = _ORDERS.get(values.get("ORG", "BSQ").upper())
    if numbers["NL"] < 1 or numbers["NS"] < 1 or order is None:
        raise AreosegError(f"{path}: NL, NS and ORG do not describe an image: copy it again")
    vax = False
    if kind in _INTEGERS:
        low = values.get("INTFMT", "LOW").upper() == "LOW"
        dtype = np.dtype(("<" if low else ">") + _INTEGERS[kind])
    elif kind in _REALS:
        real = values.get("REALFMT", "VAX").upper()
        vax = real == "VAX"
        if vax and kind == "DOUB":
            return None
        dtype = np.dtype("<u2" if vax else ("<" if real == "RIEEE" else ">") + _REALS[kind])
    else:
        raise AreosegError(f"{path}: pixels of the format {kind}: give integers or floats")
    bands = max(1, numbers["NB"])
    line = numbers["NS"] * dtype.itemsize * (2 if vax else 1) * (bands if order == BIP else 1)
    if order == BIP:
        # A record is one pixel with all its bands, each with a prefix of its own.
        line = bands * dtype.itemsize * (2 if vax else 1)
        if numbers["NBB"]:
            return None
    record = numbers["RECSIZE"] or numbers["NBB"] + line
    return Layout(
        file=path,
        dtype=dtype,
        lines=numbers["NL"],
        samples=numbers["NS"],
        bands=bands,
        order=order,
        offset=size + numbers["NLB"] * record,
        prefix=numbers["NBB"],
        suffix=0 if order == BIP else max(0, record - numbers["NBB"] - line),
        vax=vax,
    )


def _rest(layout: Layout, path: Path) -> str:
    """Return the label at the end of the file, or an empty text."""
    item = layout.dtype.itemsize * (2 if layout.vax else 1)
    line = layout.prefix + layout.samples * item + layout.suffix
    start = layout.offset + layout.lines * layout.bands * line
    with path.open("rb") as file:
        file.seek(start)
        end = file.read(1 << 20)
    match = re.match(rb"LBLSIZE\s*=\s*(\d+)", end)
    return end[match.end() : int(match[1])].split(b"\0")[0].decode("latin-1") if match else ""
