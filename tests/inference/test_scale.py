import json

import pytest

from areoseg.errors import AreosegError
from areoseg.inference.resampling import choose_scale, trained_scale
from areoseg.runs.info import RunInfo
from areoseg.runs.run import Run

FRAME = "NLB_430335904EDR_F0130000NCAM07812M1"


@pytest.mark.parametrize(
    ("size", "name", "factor"),
    [((1024, 1024), FRAME, 0.25), ((512, 512), FRAME, 0.5), ((64, 128), None, 1.0)],
)
def test_auto_brings_an_image_to_the_training_scale(size, name, factor):
    assert choose_scale("auto", 0.25, size, name).factor == factor


def test_auto_takes_one_and_says_why_where_something_is_unknown():
    unknown_image = choose_scale("auto", 0.25, (1024, 1024), "holiday.png")
    assert unknown_image.factor == 1
    assert "unknown from its name and size" in unknown_image.reason
    unknown_model = choose_scale("auto", None, (1024, 1024), FRAME)
    assert unknown_model.factor == 1
    assert "training scale of the model is unknown" in unknown_model.reason


def test_a_number_is_taken_whatever_the_image():
    assert choose_scale(0.5, 0.25, (1024, 1024), FRAME).factor == 0.5


@pytest.mark.parametrize("factor", [0, -1, 9, float("nan"), float("inf")])
def test_a_scale_that_means_nothing_is_refused(factor):
    with pytest.raises(AreosegError, match="above 0 and at most 8"):
        choose_scale(factor, 0.25, (8, 8))


@pytest.fixture
def run_with(tmp_path, run_values):
    def run(data, names):
        (tmp_path / "split.json").write_text(json.dumps({"train": names, "val": [], "test": []}))
        return Run(tmp_path, None, RunInfo.model_validate(run_values(data=data)))

    return run


def test_what_a_run_noted_is_believed(run_with):
    assert trained_scale(run_with({"navcam_scale": 0.5}, [])) == 0.5
    assert trained_scale(run_with({"navcam_scale": None}, ["a"])) is None


def test_runs_that_noted_nothing_are_known_by_their_samples(run_with):
    assert trained_scale(run_with({}, ["training_set/0000"])) == 0.25
    tiles = [f"{FRAME}@y{y:03d}x{x:03d}" for y in range(0, 512, 64) for x in range(0, 512, 128)]
    assert trained_scale(run_with({}, tiles)) == 0.5
    assert trained_scale(run_with({}, ["photo@y000x000", "photo@y000x072"])) is None
