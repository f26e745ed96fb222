"""The 8-bit export of bundled models needs no data; others are told how to get theirs."""

import json
import shutil

import numpy as np
import pytest
from rich.console import Console

import areoseg
from areoseg import weights
from areoseg.cli.app import app
from areoseg.errors import AreosegError
from areoseg.export.bundled_int8 import RECORD
from areoseg.inference.engines.exported import METADATA_KEY
from areoseg.synthetic import SyntheticMars, draw_set

openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")
QUIET = Console(quiet=True)


WITH_INT8 = [name for name in weights.bundled_names() if (weights.FOLDER / name / RECORD).is_file()]


@pytest.mark.parametrize("name", WITH_INT8)
def test_a_bundled_model_is_exported_in_an_empty_folder(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    app(
        ["export", name, "--format", "openvino-int8", "--out", "f.xml"],
        result_action="return_value",
    )
    printed = capsys.readouterr().out
    assert printed.startswith("f.xml: probabilities differ by at most ")
    assert "validation samples of the run, when it was bundled" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.bin", "f.xml"]
    tiles = draw_set(SyntheticMars(height=64, width=128), 4).images
    masks, expected = (
        np.stack([result.mask for result in areoseg.load(model, accelerate=False)(list(tiles))])
        for model in ("f.xml", name)
    )
    assert (masks == expected).mean() > 0.85
    metadata = json.loads(openvino.Core().read_model("f.xml").get_rt_info([METADATA_KEY]).value)
    assert metadata["resize"]["longer_side"] == 256
    assert (
        metadata["weights_sha256"]
        == json.loads((weights.FOLDER / name / RECORD).read_text())["weights_sha256"]
    )


@pytest.fixture(scope="module")
def home(homework_npz, tiny, tmp_path_factory):
    """A folder with data, and a run that was trained there by relative paths."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(homework_npz, folder / "mars.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        areoseg.train("unet", "mars.npz", "runs/a", overrides=tiny, threads=1, console=QUIET)
    return folder


def test_a_run_finds_its_data_from_any_folder(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    exported = areoseg.export(home / "runs" / "a", "onnx", "a.onnx", threads=1, console=QUIET)
    assert exported.samples.endswith("validation samples of the run")


def test_without_data_8_bits_are_refused_with_the_way_out(home, tmp_path):
    bundle = tmp_path / "bundle"
    areoseg.bundle(home / "runs" / "a", bundle, threads=1, console=QUIET)
    with pytest.raises(AreosegError, match=r"calibrated on real images: .*--data"):
        areoseg.export(bundle, "openvino-int8", tmp_path / "f.xml", console=QUIET)
    assert not (tmp_path / "f.xml").exists()


def test_a_bundle_may_bring_its_8_bit_version_along(home, tmp_path):
    pytest.importorskip("nncf", reason="the extra openvino is not installed")
    bundle = tmp_path / "bundle"
    areoseg.bundle(home / "runs" / "a", bundle, int8=True, threads=1, console=QUIET)
    exported = areoseg.export(bundle, "openvino-int8", tmp_path / "f.xml", console=QUIET)
    assert exported.samples.endswith("when it was bundled")
    assert exported.parity.images > 0
    record = json.loads((bundle / RECORD).read_text())
    (bundle / RECORD).write_text(json.dumps({**record, "weights_sha256": "other"}))
    with pytest.raises(AreosegError, match="--data"):  # not of these weights
        areoseg.export(bundle, "openvino-int8", tmp_path / "g.xml", console=QUIET)
