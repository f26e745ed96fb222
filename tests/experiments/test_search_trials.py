import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest
from optuna.pruners import BasePruner
from optuna.trial import TrialState
from rich.console import Console

import areoseg
from areoseg.audit import Audit, Finding, write_audit
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.experiments import search as search_module
from areoseg.experiments import search_files
from areoseg.experiments.search_results import read_search
from areoseg.experiments.space import load_space
from areoseg.experiments.storage import (
    PRUNERS,
    RUNNING,
    hold,
    locked,
    open_study,
    remove_lock,
    trial_folder,
)
from areoseg.experiments.trial import Outcome, SearchContext
from areoseg.recipes import load_recipe
from areoseg.runs.run import open_run
from areoseg.utils.files import read_json

QUIET = Console(quiet=True)
SPACE = """
optimizer.lr: {low: 1.0e-4, high: 1.0e-1, log: true}
model.widths: {choices: [[4, 8], [2, 4]]}
"""


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return path


@pytest.fixture
def search(homework_npz, tiny, space, tmp_path):
    """Searches in one folder, with two epochs a trial where a test says no more."""

    def run(*overrides, out=tmp_path / "out", **options):
        given = [*tiny, "training.epochs=2", "data.audit=false", *overrides]
        options = {"trials": 3, "threads": 1, "console": QUIET, **options}
        return areoseg.search("unet", space, homework_npz, out, overrides=given, **options)

    return run


@pytest.fixture
def instant(monkeypatch):
    """Replaces trainings by a function of the trial; returns the values that were tried.

    The page has no chart then, which would take longer than all else.
    """
    monkeypatch.setattr(search_files, "trial_chart", lambda *trials: None)

    def use(outcome):
        tried = []

        def run(self, trial, folder, *, deadline):
            tried.append(dict(trial.params))
            found = outcome(trial)
            if found.state == TrialState.COMPLETE:
                (folder / "recipe.yaml").write_text("model: unet\n")
                (folder / "weights.safetensors").touch()
            return found

        monkeypatch.setattr(SearchContext, "run", run)
        return tried

    return use


def good(trial):
    return Outcome(TrialState.COMPLETE, 0.5 + trial.number / 100)


def test_a_search_leaves_the_best_recipe_a_table_and_a_page(search, tmp_path, homework_npz):
    found = search(trials=4)
    out = tmp_path / "out"
    assert found.counts == "4 complete"
    assert found.best.score == max(trial.score for trial in found.trials)
    assert sum(found.importance.values()) == pytest.approx(1)

    with (out / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["trial"]) for row in rows] == [0, 1, 2, 3]
    assert {row["model.widths"] for row in rows} <= {"[4, 8]", "[2, 4]"}
    page = (out / "search.html").read_text()
    for text in ("optimizer.lr", "Importance of each value", "data:image/svg+xml", "areoseg train"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "")

    for trial in found.trials:
        files = {path.name for path in (out / "trials" / f"{trial.number:04d}").iterdir()}
        small = {"recipe.yaml", "metrics.csv", "run.json", "plan.json"}
        best = {"weights.safetensors", "split.json"} if trial == found.best else set()
        assert files == small | best
    assert open_run(out / "trials" / f"{found.best.number:04d}").segmenter() is not None

    text = (out / "best.yaml").read_text()
    assert f"# terrain score {found.best.score:.4f} on the validation split" in text
    assert "# areoseg train" in text
    assert load_recipe(out / "best.yaml").model.options["widths"] is not None
    again = areoseg.train(
        out / "best.yaml", homework_npz, tmp_path / "again", threads=1, console=QUIET
    )
    assert again.info.validation_score == found.best.score


def test_the_command_for_the_best_recipe_reads_the_data_as_the_search_did(
    search, instant, homework_npz, tmp_path
):
    instant(good)
    groups = homework_npz.with_name("mars_groups.txt")
    search(trials=1, data_format="npz", groups=groups)
    text = (tmp_path / "out" / "best.yaml").read_text()
    assert f"--data {homework_npz} --data-format npz --groups {groups}" in text


