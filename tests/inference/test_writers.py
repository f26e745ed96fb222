import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from areoseg.data.missions.metadata import Georeference
from areoseg.data.readers.rover_image import RoverImage
from areoseg.errors import AreosegError
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import OUTPUTS, checked_outputs, open_outputs, output_paths
from areoseg.inference.writers.images import entropy, png_rows
from areoseg.inference.writers.tables import earlier_rows, table_rows
from areoseg.taxonomy import MARS

UTM = Georeference(
    crs="EPSG:32633", authority="EPSG:32633", transform=(0.5, 0.0, 100.0, 0.0, -0.5, 200.0)
)


@dataclass(frozen=True)
class Sample:
    image: RoverImage
    mask: np.ndarray
    probabilities: np.ndarray


@pytest.fixture
def sample():
    """An image of 13x21 pixels with probabilities; its last column holds no data."""
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(5, 0.4), (13, 21)).astype(np.float32)
    probabilities = np.moveaxis(probabilities, -1, 0)
    valid = np.ones((13, 21), bool)
    valid[:, -1] = False
    probabilities[:, ~valid] = 0
    probabilities[0, ~valid] = 1
    pixels = generator.integers(0, 256, (13, 21), np.uint8)
    mask = probabilities.argmax(axis=0).astype(np.uint8)
    return Sample(RoverImage(pixels, valid), mask, probabilities)


def write(sample, out, *names, place=None):
    """Write outputs in parts of 5, 1 and 7 rows."""
    image = RoverImage(sample.image.pixels, sample.image.valid, georeference=place)
    with open_outputs(output_paths(names, out, "sub/a", image), image, MARS) as add:
        for top, bottom in ((0, 5), (5, 6), (6, 13)):
            rows = slice(top, bottom)
            probabilities = sample.probabilities[:, rows]
            add(RowBlock(top, image.pixels[rows], probabilities, image.valid[rows]))


def decoded(path):
    with PIL.Image.open(path) as picture:
        picture.verify()  # checksums
    return np.asarray(PIL.Image.open(path))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("smooth", [False, True])
def test_a_png_written_in_parts_is_what_pillow_reads(tmp_path, channels, smooth):
    shape = (17, 6) if channels == 1 else (17, 6, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with png_rows(tmp_path / "a.png", (17, 6), channels=channels, smooth=smooth) as add:
        for top, bottom in ((0, 1), (1, 16), (16, 17)):
            add(pixels[top:bottom])
    assert np.array_equal(decoded(tmp_path / "a.png"), pixels)


def test_masks_and_overlays_mirror_the_name_of_the_input(tmp_path, sample):
    write(sample, tmp_path, "masks", "overlays")
    assert np.array_equal(decoded(tmp_path / "masks" / "sub" / "a.png"), sample.mask)
    assert decoded(tmp_path / "overlays" / "sub" / "a.png").shape == (13, 21, 3)


def test_confidence_and_entropy_are_0_where_no_data_are(tmp_path, sample):
    write(sample, tmp_path, "confidence", "entropy")
    confidence = decoded(tmp_path / "confidence" / "sub" / "a.png")
    uncertain = decoded(tmp_path / "entropy" / "sub" / "a.png")
    expected = sample.probabilities.max(axis=0) * sample.image.valid
    np.testing.assert_allclose(confidence / 255, expected, atol=0.5 / 255 + 1e-6)
    assert not uncertain[:, -1].any()
    assert uncertain[:, :-1].any()


def test_entropy_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 7).T.astype(np.float32)
    found = entropy(probabilities[:, :, None])[:, 0]
    np.testing.assert_allclose(found, stats.entropy(probabilities, base=5), rtol=1e-5)
    certain = np.eye(5, dtype=np.float32)[:, :1, None]
    assert entropy(certain) == pytest.approx(0)
    assert entropy(np.full((4, 1, 1), 0.25, np.float32)) == pytest.approx(1)


def test_probabilities_are_an_npz_with_the_classes_last(tmp_path, sample):
    write(sample, tmp_path, "probabilities")
    with np.load(tmp_path / "probabilities" / "sub" / "a.npz", allow_pickle=False) as file:
        assert tuple(file["classes"]) == MARS.names
        assert file["probabilities"].dtype == np.float16
        expected = np.moveaxis(sample.probabilities, 0, -1).astype(np.float16)
        assert np.array_equal(file["probabilities"], expected)


