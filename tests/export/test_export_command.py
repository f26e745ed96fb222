import json
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from rich.console import Console

import areoseg
from areoseg.errors import AreosegError


@pytest.fixture(scope="module")
def run(homework_npz, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return areoseg.train("unet", homework_npz, out, overrides=tiny, threads=1).path


@pytest.fixture
def told(tmp_path):
    with (tmp_path / "told.txt").open("w+") as file:
        yield Console(file=file, width=300)


def lines(console):
    console.file.seek(0)
    return console.file.read()


needs_onnx = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None, reason="no extra `export`"
)


@needs_onnx
def test_an_exported_run_is_compared_on_its_validation_part_and_submits_the_same(
    run, homework_npz, tmp_path, told
):
    path = tmp_path / "mars.onnx"
    exported = areoseg.export(run, "onnx", path, console=told)
    validation = len(json.loads((run / "split.json").read_text())["val"])
    assert exported.samples == f"{validation} validation samples of the run"
    assert areoseg.submit(run, homework_npz, tmp_path / "run.csv") == 5
    assert areoseg.submit(path, homework_npz, tmp_path / "file.csv") == 5
    ours, theirs = (
        np.loadtxt(tmp_path / name, delimiter=",", skiprows=1) for name in ("run.csv", "file.csv")
    )
    assert (ours == theirs).mean() > 0.99  # the run may predict in bfloat16
    assert areoseg.submit([run, path], homework_npz, tmp_path / "both.csv") == 5


@needs_onnx
def test_the_description_tells_recipe_score_and_hash(run, tmp_path, told):
    from areoseg.inference import open_engine

    path = tmp_path / "mars.onnx"
    areoseg.export(run, "onnx", path, console=told)
    metadata = open_engine(path).metadata
    assert metadata.recipe == (run / "recipe.yaml").read_text()
    assert metadata.score["protocol"] == "terrain"
    assert metadata.score["split"] == "test"
    assert len(metadata.weights_sha256) == 64
    assert metadata.tile == (32, 64)


@needs_onnx
@pytest.mark.filterwarnings("error")
def test_exporting_and_timing_a_file_show_no_warnings(run, tmp_path, told):
    path = tmp_path / "mars.onnx"
    areoseg.export(run, "onnx", path, console=told)
    measured = areoseg.bench(path, batches=[1], seconds=0.001, threads=1, console=told)
    assert measured.size == (32, 64)
    assert [each.name for each in measured.measurements] == ["mars.onnx"]


@needs_onnx
def test_without_its_data_a_run_is_compared_on_synthetic_samples_and_says_so(
    run, tmp_path, told, monkeypatch
):
    def gone(*arguments):
        raise AreosegError("mars.npz: no such file")

    monkeypatch.setattr(import_module("areoseg.export.export"), "own_data", gone)
    monkeypatch.setattr("areoseg.data.load.SYNTHETIC_LABELED", 8)
    exported = areoseg.export(run, "onnx", tmp_path / "mars.onnx", console=told)
    assert exported.samples == "4 samples of synthetic"
    assert "synthetic samples instead of the run's own: mars.npz: no such file" in lines(told)


@needs_onnx
def test_other_data_can_be_named(run, homework_npz, tmp_path, told):
    exported = areoseg.export(run, "onnx", tmp_path / "mars.onnx", data=homework_npz, console=told)
    assert exported.samples == f"24 samples of {homework_npz}"


@needs_onnx
def test_a_file_is_scored_on_other_data_or_beside_its_run(run, homework_npz, tmp_path, told):
    path = tmp_path / "mars.onnx"
    areoseg.export(run, "onnx", path, console=told)
    with np.load(homework_npz) as file:
        np.savez(tmp_path / "other.npz", training_set=file["training_set"][:8])
    by_file, by_run = (areoseg.evaluate(each, tmp_path / "other.npz") for each in (path, run))
    assert by_file.images == 8
    assert by_file.protocol == by_run.protocol
    assert by_file.score == pytest.approx(by_run.score, abs=0.02)  # the run may be in bfloat16

    ways = areoseg.evaluate_each([path, run], split="val")
    assert [way.name for way in ways] == [str(path), str(run), "mean of 2 models"]
    kept = json.loads((run / "scores.json").read_text())["val"]
    assert ways[1].scores.score == kept["score"]
    assert ways[0].scores.images == kept["images"]


@needs_onnx
def test_a_file_is_not_scored_on_what_it_may_have_learned_by_heart(
    run, homework_npz, tiny, tmp_path, told
):
    path = tmp_path / "mars.onnx"
    areoseg.export(run, "onnx", path, console=told)
    seed = "training.seed=1"
    other = areoseg.train("unet", homework_npz, tmp_path / "other", overrides=[*tiny, seed]).path
    for models in ([path], [path, other]):
        with pytest.raises(
            AreosegError, match=r"mars\.onnx: this file does not record which"
        ) as caught:
            areoseg.evaluate(models, homework_npz)
        assert "\n" not in str(caught.value)
    with pytest.raises(AreosegError, match="give --data"):
        areoseg.evaluate(path)
    with pytest.raises(AreosegError, match=r"absent\.onnx: no such file"):
        areoseg.evaluate("absent.onnx", homework_npz)
    (tmp_path / "a.txt").write_text("no model")
    with pytest.raises(AreosegError, match="not a supported model"):
        areoseg.evaluate(tmp_path / "a.txt", homework_npz)


@needs_onnx
def test_a_model_of_reduced_images_submits_them_at_their_own_size(
    homework_npz, tiny, tmp_path, told
):
    run = areoseg.train(
        "unet", homework_npz, tmp_path / "half", overrides=[*tiny, "data.scale=0.5"], console=told
    ).path
    areoseg.export(run, "onnx", tmp_path / "half.onnx", console=told)
    for model in (run, tmp_path / "half.onnx"):
        areoseg.submit(model, homework_npz, tmp_path / "s.csv")
        assert (tmp_path / "s.csv").read_text().splitlines()[0].endswith(",2047")  # 32 x 64 pixels


def test_submit_needs_a_model(homework_npz, tmp_path):
    with pytest.raises(AreosegError, match="no model"):
        areoseg.submit([], homework_npz, tmp_path / "s.csv")
