import csv
import errno
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import nn

from areoseg.errors import AreosegError
from areoseg.inference import Predictor, TorchEngine
from areoseg.inference.engines.factory import is_model
from areoseg.inference.folder import predict_to_folder
from areoseg.inference.listing import find_inputs
from areoseg.inference.settings import describe, keep_settings
from areoseg.inference.writers import OUTPUT_NAMES
from areoseg.models.segmenter import Segmenter
from areoseg.report.gallery import read_gallery
from areoseg.taxonomy import MARS

FRAME = "NLB_430335904EDR_F0130000NCAM07812M1"


class Brightness(nn.Module):
    """Answers the class whose gray value, 0 to 4 in fifths, is the nearest."""

    def forward(self, images):
        centers = torch.linspace(0.1, 0.9, 5).view(1, 5, 1, 1)
        return -100 * (images - centers).abs()


@pytest.fixture
def predictor():
    segmenter = Segmenter(Brightness(), mean=0.0, std=1.0, classes=5)
    return Predictor([TorchEngine(segmenter, MARS)], scale=1.0, tile=64, overlap=16)


def levels(height=8, width=10):
    """An image of the five gray levels, and the mask that `Brightness` gives for it."""
    mask = np.arange(height * width).reshape(height, width) % 5
    return ((mask * 2 + 1) / 10 * 255).astype(np.uint8), mask