def test_the_same_call_goes_on_as_if_it_had_not_been_stopped(search, instant, tmp_path):
    whole = instant(good)
    search(trials=14, out=tmp_path / "whole")
    parts = instant(good)
    assert len(search(trials=6).trials) == 6
    assert len(search(trials=14).trials) == 14
    assert parts == whole
    assert len({json.dumps(values) for values in whole}) > 10
    assert search(trials=14).counts == "14 complete"
    assert len(parts) == 14


def test_another_seed_tries_other_values(search, instant, tmp_path):
    tried = instant(good)
    search(trials=2)
    search(trials=2, out=tmp_path / "other", seed=1)
    assert tried[0] != tried[2]


def test_trials_are_stopped_when_the_pruner_says_so(search, monkeypatch, tmp_path):
    class AfterTheFirst(BasePruner):
        def prune(self, study, trial):
            return trial.number > 0 and trial.last_step >= 5

    monkeypatch.setitem(PRUNERS, "fake", AfterTheFirst)
    found = search("training.epochs=4", trials=3, pruner="fake")
    assert [trial.state for trial in found.trials] == ["complete", "pruned", "pruned"]
    assert [trial.progress for trial in found.trials] == [1.0, 0.5, 0.5]
    assert found.best.number == 0
    lengths = [
        len((tmp_path / "out" / "trials" / f"000{number}" / "metrics.csv").read_text().splitlines())
        for number in range(3)
    ]
    assert lengths == [5, 3, 3]


def test_the_images_of_the_test_part_change_nothing(search, space, homework_npz, tiny, tmp_path):
    found = search(trials=2)
    assert not list((tmp_path / "out").rglob("scores.json"))
    best = tmp_path / "out" / "trials" / f"{found.best.number:04d}"
    held_out = [int(name.rpartition("/")[2]) for name in read_json(best / "split.json")["test"]]
    assert held_out
    with np.load(homework_npz) as file:
        pairs = file["training_set"].copy()
    pairs[held_out, 0] = 0
    np.savez(tmp_path / "other.npz", training_set=pairs)
    other = areoseg.search(
        "unet",
        space,
        tmp_path / "other.npz",
        tmp_path / "other",
        overrides=[*tiny, "training.epochs=2", "data.audit=false"],
        groups=homework_npz.with_name("mars_groups.txt"),
        trials=2,
        threads=1,
        console=QUIET,
    )
    assert [trial.score for trial in other.trials] == [trial.score for trial in found.trials]


