"""What the page tells of calibration, soups and self-training."""

import numpy as np
import pytest

from areoseg.data.samples import SegmentationDataset
from areoseg.recipes import load_recipe
from areoseg.report import write_report
from areoseg.report.charts import reliability_chart
from areoseg.runs.info import RunInfo
from areoseg.runs.run import Run
from areoseg.taxonomy import MARS

CURVE = {
    "share": [0.0, 0.4, 0.6],
    "confidence": [None, 0.5, 0.9],
    "accuracy": [None, 0.25, 0.95],
}
CALIBRATION = {
    "temperature": 1.625,
    "offsets": dict(zip(MARS.names, [0.0, 0.0, 0.25, -0.5, 1.75], strict=True)),
    "offsets_help": True,
    "protocol": "terrain",
    "score": {"before": 0.5123, "out_of_fold": 0.5456, "after": 0.56},
    "calibration_error": {"before": 0.0912, "after": 0.0123},
    "reliability": {"before": CURVE, "after": CURVE},
    "groups": 57,
    "pixels": 1000,
}


@pytest.fixture
def page(tmp_path, run_values):
    def text(**changes):
        run = Run(tmp_path, load_recipe("unet"), RunInfo.model_validate(run_values(**changes)))
        nothing = SegmentationDataset(
            np.zeros((0, 8, 8), np.uint8), np.zeros((0, 8, 8), np.uint8), ()
        )
        path = write_report(run, scores={}, examples={}, training_examples=nothing)
        return " ".join(path.read_text(encoding="utf-8").split())

    return text


def test_a_run_without_any_of_it_has_no_such_sections(page):
    text = page()
    for section in ("calibration", "soup", "self-training", "rounds"):
        assert f'id="{section}"' not in text


def test_calibration_shows_both_figures_and_a_chart(page):
    text = page(calibration=CALIBRATION)
    for figure in ("0.0912", "0.0123", "0.5123", "0.5456", "1.625", "1.75", "57 groups"):
        assert figure in text
    assert "data:image/svg+xml" in text
    assert "none are used" not in text
    assert "none are used" in page(calibration={**CALIBRATION, "offsets_help": False})


def test_ingredients_and_pseudo_labels_are_listed(page):
    tried = [
        {"name": "runs/<a>", "score": 0.61, "soup_score": 0.61, "selected": True},
        {"name": "runs/b", "score": 0.6, "soup_score": None, "selected": False},
    ]
    row = {"predicted": 0.5, "threshold": 0.875, "kept": 0.4, "share": 0.7}
    absent = {"predicted": 0.0, "threshold": None, "kept": None, "share": 0.0}
    taught = {
        "samples": 12,
        "labeled_share": 0.5,
        "teachers": ["runs/<a>"],
        "classes": {"soil": row, "sand": absent},
        "commands": [],
        "training_seconds": 9.0,
        "unlabeled": "mars.npz",
        "keep_fraction": 0.5,
        "min_confidence": 0.5,
        "tta_flip": False,
        "fingerprint": "f00d",
    }
    text = page(soup={"ingredients": tried}, self_training=taught)
    assert "runs/&lt;a&gt;" in text
    assert "<a>" not in text
    for figure in ("0.6100", "0.8750", "12 samples", "–"):
        assert figure in text


def test_each_round_on_unlabeled_samples_has_its_table(page):
    row = {"predicted": 0.5, "threshold": 0.8125, "kept": 0.6, "share": 1.0}
    text = page(rounds={"samples": 4000, "classes": [{}, {"soil": row}]})
    rare = "no prediction was confident"
    for figure in ("4 000 unlabeled samples", "Round 2", "0.8125", "60.0", rare):
        assert figure in text


def test_empty_bins_are_left_out_of_the_chart():
    chart = reliability_chart(CURVE, CURVE)
    assert chart.startswith("<svg")
    assert "nan" not in chart
    with pytest.raises(ValueError, match="shorter"):
        reliability_chart({**CURVE, "share": [1.0]}, CURVE)
