import json
import re
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file

import areoseg
from areoseg import weights
from areoseg.cli.app import app
from areoseg.errors import AreosegError
from areoseg.export.bundle import without_folders
from areoseg.export.card import model_card
from areoseg.runs.info import InitialWeights
from areoseg.runs.run import open_run

LARGEST = 6_500_000
"""Bytes of the weights of a model that the wheel carries."""


@pytest.fixture(scope="module")
def run(homework_npz, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    command = f"areoseg train unet {shlex.join(tiny)} --data {homework_npz} --out={out}"
    return areoseg.train("unet", homework_npz, out, overrides=tiny, threads=1, command=command).path


@pytest.fixture(scope="module")
def bundled(run, tmp_path_factory):
    """A folder of bundled models with one in it, that of no name being asked for."""
    folder = tmp_path_factory.mktemp("weights")
    areoseg.bundle(
        run, folder / weights.DEFAULT, credit="drawn, CC0-1.0", console=Console(quiet=True)
    )
    return folder


@pytest.fixture
def name(bundled, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", bundled)
    return weights.DEFAULT


@pytest.fixture
def none_bundled(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "empty")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photos" / "a.png"
    path.parent.mkdir()
    Image.fromarray(np.arange(64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64)).save(path)
    return path


def command(*words):
    app([*map(str, words)], result_action="return_value")


def test_filters_are_halved_and_the_rest_is_as_it_was(run, bundled):
    full = load_file(run / "weights.safetensors")
    found = load_file(bundled / weights.DEFAULT / "weights.safetensors")
    assert full.keys() == found.keys()
    for key, tensor in found.items():
        if tensor.ndim > 1:
            assert str(tensor.dtype) == "torch.float16"
            assert np.allclose(tensor.float(), full[key], rtol=2**-11, atol=2**-25)
        else:
            assert tensor.dtype == full[key].dtype
            assert tensor.equal(full[key])


def test_a_bundle_answers_as_its_run_and_says_how_nearly(run, bundled):
    info = open_run(bundled / weights.DEFAULT).info.bundle
    assert info.equal_pixels > 0.998
    validation = len(json.loads((run / "split.json").read_text())["val"])
    assert info.compared_on == f"{validation} validation samples of the run"


def test_a_bundle_tells_no_folder_of_the_machine_that_made_it(run, bundled, homework_npz):
    for file in (bundled / weights.DEFAULT).iterdir():
        if file.suffix != ".safetensors":
            assert str(homework_npz.parent) not in file.read_text()
            assert str(run.parent) not in file.read_text()
    info = open_run(bundled / weights.DEFAULT).info
    assert info.data.source.path == "mars.npz"
    assert str(info.data.source.groups) == "mars_groups.txt"
    assert info.command.endswith("--data mars.npz --out=tiny")
    assert "model.widths=[4,8]" in shlex.split(info.command)


def test_the_card_has_what_a_user_has_to_know(run, bundled):
    card = (bundled / weights.DEFAULT / weights.CARD).read_text()
    assert card.startswith(f"# {weights.DEFAULT}\n")
    scores = json.loads((run / "scores.json").read_text())
    for part in ("test", "val"):
        assert f"{scores[part]['protocols']['terrain']['score']:.3f} (" in card
    for section in ("Use", "Scores", "Training", "Weights", "Limits", "License"):
        assert f"\n## {section}\n" in card
    assert "areoseg train unet" in card
    assert "Apache-2.0. Training data: drawn, CC0-1.0." in card
    assert "never predicts background" in card
    for table in re.findall(r"(?:\|.*\|\n)+", card):
        assert len({row.count("|") for row in table.splitlines()}) == 1


def test_the_card_tells_what_the_weights_began_with(bundled):
    whole = open_run(bundled / weights.DEFAULT)
    before = {"run": "/there/first", "commands": ["areoseg train unet --out /there/first"]}
    start = InitialWeights(**before, weights_sha256="f00d", training_seconds=600.0)
    info = whole.info.model_copy(update={"initial_weights": start})
    card = model_card(replace(whole, info=without_folders(info)))
    assert "Started from the weights of first, trained for 10 minutes before" in card
    assert "\nareoseg train unet --out first\nareoseg train unet " in card


def test_a_name_stands_where_a_run_may_stand(name, run, homework_npz, tmp_path, photo, capsys):
    command("predict", photo, "--model", name, "--model", run, "--out", tmp_path / "masks")
    command("submit", name, "--data", homework_npz, "--out", tmp_path / "s.csv")
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 6
    command("evaluate", name, "--data", homework_npz, "--json")
    found = json.loads(capsys.readouterr().out.split("s.csv\n")[1])
    assert found["images"] == len(open_run(name).split["test"])
    command("export", name, "--format", "onnx", "--out", tmp_path / "m.onnx", "--data",
            homework_npz)  # fmt: skip
    options = ["--backends", "eager", "--batches", "1", "--seconds", "0.01", "--threads", "1"]
    command("bench", name, *options)
    assert name in capsys.readouterr().out


def test_bundled_models_are_told_apart_by_their_weights(name, run, photo, tmp_path):
    areoseg.predict(photo, tmp_path / "out", model=name)
    with pytest.raises(AreosegError, match="other models"):
        areoseg.predict(photo, tmp_path / "out", model=[run], resume=True)
    assert areoseg.predict([photo], tmp_path / "out", model=[name], resume=True).skipped == 1


def test_where_no_model_is_named_the_bundled_one_predicts(name, photo, tmp_path, capsys):
    command("predict", photo.parent, "--out", tmp_path / "out")
    told = capsys.readouterr()
    assert told.out.startswith("1 image: ")
    assert f"note: using the bundled model {name}" in told.err
    assert (tmp_path / "out" / "masks" / "a.png").is_file()


def test_a_folder_called_as_a_bundled_model_goes_before_it(name, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo.parent.rename(tmp_path / name)
    command("predict", name, "--out", "out")
    assert (tmp_path / "out" / "masks" / "a.png").is_file()


def test_images_are_asked_for(name, tmp_path):
    with pytest.raises(AreosegError, match="no images to predict: name files or folders"):
        command("predict", "--out", tmp_path / "out")


@pytest.mark.usefixtures("none_bundled")
def test_without_a_bundled_model_one_has_to_be_named(photo, tmp_path):
    for inputs in ([photo], []):
        with pytest.raises(
            AreosegError, match="no model given, and this installation has no bundled"
        ) as caught:
            command("predict", *inputs, "--out", tmp_path / "out")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_is_no_run_is_told_which_models_are_bundled(name, tmp_path):
    with pytest.raises(AreosegError, match=rf"not a run.*{name}"):
        areoseg.evaluate("flagship", tmp_path / "mars.npz")


def test_a_bundle_is_not_changed(name, run, bundled, homework_npz, tmp_path):
    with pytest.raises(AreosegError, match="calibrate the run that it was made from"):
        areoseg.calibrate(name, data=homework_npz)
    with pytest.raises(AreosegError, match="already a bundle"):
        areoseg.bundle(name, tmp_path / "again")
    with pytest.raises(AreosegError, match="this path already exists"):
        areoseg.bundle(run, bundled / name)


def test_the_same_bundle_is_not_made_twice(run, homework_npz, tmp_path, capsys):
    first = areoseg.bundle(run, tmp_path / "mars", data=homework_npz)
    made = (first.path / "run.json").stat()
    again = areoseg.bundle(run, tmp_path / "mars", data=homework_npz)
    assert again == first
    assert (first.path / "run.json").stat() == made
    assert "is this bundle already" in capsys.readouterr().err
    with pytest.raises(AreosegError, match="this path already exists"):
        areoseg.bundle(run, tmp_path / "mars", data=homework_npz, credit="someone else")


def test_weights_beyond_the_range_of_16_bits_are_refused(run, tmp_path):
    from areoseg.runs.run import write_weights

    shutil.copytree(run, tmp_path / "wild")
    wild = load_file(run / "weights.safetensors")
    first = next(key for key, tensor in wild.items() if tensor.ndim > 1)
    wild[first] *= 1e6
    write_weights(tmp_path / "wild" / "weights.safetensors", wild)
    with pytest.raises(AreosegError, match="not written: float16 weights differ too much"):
        areoseg.bundle(tmp_path / "wild", tmp_path / "out", console=Console(quiet=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wild"]


def test_the_command_says_size_and_parity(run, homework_npz, tmp_path, capsys):
    command("bundle", run, "--out", tmp_path / "b", "--data", homework_npz)
    assert re.search(
        r"b: 0\.\d MB, .*of the pixels are equal, .*24 samples", capsys.readouterr().out
    )


@pytest.mark.parametrize("name", weights.bundled_names())
def test_what_the_wheel_carries_is_small_and_whole(name):
    run = open_run(name)
    assert run.is_bundle
    assert (run.path / "weights.safetensors").stat().st_size <= LARGEST
    assert run.segmenter().masked_classes.shape == (len(run.taxonomy),)
    assert run.info.bundle.equal_pixels > 0.998
    for file in run.path.glob("*.json"):
        assert not re.search(r'"/|"\.\./', file.read_text())


def test_a_bundle_is_not_taken_for_a_run_that_was_killed(name):
    with pytest.raises(AreosegError, match="cannot resume"):
        areoseg.resume(name)
