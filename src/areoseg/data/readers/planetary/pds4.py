"""PDS4 labels: XML files beside their pixels."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from areoseg.data.missions.pds_labels import metadata_from_pds4
from areoseg.data.readers.planetary.layout import (
    BIL,
    BIP,
    BSQ,
    Layout,
    Product,
    bits_and_shift,
    constants,
    file_beside,
    integer_of,
)
from areoseg.errors import AreosegError, one_line

_NODATA = (
    "missing_constant",
    "invalid_constant",
    "error_constant",
    "unknown_constant",
    "not_applicable_constant",
)

_TYPES = {
    "UnsignedByte": ">u1",
    "SignedByte": ">i1",
    **{
        f"{sign}{order}{size}": f"{mark}{kind}{size}"
        for sign, kind in (("Unsigned", "u"), ("Signed", "i"))
        for order, mark in (("MSB", ">"), ("LSB", "<"))
        for size in (2, 4, 8)
    },
    "IEEE754MSBSingle": ">f4",
    "IEEE754MSBDouble": ">f8",
    "IEEE754LSBSingle": "<f4",
    "IEEE754LSBDouble": "<f8",
}

_ORDERS = {("Line", "Sample"): BSQ, ("Band", "Line", "Sample"): BSQ,
           ("Line", "Band", "Sample"): BIL, ("Line", "Sample", "Band"): BIP}  # fmt: skip


def read_pds4_label(path: Path) -> Product:
    """Read a PDS4 label.

    Raises:
        AreosegError: It is no XML or has no image, or points to a file elsewhere.
    """
    root = _parse(path)
    arrays = [
        (area, array)
        for area in root.iterfind(".//{*}File_Area_Observational")
        for array in area
        if _tag(array) in ("Array_2D_Image", "Array_3D_Image", "Array_2D", "Array_3D")
    ]
    if not arrays:
        raise AreosegError(f"{path}: no image in this label: give the product that contains it")
    images = [each for each in arrays if _tag(each[1]).endswith("Image")] or arrays
    area, array = images[0]
    others = [_text(each, "{*}local_identifier") or _tag(each) for _, each in images[1:]]
    file = file_beside(path, _text(area, "{*}File/{*}file_name"))
    layout = _layout(root, array, file, path)
    special = array.find("{*}Special_Constants")
    values, highest = [], None
    if special is not None:
        values = [text for name in _NODATA if (text := _text(special, f"{{*}}{name}"))]
        highest = integer_of(_text(special, "{*}valid_maximum"))
    bits, _ = bits_and_shift(highest)
    return Product(
        layout=layout,
        file=file,
        nodata=constants(values, layout.bands, layout.dtype),
        bits=highest.bit_length() if highest and bits else None,
        metadata=metadata_from_pds4(root),
        warnings=(f"only the first image is read, not {', '.join(others)}",) if others else (),
        mapped=root.find(".//{*}Cartography/{*}Spatial_Reference_Information") is not None,
    )


def _parse(path: Path) -> ElementTree.Element:
    content = path.read_bytes()
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        text = re.sub(r"^\s*<\?xml.*?\?>", "", content.decode("latin-1"), flags=re.DOTALL)
        try:  # a byte above 127 that is not UTF-8
            return ElementTree.fromstring(text)
        except ElementTree.ParseError:
            raise AreosegError(
                f"{path}: cannot read this image (its label is no XML: {one_line(error)}): copy it"
                " again"
            ) from None


def _layout(
    root: ElementTree.Element, array: ElementTree.Element, file: Path, path: Path
) -> Layout:
    kind = _text(array, "{*}Element_Array/{*}data_type")
    axes = sorted(
        array.iterfind("{*}Axis_Array"),
        key=lambda axis: integer_of(_text(axis, "{*}sequence_number")) or 0,
    )
    names = tuple(_text(axis, "{*}axis_name").capitalize() for axis in axes)
    sizes = [integer_of(_text(axis, "{*}elements")) or 0 for axis in axes]
    order = _ORDERS.get(names)
    if order is None and len(axes) == 2:
        names, order = ("Line", "Sample"), BSQ
    if order is None or kind not in _TYPES or min(sizes) < 1:
        raise AreosegError(
            f"{path}: an array of {kind or 'no type'} with the axes {', '.join(names) or 'none'}:"
            " give an image with lines, samples and bands"
        )
    size = dict(zip(names, sizes, strict=True))
    directions = [
        (root.findtext(f".//{{*}}{name}_display_direction") or "").strip().lower()
        for name in ("vertical", "horizontal")
    ]
    return Layout(
        file=file,
        dtype=np.dtype(_TYPES[kind]),
        lines=size["Line"],
        samples=size["Sample"],
        bands=size.get("Band", 1),
        order=order,
        offset=integer_of(_text(array, "{*}offset")) or 0,
        upward=directions[0] == "bottom to top",
        leftward=directions[1] == "right to left",
    )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
