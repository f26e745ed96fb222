"""Read the position of pixels on a map, with GDAL through rasterio."""

import warnings
from pathlib import Path
from typing import Any

from areoseg.data.missions.metadata import Georeference
from areoseg.errors import AreosegError


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


def georeference_of_tiff(path: Path) -> Georeference | None:
    """Return the georeference of a GeoTIFF file, or None.

    Raises:
        AreosegError: rasterio is not installed.
        Exception: GDAL cannot open the file.
    """
    require_rasterio(str(path))
    import rasterio

    with warnings.catch_warnings(), rasterio.Env():
        warnings.simplefilter("ignore")
        with rasterio.open(path, driver="GTiff") as file:
            return georeference_of(file)


def georeference_of(file: Any) -> Georeference | None:
    """Return the georeference of a file that rasterio opened, or None."""
    if file.crs is None and file.transform.is_identity:
        return None
    a, b, c, d, e, f = tuple(file.transform)[:6]
    authority = file.crs.to_authority() if file.crs else None
    return Georeference(
        crs=file.crs.to_wkt() if file.crs else None,
        authority=":".join(authority) if authority else None,
        transform=(a, b, c, d, e, f),
    )
