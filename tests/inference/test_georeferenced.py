"""Predictions of images on a map lie where the image does, and other programs agree."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import open_outputs, output_paths
from areoseg.inference.writers.styles import hex_color, write_styles
from areoseg.taxonomy import MARS
from areoseg.utils.images import overlay

rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")

MARS_2000 = (
    'PROJCS["Equirectangular Mars",GEOGCS["GCS_Mars_2000",DATUM["D_Mars_2000",SPHEROID'
    '["Mars_2000",3396190,169.89]],PRIMEM["Reference_Meridian",0],UNIT["degree",0.0174532925]],'
    'PROJECTION["Equirectangular"],PARAMETER["standard_parallel_1",0],PARAMETER["central_meridian",'
    '0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]'
)
PLACES = {
    "utm": Georeference("EPSG:32633", "EPSG:32633", (0.5, 0.0, 100.0, 0.0, -0.5, 200.0)),
    "mars": Georeference(MARS_2000, None, (2.0, 0.0, -500.0, 0.0, -2.0, 90.0)),
    "pixels": None,
}


def write(folder, place):
    """Write all pictures and polygons of a mask in four rectangles, in two blocks of rows."""
    mask = np.zeros((12, 20), np.uint8)
    mask[2:6, 3:9], mask[6:12, 10:20], mask[0:2, 12:14], mask[7:9, 1:3] = 1, 2, 4, 4
    probabilities = np.full((5, 12, 20), 0.05, np.float32)
    np.put_along_axis(probabilities, mask[None].astype(int), 0.8, axis=0)
    image = RoverImage(np.full((12, 20), 128, np.uint8), georeference=place)
    names = ("masks", "overlays", "polygons")
    paths = output_paths(names, folder, "a", image)
    with open_outputs(paths, image, MARS) as add:
        for rows in (slice(0, 8), slice(8, 12)):
            add(RowBlock(rows.start, image.pixels[rows], probabilities[:, rows]))
    return mask, image, paths


def same_system(crs, text):
    """Whether two systems are equal but for the names of their axes, which GDAL adds."""
    other = rasterio.CRS.from_user_input(text)
    return crs.to_dict() == other.to_dict() and crs.linear_units == other.linear_units


@pytest.mark.parametrize("where", ["utm", "mars"])
def test_masks_and_overlays_on_a_map_are_geotiffs_with_its_system(tmp_path, where):
    place = PLACES[where]
    mask, image, paths = write(tmp_path, place)
    assert [paths[name].name for name in ("masks", "overlays")] == ["a.tif", "a.tif"]
    with rasterio.open(paths["masks"]) as file:
        assert same_system(file.crs, place.crs)
        assert tuple(file.transform)[:6] == place.transform
        assert np.array_equal(file.read(1), mask)
        assert [file.colormap(1)[index][:3] for index in range(5)] == list(MARS.colors)
    with rasterio.open(paths["overlays"]) as file:
        assert same_system(file.crs, place.crs)
        assert [each.name for each in file.colorinterp] == ["red", "green", "blue"]
        expected = overlay(image.pixels, mask, MARS)
        assert np.array_equal(np.moveaxis(file.read(), 0, -1), expected)


def test_masks_without_a_map_have_a_palette_and_the_same_values(tmp_path):
    mask, _, paths = write(tmp_path, None)
    picture = Image.open(paths["masks"])
    assert (paths["masks"].name, picture.mode) == ("a.png", "P")
    assert np.array_equal(np.asarray(picture), mask)
    assert picture.getpalette()[:15] == [level for color in MARS.colors for level in color]


@pytest.mark.parametrize("where", PLACES)
def test_polygons_have_area_confidence_and_color(tmp_path, where):
    place = PLACES[where]
    mask, _, paths = write(tmp_path, place)
    found = json.loads(paths["polygons"].read_text())["features"]
    pixel = 1 if place is None else place.transform[0] ** 2
    regions = sorted((each["properties"] for each in found), key=lambda each: each["pixels"])
    assert [each["name"] for each in regions] == ["big rock", "big rock", "soil", "bedrock"]
    assert [each["area"] for each in regions] == [count * pixel for count in (4, 4, 24, 60)]
    assert [each["share"] for each in regions] == pytest.approx(
        [4 / 92] * 2 + [24 / 92, 60 / 92], abs=1e-6
    )
    assert {each["confidence"] for each in regions} == {0.8}
    assert [each["color"] for each in regions] == [hex_color(MARS.colors[i]) for i in (4, 4, 1, 2)]
    assert sum(each["share"] for each in regions) == pytest.approx(1, abs=1e-5)
    assert (mask > 0).sum() == sum(each["pixels"] for each in regions)


@pytest.mark.parametrize("where", PLACES)
def test_geopandas_places_polygons_where_the_mask_is(tmp_path, where):
    geopandas = pytest.importorskip("geopandas")
    features = pytest.importorskip("rasterio.features")
    place = PLACES[where]
    mask, _, paths = write(tmp_path, place)
    table = geopandas.read_file(paths["polygons"])
    if place is None:
        assert table.crs.type_name == "Engineering CRS"  # and not longitude and latitude
        transform = rasterio.Affine(1, 0, 0, 0, -1, 0)  # as QGIS places a picture without a map
        assert table.total_bounds.tolist() == [1, -12, 20, 0]
    else:
        transform = rasterio.Affine(*place.transform)
    if where == "mars":
        assert table.crs.name == "Equirectangular Mars"
    if where == "utm":
        assert table.crs.to_epsg() == 32633
    assert table.area.tolist() == pytest.approx(table["area"].tolist())
    burned = features.rasterize(
        zip(table.geometry, table["class"], strict=True), out_shape=mask.shape, transform=transform
    )
    assert np.array_equal(burned, mask)


def test_areas_in_degrees_are_not_given(tmp_path):
    place = Georeference("EPSG:4326", "EPSG:4326", (0.1, 0.0, 0.0, 0.0, -0.1, 0.0))
    _, _, paths = write(tmp_path, place)
    found = json.loads(paths["polygons"].read_text())["features"]
    assert {each["properties"]["area"] for each in found} == {None}


def test_styles_for_qgis_have_all_classes_in_their_colors(tmp_path):
    write_styles(tmp_path, ("masks", "polygons"), MARS)
    masks = ElementTree.parse(tmp_path / "masks.qml").getroot()
    entries = masks.findall(".//rasterrenderer[@type='paletted']/colorPalette/paletteEntry")
    assert [each.get("label") for each in entries] == list(MARS.names)
    assert [each.get("color") for each in entries] == [hex_color(color) for color in MARS.colors]
    polygons = ElementTree.parse(tmp_path / "polygons.qml").getroot()
    assert polygons.find("renderer-v2").get("attr") == "name"
    values = [each.get("value") for each in polygons.iter("category")]
    assert values == [MARS.names[index] for index in MARS.terrain]


def test_outlines_do_not_depend_on_the_blocks_of_rows(tmp_path):
    mask, image, paths = write(tmp_path, None)
    whole = overlay(image.pixels, mask, MARS)
    assert np.array_equal(np.asarray(Image.open(paths["overlays"])), whole)
    assert (whole[7:9, 1:3] == 255).all()
