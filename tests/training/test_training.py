import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

import areoseg
from areoseg.data.load import read_source
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.runs.run import open_run
from areoseg.training.checkpoint import TrainingState, save_resume_state
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.loop import Trainer
from areoseg.training.plan import Budget, Plan
from areoseg.utils.files import write_text

QUIET = Console(quiet=True)


class Killed(Exception):
    """Stands for a kill, which leaves no time to tidy up."""


def run_tiny(source, out, tiny, *extra, **options):
    recipe = load_recipe("unet", [*tiny, *extra])
    return train_on(recipe, read_source(source), out, source=source, console=QUIET, **options)


def weights(run):
    return load_file(run.path / "weights.safetensors")


def assert_equal_weights(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_a_training_leaves_a_whole_run(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    assert run.info.status == "finished"
    assert run.info.epochs == 3
    assert run.info.data.groups == 12
    for name in ("recipe.yaml", "run.json", "split.json", "plan.json", "metrics.csv", "audit.json"):
        assert (run.path / name).is_file(), name
    assert not (run.path / "resume.pt").exists()
    assert list((run.path / "tensorboard").glob("events*"))
    rows = (run.path / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,step,score,loss/ce,loss/total,lr,iou/background")
    assert len(rows) == 4
    assert open_run(run.path).split.keys() == {"train", "val", "test"}


def test_equal_seeds_give_equal_weights_and_others_do_not(source, tmp_path, tiny):
    first = weights(run_tiny(source, tmp_path / "a", tiny))
    assert_equal_weights(first, weights(run_tiny(source, tmp_path / "b", tiny)))
    other = weights(run_tiny(source, tmp_path / "c", tiny, "training.seed=1"))
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_global_random_state_unchanged(source, tmp_path, tiny):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    run_tiny(source, tmp_path / "run", tiny, "training.swa=0.5", "training.mixup=0.2")
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_kept_weights_are_those_of_the_best_validation(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    table = np.genfromtxt(run.path / "metrics.csv", delimiter=",", names=True)
    best = int(np.argmax(table["score"]))
    assert run.info.best_step == table["step"][best]
    assert run.info.validation_score == pytest.approx(table["score"][best])


def test_background_as_void_is_never_answered(source, tmp_path, tiny):
    data = read_source(source)
    images = torch.from_numpy(data.unlabeled.images).float().div(255).unsqueeze(1)
    void = run_tiny(source, tmp_path / "void", tiny, "data.background=void")
    answers = void.segmenter()(images).argmax(dim=1)
    assert not (answers == 0).any()
    counted = run_tiny(source, tmp_path / "class", tiny, "data.background=class")
    assert counted.segmenter().offsets.tolist() == [0.0] * 5


def test_a_group_is_never_in_two_parts(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    data = read_source(source).labeled
    group_of = dict(zip(data.names, data.groups, strict=True))
    splits = [{group_of[name] for name in names} for names in run.split.values()]
    assert splits[0].isdisjoint(splits[1])
    assert splits[0].isdisjoint(splits[2])
    assert splits[1].isdisjoint(splits[2])


def test_early_stopping_ends_a_training_that_gets_no_better(source, tmp_path, tiny):
    run = run_tiny(
        source,
        tmp_path / "run",
        tiny,
        "training.epochs=30",
        "training.patience=2",
        "optimizer.lr=1e-12",
        "training.ema=0",
    )
    assert run.info.epochs < 30


def test_a_plan_can_be_replayed(source, tmp_path, tiny):
    plan = Plan.of(total=11, epoch_steps=4).corrected(4, 9, epoch_steps=3)
    first = run_tiny(source, tmp_path / "a", tiny, plan=plan)
    assert first.info.steps == 9
    written = Plan.from_json(json.loads((first.path / "plan.json").read_text()))
    assert written == plan
    second = run_tiny(source, tmp_path / "b", tiny, plan=written)
    assert_equal_weights(weights(first), weights(second))


def test_a_run_for_a_budget_is_repeated_to_the_bit_by_its_plan(source, tmp_path, tiny):
    first = run_tiny(source, tmp_path / "a", tiny, budget=Budget(3.0))
    plan = Plan.from_json(json.loads((first.path / "plan.json").read_text()))
    second = run_tiny(source, tmp_path / "b", tiny, plan=plan)
    assert_equal_weights(weights(first), weights(second))


def test_an_early_stop_is_part_of_the_plan(source, tmp_path, tiny):
    idle = ["training.epochs=30", "training.patience=2", "optimizer.lr=1e-12", "training.ema=0"]
    first = run_tiny(source, tmp_path / "a", tiny, *idle)
    plan = Plan.from_json(json.loads((first.path / "plan.json").read_text()))
    second = run_tiny(source, tmp_path / "b", tiny, *idle, plan=plan)
    assert first.info.steps == second.info.steps == plan.total
    assert_equal_weights(weights(first), weights(second))


def test_a_budget_plans_and_ends(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny, budget=Budget(4.0))
    assert run.info.status == "finished"
    assert run.info.steps == Plan.from_json(json.loads((run.path / "plan.json").read_text())).total
    assert run.info.budget_seconds == 4.0


def test_a_folder_that_holds_a_run_is_left_alone(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    before = weights(run)
    with pytest.raises(AreosegError, match="it already contains a run"):
        run_tiny(source, tmp_path / "run", tiny)
    assert_equal_weights(before, weights(run))


KILLED = """
import sys, torch, areoseg
from rich.console import Console
torch.set_num_threads(1)
data, groups, out, *overrides = sys.argv[1:]
areoseg.train("unet", data, out, overrides=overrides, groups=groups)
"""


def test_a_killed_run_resumes_to_the_weights_of_one_that_was_not(source, tmp_path, tiny):
    long = [*tiny, "training.epochs=40", "training.patience=0", "model.widths=[8,16]"]
    whole = run_tiny(source, tmp_path / "whole", long)
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, source.path, source.groups, str(killed), *long],
        stderr=subprocess.DEVNULL,
    )
    curves = killed / "metrics.csv"
    while process.poll() is None and not (
        curves.exists() and len(curves.read_text().splitlines()) > 4
    ):
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert open_run(killed, unfinished=True).info.status == "training"

    resumed = resume_on(killed, read_source(source), console=QUIET)
    assert resumed.info.epochs == 40
    assert_equal_weights(weights(whole), weights(resumed))
    assert (resumed.path / "metrics.csv").read_text() == (whole.path / "metrics.csv").read_text()


def test_a_finished_run_cannot_be_resumed(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    with pytest.raises(AreosegError, match="cannot resume"):
        resume_on(run.path, read_source(source), console=QUIET)


def test_a_run_killed_while_it_is_scored_is_scored_by_resuming(
    homework_npz, tmp_path, tiny, monkeypatch
):
    def killed(*_, **__):
        raise Killed

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("areoseg.training.in_memory.finish_run", killed)
        with pytest.raises(Killed):
            areoseg.train("unet", homework_npz, out, overrides=tiny, console=QUIET)
    before = (out / "weights.safetensors").read_bytes()
    areoseg.resume(out, console=QUIET)
    assert (out / "weights.safetensors").read_bytes() == before
    assert (out / "report.html").is_file()
    assert json.loads((out / "scores.json").read_text()).keys() == {"val", "test"}
    with pytest.raises(AreosegError, match="cannot resume"):
        areoseg.resume(out, data="absent.npz", console=QUIET)


def test_a_run_is_finished_only_when_it_is_calibrated(source, tmp_path, tiny, monkeypatch):
    def killed(*_, **__):
        raise Killed

    whole = run_tiny(source, tmp_path / "whole", tiny, "calibration=true")
    with monkeypatch.context() as patch:
        patch.setattr("areoseg.training.in_memory.calibrate_segmenter", killed)
        with pytest.raises(Killed):
            run_tiny(source, tmp_path / "interrupted", tiny, "calibration=true")
    assert open_run(tmp_path / "interrupted").info.status == "training"
    resumed = resume_on(tmp_path / "interrupted", read_source(source), console=QUIET)
    assert resumed.info.status == "finished"
    assert resumed.info.calibration == whole.info.calibration
    assert_equal_weights(weights(whole), weights(resumed))


def test_groups_that_would_change_the_split_are_refused(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    data = read_source(source)
    module_state = TrainingState(Plan.of(total=9, epoch_steps=3))
    save_resume_state(run.path / "resume.pt", module_state, {})
    others = replace(data, labeled=replace(data.labeled, groups=data.labeled.names))
    with pytest.raises(AreosegError, match=r"split differently.*--groups"):
        resume_on(run.path, others, console=QUIET)


def test_a_run_killed_before_its_first_validation_starts_again(source, tmp_path, tiny, monkeypatch):
    def killed(*_, **__):
        raise Killed

    whole = run_tiny(source, tmp_path / "whole", tiny)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "validate", killed)
        with pytest.raises(Killed):
            run_tiny(source, tmp_path / "interrupted", tiny)
    assert not (tmp_path / "interrupted" / "weights.safetensors").exists()
    resumed = resume_on(tmp_path / "interrupted", read_source(source), console=QUIET)
    assert_equal_weights(weights(whole), weights(resumed))


def test_a_damaged_state_is_refused_and_never_unpickled(source, tmp_path, tiny):
    run = run_tiny(source, tmp_path / "run", tiny)
    write_text(run.path / "resume.pt", "cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(AreosegError, match="cannot resume"):
        resume_on(run.path, read_source(source), console=QUIET)


def test_nothing_to_train_on_is_refused(source, tmp_path, tiny):
    data = read_source(source)
    empty = type(data)(labeled=data.labeled.select([]), unlabeled=data.unlabeled)
    with pytest.raises(AreosegError, match="no labeled samples"):
        train_on(load_recipe("unet", tiny), empty, tmp_path / "run", source=source, console=QUIET)
    assert not (tmp_path / "run").exists()


def refused_for_validation(source, out, tiny, data, *overrides):
    recipe = load_recipe("unet", [*tiny, "data.audit=false", *overrides])
    with pytest.raises(AreosegError) as refused:
        train_on(recipe, data, out, source=source, console=QUIET)
    assert not out.exists()
    return str(refused.value)


def test_a_validation_without_terrain_is_refused_before_the_training(source, tmp_path, tiny):
    data = read_source(source)
    masks = np.zeros_like(data.labeled.masks)
    masks[0] = 1
    lonely = replace(data, labeled=replace(data.labeled, masks=masks))
    told = refused_for_validation(source, tmp_path / "run", tiny, lonely)
    assert "0 groups of samples to validate on show labeled terrain" in told


def test_a_single_sample_is_too_few_to_calibrate_on(source, tmp_path, tiny):
    data = read_source(source)
    few = data.labeled.select(range(8))
    few = replace(data, labeled=replace(few, groups=few.names))
    told = refused_for_validation(
        source, tmp_path / "run", tiny, few, "split.val=0.125", "calibration=true"
    )
    assert (
        "1 groups of samples to validate on show labeled terrain, but calibration needs 2" in told
    )
