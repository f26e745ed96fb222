"""What a user is told before trusting a prediction."""

import io
import sys

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

import areoseg
from areoseg.errors import AreosegError
from areoseg.runs.lock import locked


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(60, 200, (64, 96)).astype(np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def said(photo, out, **options):
    text = io.StringIO()
    areoseg.predict(photo, out, console=Console(file=text, width=300), **options)
    return text.getvalue()


def test_predict_says_that_a_model_cannot_predict_background(photo, homework_npz, tiny, tmp_path):
    overrides = [*tiny, "data.audit=false", "training.epochs=1"]
    without = areoseg.train("unet", homework_npz, tmp_path / "run", overrides=overrides).path
    words = "cannot predict background"
    assert words in said(photo, tmp_path / "a", model=without)
    assert words not in said(photo, tmp_path / "b", model=without, background=False)
    assert words not in said(photo, tmp_path / "c", model="flagship-64")


def test_a_folder_in_which_another_process_predicts_is_refused(photo, tmp_path):
    out = tmp_path / "out"
    with locked(out, "predicting"), pytest.raises(AreosegError, match="another process is predict"):
        areoseg.predict(photo, out, model="flagship-64")
    assert areoseg.predict(photo, out, model="flagship-64").done == 1
    assert not (out / ".lock").exists()


@pytest.mark.parametrize(("level", "word"), [(0, "black"), (255, "saturated"), (90, "constant")])
def test_results_in_python_have_warnings(level, word):
    result = areoseg.load("flagship-64")(np.full((64, 96), level, np.uint8))
    assert word in result.warnings
    assert f"do not trust it: {', '.join(result.warnings)}" in repr(result)


def test_unknown_options_of_load_are_refused_with_a_suggestion():
    with pytest.raises(AreosegError, match=r"no option 'tta_flop': did you mean 'tta_flip'"):
        areoseg.load("flagship-64", tta_flop=True)


def test_a_name_whose_package_is_missing_does_not_break_help(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "areoseg.experiments.search", raising=False)
    monkeypatch.delitem(vars(areoseg), "search", raising=False)
    assert not hasattr(areoseg, "search")
    with pytest.raises(AreosegError, match=r"areoseg\[search\]"):
        areoseg.search  # noqa: B018
