"""`areoseg audit --cross-validate` and `--model`."""

import json

import pytest

import areoseg
from areoseg.audit import audit as audit_data
from areoseg.audit import segmenter
from areoseg.cli.app import app
from areoseg.errors import AreosegError

DISPUTES = ["swapped-mask", "moved-mask", "wrong-region"]


def audit(*arguments, capsys):
    app(
        ["audit", *map(str, arguments), "--json"], exit_on_error=False, result_action="return_value"
    )
    return json.loads(capsys.readouterr().out)["issues"]


def test_cross_validation_and_a_model_add_the_checks_that_dispute_masks(
    homework_npz, tmp_path, tiny, capsys, monkeypatch
):
    monkeypatch.setattr(
        segmenter.cross_val_predict,
        "__kwdefaults__",
        {**segmenter.cross_val_predict.__kwdefaults__, "steps": 2, "folds": 2},
    )
    areoseg.train("unet", homework_npz, tmp_path / "run", overrides=tiny)
    capsys.readouterr()
    plain = audit(homework_npz, "--out", tmp_path / "plain", capsys=capsys)
    fitted = audit(homework_npz, "--out", tmp_path / "fit", "--cross-validate", capsys=capsys)
    by_run = audit(
        homework_npz, "--out", tmp_path / "r", "--model", tmp_path / "run", capsys=capsys
    )
    assert [issue for issue in fitted if issue not in plain] == DISPUTES
    assert by_run == fitted


def test_what_cannot_be_asked_is_told(homework_npz, tmp_path):
    samples = areoseg.read(homework_npz).labeled
    with pytest.raises(AreosegError, match="choose one"):
        audit_data(samples, cross_validate=True, model=tmp_path)
    with pytest.raises(AreosegError, match="no masks to train on"):
        audit_data(areoseg.read(homework_npz).unlabeled, cross_validate=True)
    with pytest.raises(AreosegError):
        audit_data(samples, model=tmp_path / "nowhere")