def test_probabilities_on_a_map_are_a_geotiff_with_a_band_a_class(tmp_path, sample):
    rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    tifffile = pytest.importorskip("tifffile")
    write(sample, tmp_path, "probabilities", place=UTM)
    path = tmp_path / "probabilities" / "sub" / "a.tif"
    with rasterio.open(path) as file:
        assert file.descriptions == MARS.names
        assert file.crs.to_epsg() == 32633
        assert tuple(file.transform)[:6] == UTM.transform
        np.testing.assert_allclose(file.read(), sample.probabilities, atol=5e-4)
    with tifffile.TiffFile(path) as file:
        assert file.pages.first.dtype == np.float16
    assert not list(path.parent.glob("*.npz"))


def area_of(geometry):
    """The area of a polygon with holes, by the shoelace formula."""
    areas = []
    for ring in geometry["coordinates"]:
        x, y = np.array(ring).T
        areas.append(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)
    return areas[0] - sum(areas[1:])


def test_polygons_in_pixels_cover_each_class_exactly(tmp_path, sample):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    write(sample, tmp_path, "polygons")
    found = json.loads((tmp_path / "polygons" / "sub" / "a.geojson").read_text())
    assert (found["type"], found["coordinates"]) == ("FeatureCollection", "pixel")
    for index in range(1, 5):
        parts = [each for each in found["features"] if each["properties"]["class"] == index]
        assert {each["properties"]["name"] for each in parts} == {MARS.names[index]}
        assert sum(area_of(each["geometry"]) for each in parts) == (sample.mask == index).sum()
    assert not any(each["properties"]["class"] == 0 for each in found["features"])


def test_polygons_on_a_map_have_its_coordinates_and_name_its_system(tmp_path, sample):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    write(sample, tmp_path, "polygons", place=UTM)
    found = json.loads((tmp_path / "polygons" / "sub" / "a.geojson").read_text())
    assert found["coordinates"] == "map"
    assert found["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    assert found["crs_wkt"] == UTM.crs
    points = np.array(found["features"][0]["geometry"]["coordinates"][0])
    assert points[:, 0].min() >= 100
    assert points[:, 1].max() <= 200
    total = sum(area_of(each["geometry"]) for each in found["features"])
    assert total == pytest.approx((sample.mask > 0).sum() * 0.25)


def test_a_mask_of_background_alone_has_no_polygons(tmp_path, sample):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    certain = np.zeros_like(sample.probabilities)
    certain[0] = 1
    empty = Sample(sample.image, 0 * sample.mask, certain)
    write(empty, tmp_path, "polygons")
    path = tmp_path / "polygons" / "sub" / "a.geojson"
    assert json.loads(path.read_text())["features"] == []


def test_nothing_is_left_where_writing_is_given_up(tmp_path, sample):
    with (
        pytest.raises(RuntimeError),
        open_outputs(output_paths([*OUTPUTS][:5], tmp_path, "a", sample.image), sample.image, MARS),
    ):
        raise RuntimeError
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_outputs_are_named_once_and_in_their_order():
    assert checked_outputs(["shares", "masks", "shares"]) == ("masks", "shares")
    with pytest.raises(AreosegError, match="did you mean 'masks'"):
        checked_outputs(["mask"])
    with pytest.raises(AreosegError, match="no output"):
        checked_outputs([])


def test_the_rows_of_a_table_outlive_a_crash(tmp_path):
    path, header = tmp_path / "a.csv", ["image", "share"]
    names = [
        "a",
        'quoted "b", with comma',
        "new\nline",
        "form\x0cfeed\u2028",
        "火星",
        "not-utf8-\udcff",
    ]

    def interrupted():
        with table_rows(path, header) as add:
            for name in names:
                add([name, 1])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not path.exists()
    assert [row[0] for row in earlier_rows(path, header)] == names
    part = tmp_path / ".a.csv.part"
    part.write_bytes(part.read_bytes() + b"half,0.")
    assert [row[0] for row in earlier_rows(path, header)] == names
    with pytest.raises(AreosegError, match="other columns: choose another --out"):
        earlier_rows(path, ["image", "other"])


def test_a_table_on_a_full_disk_is_one_line(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / ".a.csv.part").symlink_to("/dev/full")
    with (
        pytest.raises(AreosegError, match=r"a\.csv: cannot write this file: No space left"),
        table_rows(tmp_path / "a.csv", ["image"]) as add,
    ):
        add(["x"])
    assert not (tmp_path / "a.csv").exists()


def test_a_finished_table_has_no_part(tmp_path):
    with table_rows(tmp_path / "a.csv", ["image"]) as add:
        add(["x"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "image\nx\n"
