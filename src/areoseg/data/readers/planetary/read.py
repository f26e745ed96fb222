"""Read a planetary product; its label decides how.

Uncompressed pixels are read as their label lays them out. The others, and the map projection of
any, are read by GDAL or pdr in a process of its own.
"""

from dataclasses import replace
from pathlib import Path

from areoseg.data.readers.files import LABEL_SUFFIXES
from areoseg.data.readers.planetary.isolated import read_encoded, read_georeference
from areoseg.data.readers.planetary.layout import Product, read_layout
from areoseg.data.readers.planetary.pds3 import STARTS, read_pds3_label
from areoseg.data.readers.planetary.pds4 import read_pds4_label
from areoseg.data.readers.planetary.vicar import START, read_vicar_label
from areoseg.data.readers.raster import Raster
from areoseg.errors import AreosegError


def read_planetary(path: Path, *, georeferenced: bool = False) -> Raster:
    """Read a PDS3, PDS4 or VICAR file, or the file of a detached label.

    Args:
        path: The file with the pixels, or its label.
        georeferenced: Whether to read the map projection, which needs rasterio.

    Raises:
        AreosegError: The file is missing, empty, damaged or too large, its label points to a file
            elsewhere, or it is encoded and the extra `planetary` is missing.
    """
    product, label = _product(path)
    if product.layout is not None:
        raster = read_layout(product, product.layout, path)
    else:
        raster = read_encoded(label, product, path)
    if not (georeferenced and product.mapped):
        return raster
    return replace(raster, georeference=read_georeference(label))


def _product(path: Path) -> tuple[Product, Path]:
    """Return the contents of the label of a file, and the file that has the label."""
    label = path
    start = _start(path)
    if not start:
        raise AreosegError(f"{path}: the file is empty: copy it again")
    suffix = path.suffix.lower()
    if suffix not in LABEL_SUFFIXES and not start.startswith((START, *STARTS)):
        label = _label_beside(path)
        start = _start(label)
    if start.startswith(START):
        return read_vicar_label(label), label
    is_xml = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    product = read_pds4_label(label) if is_xml else read_pds3_label(label)
    if label != path and product.file.name.lower() != path.name.lower():
        raise AreosegError(
            f"{path}: its label {label.name} describes {product.file.name}: put its own label"
            " beside the file"
        )
    return product, label


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except FileNotFoundError:
        raise AreosegError(f"{path}: no such file: check the path") from None
    except OSError as error:
        raise AreosegError(f"{path}: cannot read this file: {error.strerror}") from None


def _label_beside(path: Path) -> Path:
    """Return the label beside a file without an attached one."""
    suffixes = (".xml", ".lbl") if len(path.suffix) != 3 else (f"{path.suffix}L",)
    for suffix in suffixes:
        for spelled in (suffix, suffix.upper(), suffix.lower()):
            if path.with_suffix(spelled).is_file():
                return path.with_suffix(spelled)
    raise AreosegError(
        f"{path}: no PDS or VICAR label attached, and no {path.stem}.xml or {path.stem}.lbl beside"
        " it: put the label beside the file"
    )