def test_an_interrupted_trial_is_tried_again(search, instant, monkeypatch):
    def interrupted(trial):
        if trial.number == 1:
            raise KeyboardInterrupt
        return good(trial)

    tried = instant(interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(trials=3)
    found = search(trials=3)
    assert [trial.state for trial in found.trials] == [
        "complete",
        "interrupted",
        "complete",
        "complete",
    ]
    assert tried[2] == tried[1]
    assert found.counts == "3 complete, 1 interrupted"


def test_a_trial_whose_lock_is_free_is_tried_again(search, instant, space, tmp_path):
    instant(good)
    search(trials=1)
    out = tmp_path / "out"
    info = read_info(out)
    study = open_study(out, seed=0, pruner="none", info=info)
    trial = study.ask(load_space(space).distributions)
    lock = hold(trial_folder(out, trial.number) / RUNNING)
    beside = open_study(out, seed=0, pruner="none", info=info)
    assert beside.trials[1].state == TrialState.RUNNING  # its process lives
    lock.close()  # as the kernel does for a process that is killed
    after = open_study(out, seed=0, pruner="none", info=info)
    assert [trial.state for trial in after.trials[1:]] == [TrialState.FAIL, TrialState.WAITING]
    again = after.ask(load_space(space).distributions)
    assert (again.number, again.params) == (2, trial.params)


KILLED = """
import sys, torch, areoseg
torch.set_num_threads(1)
space, data, out, *overrides = sys.argv[1:]
areoseg.search("unet", space, data, out, overrides=overrides, trials=5, threads=1)
"""


def test_what_a_killed_process_was_at_is_tried_again(search, space, homework_npz, tiny, tmp_path):
    out = tmp_path / "out"
    overrides = [*tiny, "data.audit=false", "training.epochs=100000", "training.patience=0"]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(space), str(homework_npz), str(out), *overrides],
        stderr=subprocess.DEVNULL,
    )
    journal = out / "trials" / "0000" / "metrics.csv"
    until = time.monotonic() + 120
    while not journal.is_file() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert journal.is_file()
    info = read_info(out)
    beside = open_study(out, seed=0, pruner="none", info=info)
    assert [trial.state for trial in beside.trials] == [TrialState.RUNNING]  # it lives
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    after = open_study(out, seed=0, pruner="none", info=info)
    assert [trial.state for trial in after.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert after.ask().number == 1


@pytest.mark.parametrize("params", [[], ["optimizer.lr"]])
def test_a_search_killed_before_its_values_were_chosen_is_continued(
    search, instant, space, tmp_path, params
):
    instant(good)
    search(trials=1)
    out = tmp_path / "out"
    study = open_study(out, seed=0, pruner="none", info=read_info(out))
    distributions = load_space(space).distributions
    trial = study.ask()  # as in a process that was killed while it sampled the values
    for name in params:
        trial._suggest(name, distributions[name])
    records = read_search(study, load_space(space), out, "terrain")
    assert records.counts == "1 complete, 1 interrupted"
    found = search(trials=3)
    assert found.counts == "3 complete, 1 interrupted"
    assert set(found.trials[1].values) == set(params)
    assert found.trials[1].score is None
    assert all(len(trial.values) == 2 for trial in found.ranked)
    assert "interrupted" in (out / "search.html").read_text()


def test_no_lock_files_remain_after_a_call(search, instant, tmp_path):
    def interrupted(trial):
        raise KeyboardInterrupt

    instant(interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(trials=1)
    assert not list((tmp_path / "out").rglob("*.lock"))
    instant(good)
    search(trials=2)
    assert not list((tmp_path / "out").rglob("*.lock"))


def test_a_lock_that_was_removed_still_excludes(tmp_path):
    path = tmp_path / "a.lock"
    inside = []

    def work():
        for _ in range(50):
            with locked(path):
                inside.append(1)
                assert len(inside) == 1
                time.sleep(0.0005)
                inside.pop()
            remove_lock(path)
        done.append(1)

    done: list[int] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4


def read_info(out):
    for line in (out / "journal.log").read_text().splitlines():
        found = json.loads(line).get("user_attr", {})
        if "info" in found:
            return found["info"]
    raise AssertionError("no info in the journal")


def test_two_threads_share_one_search(search, instant, tmp_path):
    """Threads stand for processes: each opens its own study, and locks exclude open files."""

    def slow(trial):
        time.sleep(0.02)
        return good(trial)

    instant(slow)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(search, trials=12) for _ in range(2)]
    assert all(future.result() for future in both)
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete"] * 12
    assert len({row["optimizer.lr"] for row in rows}) == 12
    assert len(list(tmp_path.glob("out/trials/*/weights.safetensors"))) == 1


def test_two_processes_share_one_search(space, homework_npz, tiny, tmp_path):
    out = tmp_path / "out"
    overrides = [*tiny, "data.audit=false", "training.epochs=2"]
    command = [sys.executable, "-c", KILLED, str(space), str(homework_npz), str(out), *overrides]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    with (out / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete"] * 5
    assert len({row["optimizer.lr"] for row in rows}) == 5
    assert len(list(out.glob("trials/*/weights.safetensors"))) == 1


def test_half_a_line_at_the_end_of_the_journal_is_removed(search, instant, tmp_path):
    instant(good)
    search(trials=2)
    with (tmp_path / "out" / "journal.log").open("a") as file:
        file.write('{"op_code": 4, "worker')
    assert search(trials=3).counts == "3 complete"
    assert search(trials=4).counts == "4 complete"


def test_a_folder_with_another_search_is_left_alone(search, instant, space, tmp_path):
    instant(good)
    search(trials=1)
    with pytest.raises(AreosegError, match="with another recipe:"):
        search("training.ema=0.5", trials=2)
    with pytest.raises(AreosegError, match="with another trial budget:"):
        search(trials=2, trial_budget="5s")
    space.write_text(SPACE.replace("1.0e-1", "1.0e-2"))
    with pytest.raises(AreosegError, match="with another space:"):
        search(trials=2)
    (tmp_path / "out" / "journal.log").unlink()
    with pytest.raises(AreosegError, match=r"trials without a journal\.log"):
        search(trials=2)
    (tmp_path / "out" / "journal.log").write_text("this is no journal\n{}\n")
    with pytest.raises(AreosegError, match="damaged"):
        search(trials=2)


def test_trials_that_all_fail_end_the_search(search, instant):
    tried = instant(lambda trial: Outcome(TrialState.FAIL, reason="no memory"))
    with pytest.raises(AreosegError, match="3 trials in succession failed: no memory"):
        search(trials=9)
    assert len(tried) == 3


def test_a_trial_that_fails_leaves_the_others(search, instant, tmp_path):
    bad = Outcome(TrialState.FAIL, reason="no memory")
    instant(lambda trial: bad if trial.number % 2 else good(trial))
    assert search(trials=3).counts == "3 complete, 2 failed"
    assert "no memory" in (tmp_path / "out" / "trials.csv").read_text()


def test_a_training_that_cannot_be_done_is_a_failed_trial(search, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("DeerrorCPUAllocator: can't allocate memory\nmore")

    monkeypatch.setattr(import_module("areoseg.experiments.runner"), "train_on", broken)
    with pytest.raises(AreosegError, match="can't allocate memory more"):
        search()


def test_no_trial_begins_that_would_not_end_in_time(search, instant, monkeypatch):
    tried = instant(good)
    monkeypatch.setattr(
        search_module.Budget, "left", property(lambda self: 30.0 - 10.0 * len(tried))
    )
    found = search(trials=None, budget="30s", trial_budget="10s")
    assert found.counts == "2 complete"


def test_a_trial_that_lasts_beyond_the_budget_is_stopped(search, monkeypatch):
    found = search("training.epochs=100000", "training.patience=0", trials=None, budget="4s")
    assert [trial.state for trial in found.trials] == ["failed"]
    assert found.trials[0].reason == "the budget of the search ran out"
    assert found.best is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"trials": None}, "needs an end"),
        ({"trials": 0}, "at least 1"),
        ({"budget": "soon"}, "--budget 'soon'"),
        ({"trial_budget": "soon"}, "--trial-budget 'soon'"),
        ({"budget": "1m", "trial_budget": "2m"}, "has no time for one trial of 2m"),
        ({"label_set": "expert-1"}, "format 'npz' has no 'expert-1' labels"),
        ({"pruner": "axe"}, "choose from median, hyperband, none"),
    ],
)
def test_bad_options_are_refused(search, options, expected):
    with pytest.raises(AreosegError, match=expected):
        search(**options)


def test_data_without_a_validation_part_are_refused(search):
    with pytest.raises(AreosegError, match="no samples to validate on"):
        search("split.val=0")


def test_decisions_about_the_data_hold_in_every_trial(search, homework_npz, tmp_path):
    samples = areoseg.read(homework_npz).labeled
    finding = Finding(3, samples.names[3], "content-outlier", 1.0, "by hand", "reject")
    audit = Audit(len(samples), (), (finding,), fingerprint=fingerprint(samples))
    path = write_audit(audit, tmp_path / "decisions")
    found = search(trials=1, decisions=path)
    split = read_json(tmp_path / "out" / "trials" / f"{found.best.number:04d}" / "split.json")
    assert {name for part in split.values() for name in part} == {*samples.names} - {finding.name}
    assert f"--decisions {path}" in (tmp_path / "out" / "best.yaml").read_text()
    with pytest.raises(AreosegError, match="data"):
        search(trials=1)


def test_without_optuna_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "areoseg.experiments.search")
    with pytest.raises(AreosegError) as missing:
        import_module("areoseg.experiments.search")
    assert str(missing.value) == "optuna is not installed: pip install 'areoseg[search]'"
