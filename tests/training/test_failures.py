"""Failures that a user can mend: one clear line, and nothing good is lost."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from areoseg.data.load import Source
from areoseg.data.samples import LoadedData, SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.runs.info import RunInfo
from areoseg.runs.lock import LOCK, check_unlocked, locked
from areoseg.runs.run import AUDIT, RUN_INFO, WEIGHTS, open_run
from areoseg.training import in_memory, loop, new_run, train
from areoseg.training.health import check_finite, explained
from areoseg.training.in_memory import resume_on, train_on

SOURCE = Source(path="mars.npz")


@pytest.fixture
def data(samples):
    return LoadedData(samples, SegmentationDataset(samples.images[:4], None, ("a", "b", "c", "d")))


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_weights(
    tmp_path, data, tiny, monkeypatch
):
    step = loop.training_step
    steps = []

    def diverging(*arguments, **options):
        terms = step(*arguments, **options)
        steps.append(1)
        return {**terms, "total": terms["total"] * (np.nan if len(steps) > 5 else 1)}

    monkeypatch.setattr(loop, "training_step", diverging)
    with pytest.raises(AreosegError, match=r"the loss is nan at step 5 .*keeps the last good") as e:
        train_on(load_recipe("unet", tiny), data, tmp_path / "run", source=SOURCE)
    assert "\n" not in str(e.value)
    assert RunInfo.read(tmp_path / "run" / RUN_INFO).status == "interrupted"
    weights = (tmp_path / "run" / WEIGHTS).read_bytes()
    assert weights
    assert not (tmp_path / "run" / LOCK).exists()
    steps.clear()
    monkeypatch.setattr(loop, "training_step", lambda *a, **o: {"total": torch.tensor(np.inf)})
    with pytest.raises(AreosegError, match=r"the loss is inf at step 0 .*no weights were saved"):
        train_on(load_recipe("unet", tiny), data, tmp_path / "other", source=SOURCE)


def test_terms_that_are_not_finite_are_named():
    terms = {"dice": torch.tensor(1.0), "focal": torch.tensor(np.nan)}
    check_finite({"dice": terms["dice"], "total": terms["dice"]}, 3)
    with pytest.raises(AreosegError, match=r"at step 3 \(focal, total\): lower optimizer"):
        check_finite({**terms, "total": terms["focal"]}, 3)


def test_a_single_value_per_channel_is_explained():
    norm = torch.nn.BatchNorm2d(2)
    with (
        pytest.raises(AreosegError, match="batch of 1 samples of 8x8: batch normalization needs"),
        explained(torch.zeros(1, 1, 8, 8)),
    ):
        norm(torch.zeros(1, 2, 1, 1))
    pad = torch.nn.ReflectionPad2d(9)
    with (
        pytest.raises(AreosegError, match="smaller than the network's reach"),
        explained(torch.zeros(1, 1, 8, 8)),
    ):
        pad(torch.zeros(1, 1, 8, 8))
    with pytest.raises(RuntimeError, match="anything else"), explained(torch.zeros(1, 1, 8, 8)):
        raise RuntimeError("anything else")


def test_a_folder_that_another_process_trains_in_is_refused(tmp_path, data, tiny):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom areoseg.runs.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n print('held', flush=True)\n time.sleep(60)\n"
    )
    out = tmp_path / "run"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AreosegError, match="another process is training in this folder"):
            train_on(load_recipe("unet", tiny), data, out, source=SOURCE)
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    assert (out / LOCK).exists()
    with locked(out):  # a dead process holds nothing
        pass


def test_nothing_is_left_of_a_training_that_never_began(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "runs" / "first"):
        1 / 0  # noqa: B018
    assert not (tmp_path / "runs").exists()


def test_resuming_compares_the_unlabeled_images(tmp_path, data, tiny, monkeypatch):
    step = loop.training_step
    steps = []

    def interrupted(*arguments, **options):
        steps.append(1)
        if len(steps) == 6:
            raise KeyboardInterrupt
        return step(*arguments, **options)

    monkeypatch.setattr(loop, "training_step", interrupted)
    recipe = load_recipe("unet", [*tiny, "pseudo_labels.batch_fraction=0.25"])
    with pytest.raises(KeyboardInterrupt):
        train_on(recipe, data, tmp_path / "run", source=SOURCE)
    others = SegmentationDataset(data.unlabeled.images[::-1].copy(), None, data.unlabeled.names)
    with pytest.raises(AreosegError, match="its unlabeled images, which it learns from, were oth"):
        resume_on(tmp_path / "run", LoadedData(data.labeled, others))
    resume_on(tmp_path / "run", data)
    assert open_run(tmp_path / "run").info.status == "finished"


def test_a_training_killed_before_its_first_step_resumes_from_the_start(
    tmp_path, data, tiny, monkeypatch
):
    recipe = load_recipe("unet", tiny)
    whole = train_on(recipe, data, tmp_path / "whole", source=SOURCE)
    with monkeypatch.context() as patch:
        patch.setattr(in_memory, "_fit", lambda *a, **o: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_on(recipe, data, tmp_path / "run", source=SOURCE)
    resumed = resume_on(tmp_path / "run", data)
    assert resumed.weights_sha256 == whole.weights_sha256


def test_a_training_killed_among_its_first_files_does_not_block_its_folder(
    tmp_path, data, tiny, monkeypatch
):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(new_run, "write_recipe", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_on(load_recipe("unet", [*tiny, "data.audit=true"]), data, out, source=SOURCE)
    assert (out / AUDIT).is_file()
    with pytest.raises(AreosegError, match="stopped before it began"):
        train.resume(out)
    run = train_on(load_recipe("unet", [*tiny, "data.audit=false"]), data, out, source=SOURCE)
    assert run.info.status == "finished"
    assert not (out / AUDIT).exists()


def test_the_lock_of_a_folder_is_noticed_before_its_data_are_read(tmp_path):
    out = tmp_path / "run"
    with locked(out), pytest.raises(AreosegError, match="another process is training in this"):
        check_unlocked(out)
    check_unlocked(tmp_path)
    assert not list(tmp_path.iterdir())
