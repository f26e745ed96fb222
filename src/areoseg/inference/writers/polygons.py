"""Terrain as polygons: GeoJSON in map coordinates where the image has them, else in pixels."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.planetary import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.writers.rows import Rows
from areoseg.inference.writers.rows import Write
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask


@contextmanager
def write_polygons(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """One feature a connected region of terrain; background has none.

    The mask is kept until the last row, since regions reach over all of them.
    """
    require_rasterio(str(path))
    mask = np.zeros(image.size, np.uint8)

    def write(rows: Rows) -> None:
        mask[rows.top : rows.top + len(rows.mask)] = rows.mask

    with replacing(path) as beside:
        yield write
        with beside.open("w", encoding="utf-8") as file:
            file.write(_start(image.georeference))
            separator = "\n"
            for feature in features(mask, taxonomy, image.georeference):
                file.write(separator + json.dumps(feature))
                separator = ",\n"
            file.write("\n]}\n")


def features(
    mask: Mask, taxonomy: Taxonomy, place: Georeference | None
) -> Iterator[dict[str, Any]]:
    """The connected regions of terrain in a mask (H, W) as GeoJSON features (RFC 7946).

    Regions are connected over edges, not corners. A polygon follows the edges of pixels exactly.
    In pixel coordinates x grows to the right and y downwards from the image's upper left corner.
    """
    from rasterio import Affine
    from rasterio.features import shapes

    transform = Affine.identity() if place is None else Affine(*place.transform)
    terrain = mask != taxonomy.background
    for geometry, value in shapes(mask, mask=terrain, connectivity=4, transform=transform):
        yield {
            "type": "Feature",
            "properties": {"class": int(value), "name": taxonomy.names[int(value)]},
            "geometry": geometry,
        }


def _start(place: Georeference | None) -> str:
    """The beginning of the collection: which coordinates it has, and the list's bracket."""
    members: dict[str, Any] = {
        "type": "FeatureCollection",
        "coordinates": "pixel" if place is None else "map",
    }
    if place is not None and place.authority:
        # RFC 7946 knows Earth's longitude and latitude only; programs read this older member.
        urn = "urn:ogc:def:crs:" + place.authority.replace(":", "::")
        members["crs"] = {"type": "name", "properties": {"name": urn}}
    if place is not None and place.crs:
        members["crs_wkt"] = place.crs
    return json.dumps(members)[:-1] + ', "features": ['
