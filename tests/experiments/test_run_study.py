import json

import numpy as np
import pytest

import areoseg
from areoseg.audit import Audit, Finding, write_audit
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.training import loop

SECTIONS = [
    {"name": "loss", "rows": [{"name": "ce"}, {"name": "dice", "overrides": ["loss={dice: 1}"]}]},
    {"name": "augmentation", "rows": [{"name": "flips", "seeds": [0]}]},
]
CE = "loss/ce-seed0.json"


@pytest.fixture
def study(write_study, tiny):
    overrides = [*tiny, "training.steps=4"]
    return write_study(SECTIONS, overrides=overrides, seeds=[0, 1])


@pytest.fixture
def trained(monkeypatch):
    """The trials that a training or a resumption was begun for, and how."""
    from areoseg.experiments import runner

    calls = []

    def note(name, function):
        def noted(*arguments, **options):
            calls.append(name)
            return function(*arguments, **options)

        monkeypatch.setattr(runner, f"{name}_on", noted)

    note("train", runner.train_on)
    note("resume", runner.resume_on)
    return calls


@pytest.fixture
def compare(study, homework_npz, tmp_path, monkeypatch):
    """Runs the study; the runs get no report, which would take longer than their training."""
    monkeypatch.setattr("areoseg.training.finish.write_report", lambda run, **content: None)

    def run(data=homework_npz, **options):
        return areoseg.compare(study.path, data, tmp_path / "runs", threads=1, **options)

    return run


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")
    }


def test_a_study_trains_each_experiment_once_and_skips_what_is_done(
    compare, study, trained, tmp_path
):
    table = compare()
    assert trained == ["train"] * 4  # the fifth trial is the first over again
    assert (table.done, table.planned) == (5, 5)
    first = contents(study.results)
    assert len(first) == 5
    values = json.loads(first[CE])
    assert values["scores"].keys() == {"train", "val", "test"}
    assert values["scores"]["test"]["protocols"].keys() == PROTOCOLS.keys()
    assert values["steps"] == 4
    assert values["scores"] == json.loads(first["augmentation/flips-seed0.json"])["scores"]
    kept = areoseg.evaluate(tmp_path / "runs" / "loss" / "ce-seed0", split="test")
    assert values["scores"]["test"]["protocols"]["terrain"] == pytest.approx(kept.score, abs=1e-6)
    assert values["scores"]["test"]["iou"]["soil"] == pytest.approx(
        kept.classes["soil"].iou, abs=1e-6
    )

    again = compare()
    assert trained == ["train"] * 4
    assert contents(study.results) == first
    assert again == compare(data=None) == table


def test_a_lost_result_is_scored_again_from_its_run(compare, study, trained):
    compare()
    before = contents(study.results)
    (study.results / CE).unlink()
    trained.clear()
    compare()
    assert trained == []
    assert contents(study.results) == before


def test_an_interrupted_study_goes_on_in_the_training_that_was_stopped(
    compare, study, trained, monkeypatch
):
    write = loop.write_checkpoint
    validations = []

    def interrupted(*args, **options):
        validations.append(1)
        if len(validations) == 3:  # each training validates twice
            raise KeyboardInterrupt
        write(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_checkpoint", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compare()
    assert list(contents(study.results)) == [CE]
    trained.clear()
    assert compare().done == 5
    assert trained == ["resume", "train", "train"]


def test_a_result_of_another_recipe_is_trained_again(compare, study, trained, tmp_path):
    compare()
    path = study.results / CE
    values = json.loads(path.read_text())
    values["recipe"]["optimizer"]["lr"] = 0.5
    path.write_text(json.dumps(values))
    recipe = tmp_path / "runs" / "loss" / "ce-seed0" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("lr: 0.002", "lr: 0.5"))
    assert compare(data=None).done == 4
    trained.clear()
    compare()
    assert trained == ["train"]
    assert json.loads(path.read_text())["recipe"]["optimizer"]["lr"] == 0.002


def test_results_of_other_data_are_trained_again(compare, homework_npz, tmp_path, trained):
    compare()
    trained.clear()
    with np.load(homework_npz) as file:
        np.savez(tmp_path / "other.npz", training_set=file["training_set"][:40])
    compare(tmp_path / "other.npz")
    assert trained == ["train"] * 4


def test_results_of_different_data_are_not_put_into_one_table(compare, study):
    compare()
    path = study.results / CE
    path.write_text(json.dumps({**json.loads(path.read_text()), "data": "other"}))
    with pytest.raises(AreosegError, match="different data"):
        compare(data=None)


def test_a_damaged_result_is_named(compare, study):
    compare()
    (study.results / CE).write_text("{")
    with pytest.raises(AreosegError, match=r"ce-seed0\.json"):
        compare(data=None)