def picture(path, size=(8, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels(*size)[0]).save(path)
    return path


def predict(predictor, source, out, **options):
    keep_settings({"models": [], "options": {}}, out)
    told = []
    inputs = find_inputs([source], out=out)
    return predict_to_folder(predictor, inputs, out, log=told.append, **options), told


def counts(found):
    return found.done, found.skipped, found.failed


def rows_of(path):
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_folder_of_predictions_holds_masks_overlays_and_shares(tmp_path, predictor):
    _, expected = levels()
    picture(tmp_path / "in" / "sub" / "a.png")
    picture(tmp_path / "in" / f"{FRAME}.png")
    out = tmp_path / "out"
    found, told = predict(predictor, tmp_path / "in", out)
    assert (counts(found), told) == ((2, 0, 0), [])
    assert sorted(path.relative_to(out).as_posix() for path in found.paths) == [
        "index.html",
        f"masks/{FRAME}.png",
        "masks/sub/a.png",
        f"overlays/{FRAME}.png",
        "overlays/sub/a.png",
        "shares.csv",
    ]
    assert repr(found) == f"Predictions({str(out)!r}, done=2, skipped=0, failed=0, 6 files)"
    mask = np.asarray(Image.open(out / "masks" / "sub" / "a.png"))
    assert np.array_equal(mask, expected)
    assert np.asarray(Image.open(out / "overlays" / "sub" / "a.png")).shape == (8, 10, 3)
    header, frame, plain = (out / "shares.csv").read_text().splitlines()
    assert header == (
        "image,path,warning,scale,ground,background,nodata,soil,soil_low,soil_high,"
        "bedrock,bedrock_low,bedrock_high,sand,sand_low,sand_high,"
        "big_rock,big_rock_low,big_rock_high,confidence,height,width,"
        "mission,camera,sol,site,drive,clock,time"
    )
    shares = ",,1,0.800000,0.200000,0.000000," + "0.250000," * 12 + "1.000000,8,10"
    folder = tmp_path / "in"
    assert plain == f"sub/a,{folder / 'sub' / 'a.png'}{shares},,,,,,,"
    place = "MARS SCIENCE LABORATORY,NAV_LEFT_B,370,13,0,430335904,"
    assert frame == f"{FRAME},{folder / FRAME}.png{shares},{place}"
    assert not (out / "errors.csv").exists()


def test_every_output_can_be_chosen_and_no_other_is_written(tmp_path, predictor):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    source = picture(tmp_path / "a.png", size=(100, 70))  # larger than a tile
    predict(predictor, source, tmp_path / "all", outputs=OUTPUT_NAMES)
    assert files_in(tmp_path / "all") == [
        "confidence/a.png",
        "entropy/a.png",
        "index.html",
        "masks.qml",
        "masks/a.png",
        "overlays/a.png",
        "polygons.qml",
        "polygons/a.geojson",
        "prediction.json",
        "probabilities/a.npz",
        "shares.csv",
    ]
    mask = np.asarray(Image.open(tmp_path / "all" / "masks" / "a.png"))
    assert np.array_equal(mask, levels(100, 70)[1])
    predict(predictor, source, tmp_path / "one", outputs=["entropy"])
    assert files_in(tmp_path / "one") == ["entropy/a.png", "prediction.json"]


def test_images_of_many_sizes_each_get_their_own_mask(tmp_path, predictor):
    sizes = [(8, 10)] * 3 + [(1, 1), (8, 10), (300, 400), (5, 3)]
    for index, size in enumerate(sizes):
        picture(tmp_path / "in" / f"{index}.png", size)
    predict(predictor, tmp_path / "in", tmp_path / "out", outputs=["masks", "shares"])
    for index, size in enumerate(sizes):
        mask = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{index}.png"))
        assert np.array_equal(mask, levels(*size)[1])
    names = [row["image"] for row in rows_of(tmp_path / "out" / "shares.csv")]
    assert names == [str(index) for index in range(len(sizes))]


def test_pixels_without_data_are_background(tmp_path, predictor):
    image = np.full((4, 4), 0.5, np.float32)
    image[:2] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", image)
    predict(predictor, tmp_path / "a.tif", tmp_path / "out")
    mask = np.asarray(Image.open(tmp_path / "out" / "masks" / "a.png"))
    assert mask.tolist() == [[0] * 4] * 2 + [[2] * 4] * 2
    (row,) = rows_of(tmp_path / "out" / "shares.csv")
    shares = [row[name] for name in ("ground", "background", "nodata", "bedrock")]
    assert shares == ["0.500000", "0.000000", "0.500000", "1.000000"]


def test_broken_images_are_listed_and_do_not_stop_the_rest(tmp_path, predictor):
    folder = tmp_path / "in"
    for name in ("a.png", "d [bold].png"):
        picture(folder / name)
    (folder / "b.png").write_text("no picture")
    (folder / "c, empty.png").write_bytes(b"")
    found, told = predict(predictor, folder, tmp_path / "out")
    assert counts(found) == (2, 0, 2)
    failed = rows_of(tmp_path / "out" / "errors.csv")
    assert [Path(row["image"]).name for row in failed] == ["b.png", "c, empty.png"]
    assert failed[1]["reason"] == "the file is empty: copy it again"
    assert len(told) == 2
    assert all("\n" not in line for line in told)
    assert len(rows_of(tmp_path / "out" / "shares.csv")) == 2


def test_resuming_does_what_is_missing_and_keeps_the_table_whole(tmp_path, predictor):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in "abcd":
        picture(folder / f"{name}.png")
    (folder / "b.png").write_text("no picture")
    assert counts(predict(predictor, folder, out)[0]) == (3, 0, 1)
    (out / "overlays" / "c.png").unlink()
    picture(folder / "b.png")
    kept = (out / "masks" / "a.png").stat().st_mtime_ns
    found, _ = predict(predictor, folder, out, resume=True)
    assert counts(found) == (2, 2, 0)
    assert (out / "masks" / "a.png").stat().st_mtime_ns == kept
    assert sorted(row["image"] for row in rows_of(out / "shares.csv")) == [*"abcd"]
    assert not (out / "errors.csv").exists()
    assert predict(predictor, folder, out, resume=True)[0].skipped == 4
    assert counts(predict(predictor, folder, out)[0]) == (4, 0, 0)


def test_a_second_call_keeps_the_rows_of_the_first(tmp_path, predictor):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("a", "b", "c"):
        picture(folder / f"{name}.png")
    (folder / "d.png").write_text("no picture")
    for names in (("a", "b", "d"), ("b", "c")):
        inputs = find_inputs([folder / f"{name}.png" for name in names], out=out)
        keep_settings({"models": [], "options": {}}, out)
        predict_to_folder(predictor, inputs, out)
    assert [row["image"] for row in rows_of(out / "shares.csv")] == ["a", "b", "c"]
    assert [row["image"] for row in rows_of(out / "errors.csv")] == [str(folder / "d.png")]
    assert [*json.loads((out / "prediction.json").read_text())["images"]] == ["a", "b", "c"]
    assert [each["name"] for each in read_gallery(out)] == ["a", "b", "c"]


def test_an_image_of_the_same_name_is_not_overwritten_unless_it_was_moved(tmp_path, predictor):
    first, other = (picture(tmp_path / name / "a.png") for name in ("x", "y"))
    predict(predictor, first, tmp_path / "out")
    with pytest.raises(AreosegError, match=r"another image of this name, .*choose another --out"):
        predict(predictor, other, tmp_path / "out")
    first.unlink()
    assert predict(predictor, other, tmp_path / "out")[0].done == 1
    assert len(rows_of(tmp_path / "out" / "shares.csv")) == 1


def test_resuming_after_a_crash_loses_no_row(tmp_path, predictor):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in "abcd":
        picture(folder / f"{name}.png", size=(300, 300))

    def crash(inputs):
        yield from inputs[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(predictor, folder, out, track=crash)
    assert not (out / "shares.csv").exists()
    found, _ = predict(predictor, folder, out, resume=True)
    assert found.skipped >= 1
    assert found.done + found.skipped == 4
    assert sorted(row["image"] for row in rows_of(out / "shares.csv")) == [*"abcd"]
    assert sorted(each["name"] for each in read_gallery(out)) == [*"abcd"]


def test_what_an_older_call_left_is_not_taken_for_done(tmp_path, predictor):
    source, out = picture(tmp_path / "a.png"), tmp_path / "out"
    predict(predictor, source, out, outputs=["masks"])
    old = json.loads((out / "prediction.json").read_text())["created_ns"] - 10**9
    os.utime(out / "masks" / "a.png", ns=(old, old))
    assert predict(predictor, source, out, outputs=["masks"], resume=True)[0].done == 1


def test_other_settings_in_a_folder_are_refused(tmp_path):
    keep_settings({"models": [{"path": "x", "sha256": "1"}], "options": {}}, tmp_path)
    moved = {"models": [{"path": "y", "sha256": "1"}], "options": {}}
    keep_settings(moved, tmp_path)
    for change, what in (({"models": []}, "models"), ({"options": {"tta_flip": True}}, "options")):
        with pytest.raises(AreosegError, match=f"with other {what}: choose another --out"):
            keep_settings({**moved, **change}, tmp_path)


def test_models_are_told_by_their_weights_wherever_they_lie(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").write_bytes(content)
    one, same, other = (
        describe([tmp_path / name], {})["models"][0]["sha256"] for name in ("a", "b", "c")
    )
    assert one == same != other


def test_a_graph_of_openvino_is_a_model_and_a_label_is_not(tmp_path):
    for name, start in (("net.xml", '<net name="a" version="11">'), ("pds.xml", "<Product>")):
        (tmp_path / name).write_text(f'<?xml version="1.0"?>\n{start}\n')
    assert is_model(tmp_path / "net.xml")
    assert not is_model(tmp_path / "pds.xml")
    assert is_model(tmp_path / "absent.onnx")
    assert not is_model(tmp_path)
    assert not is_model(picture(tmp_path / "a.png"))


def test_names_in_other_scripts_and_none_are_mirrored(tmp_path, predictor):
    names = ["a b.png", "火星 Марс.png", "ü;,'\".png", os.fsdecode(b"latin-\xfc.png")]
    for name in names:
        picture(tmp_path / "in" / name)
    found, _ = predict(predictor, tmp_path / "in", tmp_path / "out")
    assert found.done == 4
    written = {path.name for path in (tmp_path / "out" / "masks").iterdir()}
    assert written == set(names)
    listed = {row["image"] + ".png" for row in rows_of(tmp_path / "out" / "shares.csv")}
    assert listed == set(names)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, predictor):
    (tmp_path / "file").write_text("")
    source = picture(tmp_path / "a.png")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(AreosegError, match="cannot write this file") as caught:
            predict(predictor, source, out)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("output", ["masks", "probabilities", "shares"])
def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path, predictor, monkeypatch, output):
    source, out = picture(tmp_path / "a.png"), tmp_path / "out"
    opened = Path.open

    def full(path, mode="r", *arguments, **options):
        if output in str(path) and "w" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return opened(path, mode, *arguments, **options)

    if output == "probabilities":
        monkeypatch.setattr("zipfile.ZipFile.open", full)
        monkeypatch.setattr("zipfile.ZipFile.__init__", lambda *_, **__: full(Path(output), "w"))
    monkeypatch.setattr(Path, "open", full)
    keep_settings({"models": [], "options": {}}, out)
    with pytest.raises(AreosegError, match="No space left on device") as caught:
        predict(predictor, source, out, outputs=[output])
    assert "\n" not in str(caught.value)
    assert files_in(out) == ["prediction.json"]


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 128 KiB; skips where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True)
    except OSError:
        done = None
    if done is None or done.returncode:
        pytest.skip("mounting a tiny disk takes the rights of root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("place", [None, "EPSG:32633"])
def test_a_disk_that_fills_up_is_one_line(tmp_path, predictor, tiny_disk, place):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    path = tmp_path / "a.tif"
    if place:
        rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")
        with rasterio.open(
            path, "w", driver="GTiff", height=300, width=300, count=1, dtype="uint8", crs=place,
            transform=rasterio.Affine.scale(2),
        ) as file:  # fmt: skip
            file.write(noise, 1)
    else:
        tifffile.imwrite(path, noise)
    with pytest.raises(AreosegError, match=r"cannot write this file: .*(No space|disk full)"):
        predict(predictor, path, tiny_disk / "out", outputs=["probabilities", "shares"])
    assert "probabilities/a.npz" not in files_in(tiny_disk / "out")
    assert "probabilities/a.tif" not in files_in(tiny_disk / "out")
