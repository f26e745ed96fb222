"""The prediction for a picture does not depend on its file name, format or bit depth."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import areoseg
from areoseg.synthetic import SyntheticMars, draw_set

FRAME = "NLA_397681455EDR_F0020000AUT_04096M1"


@pytest.fixture(scope="module")
def frame():
    """A synthetic frame of 512x512 pixels, in 8 bits."""
    tile = draw_set(SyntheticMars(height=64, width=64), 1).images[0]
    return np.asarray(Image.fromarray(tile).resize((512, 512), Image.Resampling.BICUBIC))


def test_a_picture_has_one_answer_under_any_name_and_in_any_format(frame, tmp_path, monkeypatch):
    # A long job would switch to OpenVINO, whose rounding differs.
    monkeypatch.setattr("areoseg.inference.engines.factory.has_openvino", lambda: False)
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (FRAME, "my_photo", "holiday 7", "tile-17", "NRB_430335904EDR_F0130000NCAM07812M1"):
        Image.fromarray(frame).save(folder / f"{name}.png")
    Image.fromarray(frame).save(folder / "eight.tif")
    tifffile.imwrite(folder / "sixteen.tiff", frame.astype(np.uint16) * 257)
    Image.fromarray(frame).convert("RGB").save(folder / "color.png")
    found = areoseg.predict(folder, tmp_path / "out", outputs=["masks", "shares"], threads=1)
    assert found.done == 8
    masks = [np.asarray(Image.open(path)) for path in found.paths if path.suffix == ".png"]
    assert all(np.array_equal(mask, masks[0]) for mask in masks[1:])
    with (tmp_path / "out" / "shares.csv").open() as file:
        rows = list(csv.DictReader(file))
    of_the_name = ("image", "path", "mission", "camera", "sol", "site", "drive", "clock")
    numbers = [{k: v for k, v in row.items() if k not in of_the_name} for row in rows]
    assert all(row == numbers[0] for row in numbers)
    assert numbers[0]["scale"] == "0.5"


def test_the_scale_and_the_images_that_it_was_assumed_for_are_named(frame, tmp_path, capsys):
    Image.fromarray(frame).save(tmp_path / "my_photo.png")
    areoseg.predict(tmp_path / "my_photo.png", tmp_path / "out", outputs=["shares"], threads=1)
    line = "scale 0.5 for 1 image, taken as a single Navcam frame; --camera or --scale changes it"
    assert f"{line}: my_photo" in capsys.readouterr().err
    areoseg.predict(tmp_path / "my_photo.png", tmp_path / "b", outputs=["shares"], scale=0.5)
    assert "scale" not in capsys.readouterr().err


def test_the_example_for_exported_files_gives_the_mask_of_predict(frame, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    example = re.search(r"```python\n(import json.*?)```", page, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    tiles = draw_set(SyntheticMars(height=64, width=64), 4).stacked()
    np.savez("tiles.npz", training_set=np.stack(tiles, axis=1))
    areoseg.export("flagship-256", "onnx", "mars.onnx", data="tiles.npz", threads=1)
    Image.fromarray(frame).save("photo.png")
    values = {}
    exec(example.replace("photo.jpg", "photo.png"), values)
    assert values["metadata"]["resize"]["longer_side"] == 256
    json.dumps(values["metadata"])
    expected = areoseg.load("mars.onnx")("photo.png").mask
    assert (np.asarray(values["mask"]) == expected).mean() > 0.97
