"""Training with a background gate, from the recipe to predictions and exports."""

import io
import json
import shutil
from copy import deepcopy

import numpy as np
import pytest
import torch
from rich.console import Console

import areoseg
from areoseg.models.segmenter import MASKED_LOGIT
from areoseg.runs.run import open_run
from areoseg.training.calibration.calibrate import calibrate_segmenter
from areoseg.training.calibration.gate import (
    BINS,
    CENTERS,
    MAX_LOST_GROUND,
    MAX_ODDS,
    GateCounts,
    _shares_above,
    best_position,
    fit_probability,
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
    assert 0 < found.threshold < 1
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


def test_the_gate_is_calibrated_without_the_classes(run, samples):
    segmenter = run.segmenter()
    before = deepcopy(segmenter)
    found = calibrate_segmenter(segmenter, samples, run.taxonomy, classes=False)
    assert found.keys() == {"background"}
    assert torch.equal(segmenter.temperature, before.temperature)
    assert torch.equal(segmenter.offsets, before.offsets)
    assert segmenter.background_threshold != before.background_threshold


def test_a_soup_calibrates_its_gate(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "copy")
    made = areoseg.soup([run, tmp_path / "copy"], tmp_path / "soup", threads=1)
    assert made.info.background == run.info.background
    assert made.segmenter().threshold == pytest.approx(made.info.background.threshold)
    assert made.info.calibration == run.info.calibration


def counts_of(ground, background):
    """Counts of pixels at some log-odds."""
    edges = np.linspace(-MAX_ODDS, MAX_ODDS, BINS + 1)
    return GateCounts(np.histogram(ground, edges)[0], np.histogram(background, edges)[0])


def test_the_probability_recovers_a_known_scale_and_offset():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 3, 400_000)
    true = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    given = (odds - 1.5) / 2
    scale, offset = fit_probability(counts_of(given[~true], given[true]))
    assert scale == pytest.approx(2, rel=0.02)
    assert offset == pytest.approx(1.5, abs=0.03)


def test_without_background_the_probability_is_left_alone():
    assert fit_probability(counts_of(np.zeros(10), [])) == (1.0, 0.0)


def test_the_position_separates_what_can_be_separated():
    position = best_position(counts_of(np.full(1000, -2.0), np.full(500, 1.0)))
    assert -2 < CENTERS[position] < 1


def test_the_position_keeps_the_labeled_ground():
    ground = np.r_[np.full(985, -2.0), np.full(10, 0.5), np.full(20, 3.0)]
    background = np.r_[np.full(400, 0.4), np.full(400, 2.0), np.full(200, 4.0)]
    position = best_position(counts_of(ground, background))
    assert 3 < CENTERS[position] < 4  # more background would cost 2 % of the ground
    assert _shares_above(counts_of(ground, background).ground)[position] <= MAX_LOST_GROUND


def test_the_threshold_is_exact(run, samples):
    segmenter = run.segmenter()
    found = calibrate_segmenter(segmenter, samples, run.taxonomy, classes=False)["background"]
    lost, background = [], []
    for index in range(len(samples)):
        sample = samples[index]
        with torch.inference_mode():
            output = segmenter(torch.from_numpy(sample.image)[None, None] / 255)
        answer = segmenter.choose_class(output.exp())[0].numpy() == 0
        lost.append(answer[sample.mask != 0])
        background.append(answer[sample.background_pixels(0)])
    assert np.concatenate(lost).mean() == pytest.approx(found.lost_ground, abs=1e-6)
    assert np.concatenate(background).mean() == pytest.approx(found.found_background, abs=1e-6)
    assert found.lost_ground <= MAX_LOST_GROUND


def test_without_background_no_ground_is_lost(run):
    scores = areoseg.evaluate(run, split="val", background=False, threads=1)
    assert scores.lost_ground == scores.found_background == 0


def test_submissions_have_terrain_classes_only(run, homework_npz, tmp_path):
    printed = io.StringIO()
    areoseg.submit(
        run, homework_npz, tmp_path / "submission.csv", threads=1, console=Console(file=printed)
    )
    assert "predicting 5 images with" in printed.getvalue()
    rows = (tmp_path / "submission.csv").read_text().splitlines()[1:]
    assert len(rows) == 5
    assert not any("0" in row.split(",")[1:] for row in rows)