def test_a_row_that_cannot_be_trained_does_not_stop_the_others(write_study, tiny, homework_npz):
    rows = [{"name": "impossible", "overrides": ["split.folds=40"]}, {"name": "good"}]
    study = write_study([{"name": "s", "rows": rows}], overrides=[*tiny, "training.steps=1"])
    with pytest.raises(AreosegError, match=r"s/impossible, seed 0: .*split"):
        areoseg.compare(study.path, homework_npz, study.path.parent / "runs", threads=1)
    assert list(contents(study.results)) == ["s/good-seed0.json"]
    assert "good" in (study.results / "table.md").read_text()


def test_labels_that_the_data_do_not_have_are_named(write_study, tiny, homework_npz):
    study = write_study([{"name": "s", "rows": [{"name": "row"}]}], overrides=tiny)
    with pytest.raises(AreosegError, match="format 'npz' has no 'expert-1' labels"):
        areoseg.compare(study.path, homework_npz, study.path.parent / "runs", label_set="expert-1")


def test_a_row_may_have_a_time_in_place_of_steps(write_study, tiny, homework_npz):
    rows = [{"name": "timed", "budget": "2s"}]
    study = write_study([{"name": "s", "rows": rows}], overrides=tiny)
    areoseg.compare(study.path, homework_npz, study.path.parent / "runs", threads=1)
    values = json.loads((study.results / "s" / "timed-seed0.json").read_text())
    assert values["budget_seconds"] == 2
    assert 0 < values["seconds"] < 20


def test_a_baseline_is_a_row_scored_where_the_recipe_would_train(
    write_study, tiny, homework_npz, trained
):
    rows = [
        {"name": "net"},
        {"name": "random", "baseline": "random", "seeds": [0, 1]},
        {"name": "majority", "baseline": "majority"},
        {"name": "again", "baseline": "random"},
    ]
    overrides = [*tiny, "training.steps=1", "split.seed=3"]
    study = write_study([{"name": "s", "rows": rows}], overrides=overrides, budget="1s")

    def compare():
        return areoseg.compare(study.path, homework_npz, study.path.parent / "runs", threads=1)

    table = compare()
    assert trained == ["train"]
    results = contents(study.results)
    values = json.loads(results["s/random-seed1.json"])
    assert (values["baseline"], values["steps"], values["parameters"]) == ("random", 0, 0)
    options = {"recipe": "unet", "overrides": overrides}
    expected = areoseg.baselines(["random"], homework_npz, **options)["random"]
    first, again = (json.loads(results[f"s/{name}-seed0.json"]) for name in ("random", "again"))
    assert first["scores"]["test"]["protocols"]["terrain"] == pytest.approx(
        expected.score, abs=1e-6
    )
    assert first["scores"] == again["scores"] != values["scores"]
    assert first["scores"].keys() == {"train", "val", "test"}
    assert [len(row.score.values) for row in table.sections[0].rows] == [1, 2, 1, 1]
    assert not (study.path.parent / "runs" / "s" / "random-seed0").exists()
    assert compare() == table
    assert trained == ["train"]
    assert contents(study.results) == results


def test_the_command_draws_what_is_there_and_refuses_a_faulty_study(run_command, write_study):
    study = write_study([{"name": "loss", "rows": [{"name": "ce"}]}])
    done = run_command("compare", study.path, cwd=study.path.parent)
    assert done.returncode == 0, done.stderr
    assert "baseline" in done.stdout
    assert "1 of 1 trainings are not done yet" in done.stdout
    refused = run_command("compare", study.path, "--protocol", "kera")
    assert refused.returncode == 2
    assert "keras" in refused.stderr


def test_results_of_other_decisions_are_trained_again(compare, homework_npz, trained, tmp_path):
    samples = areoseg.read(homework_npz).labeled
    finding = Finding(3, samples.names[3], "content-outlier", 1.0, "by hand", "reject")
    audit = Audit(len(samples), (), (finding,), fingerprint=fingerprint(samples))
    path = write_audit(audit, tmp_path / "decisions")
    compare()
    trained.clear()
    compare(decisions=path)
    assert trained == ["train"] * 4
    run = areoseg.open_run(tmp_path / "runs" / "loss" / "ce-seed0")
    assert samples.names[3] not in {name for part in run.split.values() for name in part}
    compare(decisions=path)
    assert trained == ["train"] * 4
    with pytest.raises(AreosegError, match="other data"):
        compare(data=reordered(homework_npz, tmp_path), decisions=path)


def reordered(homework_npz, folder):
    """The same file with its last two pairs exchanged."""
    with np.load(homework_npz) as file:
        pairs = file["training_set"].copy()
    pairs[-2:] = pairs[:-3:-1].copy()
    np.savez(folder / "other.npz", training_set=pairs)
    return folder / "other.npz"
