"""Terrain as GeoJSON polygons, in map coordinates for georeferenced images, else in pixels."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.georeference import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.tiling import RowBlock
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask


@contextmanager
def write_polygons(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write one feature per connected region of terrain; background has none.

    The mask is held until the last row, since regions may extend over all of them.
    """
    require_rasterio(str(path))
    mask = np.zeros(image.size, np.uint8)

    def write(block: RowBlock) -> None:
        mask[block.top : block.top + len(block.mask)] = block.mask

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
    """Yield the connected regions of terrain in a mask (H, W) as GeoJSON features (RFC 7946).

    Regions are connected over edges, not corners, and polygons follow the edges of pixels exactly.
    In pixel coordinates, x grows to the right and y downwards from the upper left corner.
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
    """Return the start of the collection, up to the bracket that opens the list of features."""
    members: dict[str, Any] = {
        "type": "FeatureCollection",
        "coordinates": "pixel" if place is None else "map",
    }
    if place is not None and place.authority:
        # RFC 7946 supports only Earth's longitude and latitude; programs read this older member.
        urn = "urn:ogc:def:crs:" + place.authority.replace(":", "::")
        members["crs"] = {"type": "name", "properties": {"name": urn}}
    if place is not None and place.crs:
        members["crs_wkt"] = place.crs
    return json.dumps(members)[:-1] + ', "features": ['
