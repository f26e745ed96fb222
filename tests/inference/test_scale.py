import json
from typing import get_args

import pytest

import areoseg
from areoseg.cli.predict import Camera
from areoseg.data.missions.cameras import CAMERAS
from areoseg.errors import AreosegError
from areoseg.inference.resampling import choose_scale, trained_scale
from areoseg.runs.info import RunInfo
from areoseg.runs.run import Run

FRAME = "NLB_430335904EDR_F0130000NCAM07812M1"


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        ((1024, 1024), 0.25),
        ((300, 1024), 0.25),
        ((512, 512), 0.5),
        ((480, 640), 0.4),
        ((3000, 4000), 0.064),
        ((2000, 9000), 0.25),  # a mosaic of frames
        ((512, 4096), 0.5),  # a mosaic of reduced frames
        ((256, 256), 1.0),
        ((100, 70), 1.0),  # a crop is not enlarged
        ((64, 128), 1.0),
    ],
)
def test_auto_brings_an_image_to_the_field_of_view_of_the_model(size, factor):
    assert choose_scale("auto", 0.25, size).factor == pytest.approx(factor)


def test_an_unknown_training_scale_leaves_images_as_they_are():
    unknown = choose_scale("auto", None, (1024, 1024))
    assert unknown.factor == 1
    assert "training scale of the model is unknown" in unknown.reason


@pytest.mark.parametrize(
    ("camera", "size", "factor"),
    [
        ("navcam", (256, 256), 1.0),
        ("navcam", (128, 128), 2.0),  # known, so it is enlarged
        ("navcam", (3000, 4000), 0.25),
        ("mastcam-34", (1200, 1648), 0.25 * 0.218 / 0.82),
        ("m2020-navcam", (960, 1280), 0.25 * 0.33 / 0.82 * 4),
    ],
)
def test_a_camera_tells_the_scale(camera, size, factor):
    choice = choose_scale("auto", 0.25, size, camera)
    assert choice.factor == pytest.approx(factor)
    assert not choice.assumed


def test_a_camera_is_checked_when_the_model_is_loaded():
    with pytest.raises(AreosegError, match="no camera 'navcan': did you mean 'navcam'"):
        areoseg.load("flagship-256", camera="navcan")
    with pytest.raises(AreosegError, match="both a scale and a camera"):
        areoseg.load("flagship-256", camera="navcam", scale=0.5)


def test_the_command_offers_all_cameras():
    assert get_args(Camera) == tuple(CAMERAS)


def test_a_number_is_taken_whatever_the_image():
    assert choose_scale(0.5, 0.25, (1024, 1024)).factor == 0.5


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
