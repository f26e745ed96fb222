"""Warnings about images whose predictions cannot be trusted."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

import areoseg
from areoseg.data.appearance import Appearance, measure_appearance
from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.image_warnings import blur, image_warnings
from areoseg.synthetic import SyntheticMars, draw_set

CLEAN = np.random.default_rng(0).integers(60, 120, (128, 128), np.uint8)


def warnings(pixels, valid=None, **options):
    return image_warnings(RoverImage(pixels, valid), options.pop("factor", 1.0), **options)


def test_a_sharp_image_has_no_warning():
    assert warnings(CLEAN) == ()
    assert warnings(CLEAN.astype(np.float32) / 255) == ()


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (CLEAN // 9, ("black",)),  # as NLA_397586928: levels up to 14
        (CLEAN // 20 + 249, ("saturated",)),
        (np.full((40, 40), 130, np.uint8), ("constant",)),
        (np.zeros((40, 40), np.uint8), ("black", "constant")),
        (np.full((40, 40), 255, np.uint8), ("saturated", "constant")),
        (gaussian_filter(CLEAN / 255, 4).astype(np.float32), ("blurred",)),
    ],
)
def test_bad_exposures_and_blur_are_named(pixels, expected):
    assert warnings(pixels) == expected


def test_blur_is_judged_at_the_scale_of_the_model():
    enlarged = np.kron(CLEAN, np.ones((4, 4), np.uint8))
    smooth = gaussian_filter(enlarged.astype(float), 2).astype(np.uint8)
    assert warnings(smooth, factor=0.25) == ()
    assert warnings(smooth) == ("blurred",)


def test_pixels_without_data_do_not_count():
    pixels = CLEAN.copy()
    pixels[:100] = 0
    valid = np.zeros(pixels.shape, bool)
    valid[100:] = True
    assert "black" not in warnings(pixels, valid)


def test_blur_is_that_of_the_published_measure():
    measure = pytest.importorskip("skimage.measure", reason="scikit-image is not installed")
    for sigma in (0, 1, 3):
        pixels = gaussian_filter(CLEAN / 255, sigma)
        assert blur(pixels) == pytest.approx(measure.blur_effect(pixels, h_size=9), abs=0.05)


def test_images_unlike_those_of_the_training_are_told():
    tiles = draw_set(SyntheticMars(height=32, width=64), 60).images
    known = measure_appearance(tiles)
    again = Appearance.from_json(json.loads(json.dumps(known.to_json())))
    assert all(again.distance(tile) < again.limit for tile in tiles)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    assert again.distance(noise) > again.limit
    assert warnings(noise, appearance=again) == ("unlike training",)
    assert measure_appearance(tiles[:10]) is None
    assert again.distance(noise[:8]) == 0


def test_predict_tells_warnings_in_table_settings_and_console(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, pixels in (
        ("black", CLEAN // 9),
        ("white", CLEAN // 20 + 249),
        ("noise", np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)),
    ):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    areoseg.predict(folder, tmp_path / "out", outputs=["shares"], threads=1)
    with (tmp_path / "out" / "shares.csv").open() as file:
        found = {row["image"]: row["warning"] for row in csv.DictReader(file)}
    assert found == {"black": "black", "white": "saturated", "noise": "unlike training"}
    settings = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert settings["images"]["white"]["warnings"] == ["saturated"]
    assert settings["images"]["white"]["scale"] == "1"
    line = "do not trust the predictions of 3 of 3 images (1 black, 1 unlike training, 1 saturated)"
    assert f"warning: {line}: black, noise, white" in capsys.readouterr().err
