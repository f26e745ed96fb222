"""Training with a background gate, from the recipe to predictions and exports."""

import json

import numpy as np
import pytest
import torch

import areoseg
from areoseg.models.segmenter import MASKED_LOGIT
from areoseg.runs.run import open_run
from areoseg.training.background_threshold import (
    LEVELS,
    MAX_LOST_GROUND,
    fit_background_threshold,
    lowest_threshold,
)

GATE = ["data.background=gate", "data.audit=false", "calibration=true"]


@pytest.fixture(scope="module")
def run(homework_npz, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "gated"
    return areoseg.train(
        "unet", homework_npz, out, overrides=[*tiny, *GATE, "training.epochs=6"], threads=1
    )


def test_the_run_records_threshold_and_rates(run):
    found = open_run(run).info.background
    assert 0.5 <= found.threshold <= 1
    assert found.lost_ground <= MAX_LOST_GROUND
    assert run.segmenter().threshold == pytest.approx(found.threshold)
    scores = json.loads((run.path / "scores.json").read_text())
    assert scores["val"]["lost_ground"] == pytest.approx(found.lost_ground, abs=2e-3)
    assert scores["val"]["found_background"] == pytest.approx(found.found_background, abs=2e-3)


def test_the_gate_has_a_loss_of_its_own(run):
    header = (run.path / "metrics.csv").read_text().splitlines()[0]
    assert "loss/gate" in header


def test_calibration_moves_terrain_classes_only(run):
    segmenter = run.segmenter()
    assert segmenter.offsets[0] == MASKED_LOGIT
    assert (segmenter.offsets[1:] > MASKED_LOGIT / 2).all()
    again = areoseg.calibrate(run, threads=1)
    assert again.info.background == run.info.background


def test_the_same_seed_gives_the_same_weights(run, homework_npz, tiny, tmp_path):
    overrides = [*tiny, *GATE, "training.epochs=6"]
    other = areoseg.train("unet", homework_npz, tmp_path / "again", overrides=overrides, threads=1)
    ours = run.segmenter().state_dict()
    for name, value in other.segmenter().state_dict().items():
        assert torch.equal(value, ours[name]), name


def test_exports_agree_with_the_run(run, homework_npz, tmp_path):
    pytest.importorskip("onnxruntime")
    exported = areoseg.export(run, "onnx", tmp_path / "gated.onnx", threads=1)
    data = np.load(homework_npz)["training_set"][:8, 0]
    by_run, by_file = areoseg.load(run, accelerate=False), areoseg.load(exported.path)
    assert by_file.background_threshold == pytest.approx(by_run.background_threshold)
    for image in data:
        first, second = by_run(image), by_file(image)
        np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-3)
        assert (first.mask == second.mask).mean() > 0.999


def test_weights_without_a_gate_can_learn_one(homework_npz, tiny, tmp_path):
    plain = areoseg.train(
        "unet", homework_npz, tmp_path / "plain", overrides=[*tiny, "data.audit=false"], threads=1
    )
    gated = areoseg.train(
        "unet",
        homework_npz,
        tmp_path / "gated",
        overrides=[*tiny, *GATE, "training.epochs=1"],
        init_from=plain,
        threads=1,
    )
    assert gated.info.background is not None


@pytest.mark.parametrize(
    ("lost_above", "expected"), [(0.0, 0.5), (0.005, 0.5), (0.02, 0.8), (1.0, 0.8)]
)
def test_the_threshold_keeps_the_labeled_ground(lost_above, expected):
    """A share of the ground has a probability of background of 0.8, the rest of 0.1."""
    histogram = np.zeros(LEVELS + 1, np.int64)
    high = round(1000 * lost_above)
    histogram[round(0.1 * LEVELS)] = 1000 - high
    histogram[round(0.8 * LEVELS)] = high
    assert lowest_threshold(histogram) == expected


def test_the_threshold_is_exact_at_the_boundary(run, samples):
    segmenter = run.segmenter()
    found = fit_background_threshold(segmenter, samples, run.taxonomy)
    odds = []
    for image, mask in zip(samples.images, samples.masks, strict=True):
        with torch.inference_mode():
            probability = segmenter(torch.from_numpy(image)[None, None] / 255)[0, 0].exp().numpy()
        odds.append(probability[mask != 0])
    lost = (np.concatenate(odds) > found.threshold).mean()
    assert lost == pytest.approx(found.lost_ground, abs=1e-6)
    assert lost <= MAX_LOST_GROUND
