"""`areoseg audit --fit` and `--run`."""

import json

import pytest

from areoseg import api
from areoseg.cli.app import app
from areoseg.errors import AreosegError
from areoseg.training import cross_fit

DISPUTES = ["swapped-mask", "moved-mask", "wrong-region"]


def audit(*arguments, capsys):
    app(
        ["audit", *map(str, arguments), "--json"], exit_on_error=False, result_action="return_value"
    )
    return json.loads(capsys.readouterr().out)["issues"]


def test_fit_and_run_add_the_checks_that_dispute_masks(
    homework_npz, tmp_path, tiny, capsys, monkeypatch
):
    monkeypatch.setattr(
        cross_fit.cross_fit,
        "__kwdefaults__",
        {**cross_fit.cross_fit.__kwdefaults__, "steps": 2, "folds": 2},
    )
    api.train("unet", homework_npz, tmp_path / "run", overrides=tiny)
    capsys.readouterr()
    plain = audit(homework_npz, "--out", tmp_path / "plain", capsys=capsys)
    fitted = audit(homework_npz, "--out", tmp_path / "fit", "--fit", capsys=capsys)
    by_run = audit(homework_npz, "--out", tmp_path / "r", "--run", tmp_path / "run", capsys=capsys)
    assert [issue for issue in fitted if issue not in plain] == DISPUTES
    assert by_run == fitted


def test_what_cannot_be_asked_is_told(homework_npz, tmp_path):
    samples = api.read(homework_npz).labeled
    with pytest.raises(AreosegError, match="choose one"):
        api.audit(samples, fit=True, run=tmp_path)
    with pytest.raises(AreosegError, match="no masks to learn from"):
        api.audit(api.read(homework_npz).unlabeled, fit=True)
    with pytest.raises(AreosegError):
        api.audit(samples, run=tmp_path / "nowhere")
