"""Read planetary files: PDS3, PDS4 and VICAR, and GeoTIFF.

GDAL, through rasterio, reads the pixels and the label. Files that it cannot open are read by pdr,
which handles the peculiarities of many instruments. Both belong to the extra `planetary`.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import Georeference
from areoseg.data.missions.pds_labels import PdsLabel, label_from_keywords, label_from_pds4
from areoseg.data.readers.decode import luminance
from areoseg.data.readers.files import check_size
from areoseg.errors import AreosegError, one_line

DATA_SUFFIXES = (".img", ".vic", ".vicar")
"""Suffixes of files that contain the pixels of a planetary image."""

LABEL_SUFFIXES = (".lbl", ".xml")
"""Suffixes of PDS labels that are separate from their pixels."""

PLANETARY_SUFFIXES = (*DATA_SUFFIXES, *LABEL_SUFFIXES)

# No other drivers: VRT, for example, could point to files elsewhere.
_DRIVERS = {".xml": ("PDS4",), ".tif": ("GTiff",), ".tiff": ("GTiff",)}
_OTHER_DRIVERS = ("PDS", "VICAR")

# First bytes of a file with an attached label.
_ATTACHED = (b"PDS_VERSION_ID", b"LBLSIZE", b"ODL_VERSION_ID", b"CCSD", b"NJPL")


@dataclass(frozen=True)
class Raster:
    """Contents of a file, before gray levels are brought to a common range.

    Attributes:
        levels: (H, W), with the dtype of the file.
        valid: (H, W), the pixels that the file does not mask out; None: all.
        label: Contents of the label.
        georeference: Position of the pixels on a map, or None.
    """

    levels: NDArray[Any]
    valid: NDArray[np.bool_] | None
    label: PdsLabel
    georeference: Georeference | None = None


def read_planetary(path: Path) -> Raster:
    """Read a PDS3, PDS4, VICAR or GeoTIFF file, or the file of a detached label.

    Raises:
        AreosegError: The file is missing, empty, damaged or too large, or the extra is missing.
    """
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    if path.stat().st_size == 0:
        raise AreosegError(f"{path}: the file is empty: copy it again")
    require_rasterio(str(path))
    labeled = _with_label(path)
    try:
        return _read_with_gdal(labeled)
    except AreosegError:
        raise
    except Exception as gdal_error:  # from rasterio, or from GDAL on damaged headers
        if labeled.suffix.lower() not in PLANETARY_SUFFIXES:
            raise _unreadable(path, gdal_error) from None
        try:
            return _read_with_pdr(labeled)
        except AreosegError:
            raise
        except Exception:  # pdr's errors have no common base class
            raise _unreadable(path, gdal_error) from None


def require_rasterio(what: str) -> None:
    """Check that rasterio is installed.

    Args:
        what: The file or output that needs rasterio, for the message.

    Raises:
        AreosegError: rasterio is not installed.
    """
    try:
        import rasterio  # noqa: F401
    except ImportError:
        raise AreosegError(
            f"{what}: this needs rasterio and pdr: `pip install areoseg[planetary]`"
        ) from None


def _with_label(path: Path) -> Path:
    """Return the file to open: `path`, or the label beside it if none is attached."""
    if path.suffix.lower() not in DATA_SUFFIXES:
        return path
    with path.open("rb") as file:
        start = file.read(32)
    if start.startswith(_ATTACHED):
        return path
    for suffix in (".xml", ".XML", ".lbl", ".LBL"):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix)
    raise AreosegError(
        f"{path}: no PDS or VICAR label attached, and no {path.stem}.xml or {path.stem}.lbl beside"
        " it: put the label beside the file"
    )


def _read_with_gdal(path: Path) -> Raster:
    import rasterio
    from rasterio.enums import MaskFlags

    with warnings.catch_warnings(), rasterio.Env():
        warnings.simplefilter("ignore")  # missing georeferences are normal here
        with _open(path) as file:
            check_size(file.height, file.width, str(path))
            color = [interpretation.name for interpretation in file.colorinterp]
            bands = [index for index, name in enumerate(color, 1) if name != "alpha"]
            label = _label(file)
            _check_length(file, label, path)
            levels = _gray(file.read(bands), path)
            masked = any(MaskFlags.all_valid not in flags for flags in file.mask_flag_enums)
            return Raster(
                levels=levels,
                valid=file.dataset_mask() != 0 if masked else None,
                label=label,
                georeference=_georeference(file),
            )


def _open(path: Path) -> Any:
    """Open a file with the first GDAL driver that can read it."""
    import rasterio
    from rasterio.errors import RasterioIOError

    drivers = _DRIVERS.get(path.suffix.lower(), _OTHER_DRIVERS)
    for driver in drivers[:-1]:
        try:
            return rasterio.open(path, driver=driver)
        except RasterioIOError:
            continue
    return rasterio.open(path, driver=drivers[-1])


def _gray(bands: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return gray levels (H, W) of bands (B, H, W): the only band, or the luminance of three."""
    if len(bands) == 1:
        gray: NDArray[Any] = bands[0]
        return gray
    if len(bands) == 3:
        return luminance(np.moveaxis(bands, 0, -1))
    raise AreosegError(f"{path}: {len(bands)} bands: give one gray band, or red, green and blue")


