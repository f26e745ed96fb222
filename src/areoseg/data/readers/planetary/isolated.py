"""Read products with GDAL or pdr in a process of its own.

These libraries crash on some products, which would end a whole batch. A crash of the other process
is an error of one file.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.files import check_size
from areoseg.data.readers.georeference import georeference_of, require_rasterio
from areoseg.data.readers.planetary.layout import SMALLER, Product
from areoseg.data.readers.raster import Raster, gray_raster
from areoseg.errors import AreosegError, one_line

_TIME_LIMIT = 600  # seconds

# No other drivers: VRT, for example, could point to files elsewhere.
_DRIVERS = ("PDS4", "PDS", "VICAR", "ISIS3")


def read_encoded(label: Path, product: Product, where: Path) -> Raster:
    """Return the gray levels of a product whose pixels are compressed or otherwise encoded.

    Args:
        label: The file to open.
        product: The contents of its label.
        where: The file that the user named, for messages.

    Raises:
        AreosegError: The file cannot be read, or the extra `planetary` is missing.
    """
    require_rasterio(str(where))
    with tempfile.TemporaryDirectory() as folder:
        _run("pixels", label, Path(folder), where)
        pixels = np.load(Path(folder) / "pixels.npy", allow_pickle=False)
    if pixels.shape[-1] not in (1, 3):
        raise AreosegError(
            f"{where}: {pixels.shape[-1]} bands: give one gray band, or red, green and blue"
        )
    found = gray_raster(pixels, str(where), nodata=product.nodata, bits=product.bits)
    return replace(found, metadata=product.metadata, warnings=product.warnings)


def read_georeference(label: Path) -> Georeference | None:
    """Return the position of a product's pixels on a map, or None.

    Raises:
        AreosegError: GDAL cannot read it, or the extra `planetary` is missing.
    """
    require_rasterio(str(label))
    with tempfile.TemporaryDirectory() as folder:
        _run("georeference", label, Path(folder), label)
        found = json.loads((Path(folder) / "georeference.json").read_text(encoding="utf-8"))
    if found is None:
        return None
    return Georeference(**{**found, "transform": tuple(found["transform"])})


def _run(task: str, label: Path, folder: Path, where: Path) -> None:
    """Run this module on a file in another process, which writes to a folder."""
    paths = [path for path in sys.path if path]
    try:
        outcome = subprocess.run(
            [sys.executable, "-m", __name__, task, str(label.absolute()), str(folder)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AreosegError(
            f"{where}: reading took more than {_TIME_LIMIT} s: leave it out"
        ) from None
    reason = folder / "reason.txt"
    if reason.is_file():
        text = reason.read_text(encoding="utf-8")
        raise AreosegError(
            f"{where}: cannot read this image ({text}): copy it again, with its label"
        )
    if outcome.returncode:
        raise AreosegError(
            f"{where}: GDAL crashed on this image (exit code {outcome.returncode}): convert it to"
            " TIFF"
        )


def _main(task: str, path: Path, folder: Path) -> None:
    """Do a task of `_run`; failures are written to `reason.txt`."""
    warnings.simplefilter("ignore")
    try:
        if task == "georeference":
            found = _with_gdal(path, georeference_of)
            text = json.dumps(None if found is None else asdict(found))
            (folder / "georeference.json").write_text(text, encoding="utf-8")
            return
        try:
            pixels = _with_gdal(path, _pixels_of)
        except AreosegError:
            raise
        except Exception as error:
            pixels = _with_pdr(path, error)
        np.save(folder / "pixels.npy", pixels)
    except Exception as error:  # the libraries' errors have no common base class
        (folder / "reason.txt").write_text(one_line(error), encoding="utf-8")


def _with_gdal(path: Path, get: Any) -> Any:
    """Open a file with the first GDAL driver that can read it, and return what `get` does."""
    import rasterio
    from rasterio.errors import RasterioIOError

    with rasterio.Env():
        for driver in _DRIVERS:
            try:
                file = rasterio.open(path, driver=driver)
            except RasterioIOError:
                continue
            with file:
                return get(file)
    raise ValueError("GDAL does not know this kind of product")


def _pixels_of(file: Any) -> NDArray[Any]:
    check_size(file.height, file.width, file.name)
    pixels: NDArray[Any] = np.moveaxis(file.read(), 0, -1)
    return pixels


def _with_pdr(path: Path, reason: Exception) -> NDArray[Any]:
    """Return the pixels (H, W, bands) of a product that GDAL cannot open."""
    import pdr

    product = pdr.read(str(path))
    names = [key for key in dict.fromkeys(product.keys()) if "image" in key.lower()]
    names = [key for key in names if not any(word in key.upper() for word in SMALLER)]
    if not names:
        raise reason
    if len(names) > 1:
        raise ValueError(f"several images in this product: {', '.join(names)}")
    pixels = np.asarray(product[names[0]])
    check_size(pixels.shape[-2], pixels.shape[-1], str(path))
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return np.moveaxis(pixels if pixels.ndim == 3 else pixels[np.newaxis], 0, -1)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
