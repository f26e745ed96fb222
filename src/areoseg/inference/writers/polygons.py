"""Terrain as GeoJSON polygons, in map coordinates for georeferenced images, else in pixels."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.georeference import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers.styles import hex_color
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask

PIXELS = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Place of an image without map, as in QGIS: x to the right, y upward, upper left corner (0, 0)."""

_PIXEL_SYSTEM = (
    'ENGCRS["pixels of an image",EDATUM["upper left corner"],CS[Cartesian,2],AXIS["x",east],'
    'AXIS["y",north],LENGTHUNIT["pixel",1]]'
)


@contextmanager
def write_polygons(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write one feature per connected region of terrain; background has none.

    Mask and confidence are held until the last row, since regions may extend over all of them.
    """
    require_rasterio(str(path))
    mask = np.zeros(image.size, np.uint8)
    confidence = np.zeros(image.size, np.uint8)

    def write(block: RowBlock) -> None:
        rows = slice(block.top, block.top + len(block.mask))
        mask[rows] = block.mask
        confidence[rows] = np.rint(np.clip(block.confidence, 0, 1) * 255)

    with replacing(path, sync=False) as beside:
        yield write
        with beside.open("w", encoding="utf-8") as file:
            file.write(_start(image.georeference))
            separator = "\n"
            for feature in features(mask, confidence, taxonomy, image.georeference):
                file.write(separator + json.dumps(feature))
                separator = ",\n"
            file.write("\n]}\n")


def features(
    mask: Mask, confidence: NDArray[np.uint8], taxonomy: Taxonomy, place: Georeference | None
) -> Iterator[dict[str, Any]]:
    """Yield the connected regions of terrain in a mask as GeoJSON features (RFC 7946).

    Regions are connected over edges, not corners, and polygons follow the edges of pixels exactly.

    Args:
        mask: Class indices (H, W).
        confidence: (H, W), the probability of these classes, 0..1 as 0..255.
        taxonomy: The classes.
        place: Position of the pixels on a map; None: coordinates are in pixels, see `PIXELS`.

    Yields:
        Features with the properties `class` and `name`, `pixels`, `area` in square units of the
        map or pixels (null if the map is in degrees), `share` of the ground, mean `confidence`, and
        the `color` of the class.
    """
    from rasterio import Affine
    from rasterio.features import shapes

    transform = Affine(*(PIXELS if place is None else place.transform))
    pixel_area = None if place is not None and _in_degrees(place) else abs(transform.determinant)
    regions = np.zeros(mask.shape, np.int32)
    classes = [0]  # class of each region, from 1
    for index in taxonomy.terrain:
        found, count = ndimage.label(mask == index)
        np.add(regions, found + (len(classes) - 1), out=regions, where=found > 0)
        classes += [index] * count
    pixels = np.bincount(regions.ravel(), minlength=len(classes))
    total = np.bincount(regions.ravel(), weights=confidence.ravel(), minlength=len(classes))
    ground = int(pixels[1:].sum())
    for geometry, value in shapes(regions, mask=regions > 0, connectivity=4, transform=transform):
        region = int(value)
        index, count = classes[region], int(pixels[region])
        yield {
            "type": "Feature",
            "properties": {
                "class": index,
                "name": taxonomy.names[index],
                "pixels": count,
                "area": None if pixel_area is None else count * pixel_area,
                "share": round(count / ground, 6),
                "confidence": round(float(total[region]) / count / 255, 3),
                "color": hex_color(taxonomy.colors[index]),
            },
            "geometry": geometry,
        }


def _in_degrees(place: Georeference) -> bool:
    from rasterio.crs import CRS

    return place.crs is not None and CRS.from_user_input(place.crs).is_geographic


def _start(place: Georeference | None) -> str:
    """Return the start of the collection, up to the bracket that opens the list of features."""
    members: dict[str, Any] = {
        "type": "FeatureCollection",
        "coordinates": "pixel" if place is None else "map",
    }
    # RFC 7946 supports only Earth's longitude and latitude. GDAL, and with it QGIS and geopandas,
    # reads this older member, with a URN or WKT, and assumes longitude and latitude without it.
    name = _PIXEL_SYSTEM if place is None else place.crs
    if place is not None and place.authority:
        name = "urn:ogc:def:crs:" + place.authority.replace(":", "::")
    members["crs"] = {"type": "name", "properties": {"name": name or _PIXEL_SYSTEM}}
    if place is not None and place.crs:
        members["crs_wkt"] = place.crs
    return json.dumps(members)[:-1] + ', "features": ['