def _label(file: Any) -> PdsLabel:
    """Return the label that GDAL provides, or the bit depth of a TIFF file."""
    for domain in file.tag_namespaces():
        if domain in ("json:PDS", "json:VICAR"):
            # rasterio treats the JSON text as a KEY:VALUE pair and splits it at the first colon.
            text = ":".join(next(iter(file.tags(ns=domain).items())))
            return label_from_keywords(json.loads(text))
        if domain == "xml:PDS4":
            return label_from_pds4(next(iter(file.tags(ns=domain).values())))
    bits = file.tags(1, ns="IMAGE_STRUCTURE").get("NBITS")
    return PdsLabel(bits=int(bits) if bits else None)


def _check_length(file: Any, label: PdsLabel, path: Path) -> None:
    """Check that a file contains all its pixels; GDAL would fill the rest with zeros."""
    data = [path for path in map(Path, file.files) if path.suffix.lower() in DATA_SUFFIXES]
    if file.driver == "GTiff" or not data:
        return
    needed = (
        label.offset + file.height * file.width * file.count * np.dtype(file.dtypes[0]).itemsize
    )
    present = data[-1].stat().st_size
    if present < needed:
        raise AreosegError(
            f"{path}: {present:,} bytes, but the label declares {needed:,}: copy it again"
        )


def _georeference(file: Any) -> Georeference | None:
    if file.crs is None and file.transform.is_identity:
        return None
    a, b, c, d, e, f = tuple(file.transform)[:6]
    authority = file.crs.to_authority() if file.crs else None
    return Georeference(
        crs=file.crs.to_wkt() if file.crs else None,
        authority=":".join(authority) if authority else None,
        transform=(a, b, c, d, e, f),
    )


def _read_with_pdr(path: Path) -> Raster:
    """Read a product that GDAL cannot open, using pdr; it has no georeference."""
    import pdr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        product = pdr.read(str(path))
        name = next((key for key in dict.fromkeys(product.keys()) if "image" in key.lower()), None)
        if name is None:
            raise AreosegError(
                f"{path}: no image in this product: give the product that contains it"
            )
        pixels = np.asarray(product[name])
    height, width = pixels.shape[-2:]
    check_size(height, width, str(path))
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if path.suffix.lower() == ".xml":
        label = label_from_pds4(path.read_text(encoding="utf-8", errors="replace"))
    else:
        label = label_from_keywords(product.metadata)
    return Raster(
        levels=_gray(pixels if pixels.ndim == 3 else pixels[np.newaxis], path),
        valid=None,
        label=label,
    )


def _unreadable(path: Path, error: Exception) -> AreosegError:
    return AreosegError(
        f"{path}: cannot read this image ({one_line(error)}): copy it again, with its label"
    )
