"""calibrate, soup, self-train, and evaluate with several runs, as a user calls them."""

import json
import shutil

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

import areoseg
from areoseg.cli.app import app
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.runs.run import open_run
from areoseg.training.soup import soup

QUIET = Console(quiet=True)


def run_command(*arguments):
    app(list(map(str, arguments)), result_action="return_value")


def train(data, out, *overrides):
    return areoseg.train("unet", data, out, overrides=overrides, console=QUIET).path


@pytest.fixture(scope="module")
def runs(homework_npz, tiny, tmp_path_factory):
    """Two runs of other seeds, one of another model and one of another split."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        "one": train(homework_npz, folder / "one", *tiny),
        "two": train(homework_npz, folder / "two", *tiny, "training.seed=1"),
        "wide": train(homework_npz, folder / "wide", *tiny, "model.widths=[8,8]"),
        "other": train(homework_npz, folder / "other", *tiny, "split.seed=5"),
    }


def copied(run, folder):
    shutil.copytree(run, folder)
    return folder


def test_calibrate_tells_what_it_found_and_the_report_shows_it(runs, tmp_path, capsys):
    run = copied(runs["one"], tmp_path / "run")
    assert 'id="calibration"' not in (run / "report.html").read_text()
    run_command("calibrate", run)
    told = capsys.readouterr().out
    for word in ("calibration error", "terrain score", "temperature", "offsets"):
        assert word in told
    page = (run / "report.html").read_text()
    assert "Confidence and accuracy" in page
    run_command("calibrate", run, "--json")
    info = json.loads(capsys.readouterr().out)
    assert info == json.loads((run / "run.json").read_text())["calibration"]
    assert info["groups"] == 3


def test_several_runs_are_scored_together_and_alone(runs, capsys):
    run_command("evaluate", runs["one"], runs["two"], "--split", "val", "--tta-flip", "--json")
    ways = json.loads(capsys.readouterr().out)
    names = [way["name"] for way in ways]
    assert names == [str(runs["one"]), str(runs["two"]), "mean of 2 runs",
                     "mean of 2 runs with --tta-flip"]  # fmt: skip
    assert all(way["milliseconds"] > 0 for way in ways)
    alone = json.loads((runs["two"] / "scores.json").read_text())["val"]
    assert ways[1]["protocols"] == alone["protocols"]
    together = areoseg.evaluate([runs["one"], runs["two"]], split="val", console=QUIET)
    assert together.score == ways[2]["score"]
    mirrored = areoseg.evaluate(
        [runs["one"], runs["two"]], split="val", tta_flip=True, console=QUIET
    )
    assert mirrored.score == ways[3]["score"]
    run_command("evaluate", runs["one"], "--tta-flip")
    assert "ms per image" in capsys.readouterr().out


def test_runs_of_other_splits_are_not_scored_together_but_on_foreign_data(
    runs, homework_npz, tmp_path
):
    with pytest.raises(AreosegError, match=r"different 'test' samples"):
        areoseg.evaluate([runs["one"], runs["other"]], console=QUIET)
    with np.load(homework_npz) as file:
        np.savez(tmp_path / "foreign.npz", training_set=file["training_set"][:6] // 2 * 2 % 5)
    scores = areoseg.evaluate([runs["one"], runs["other"]], tmp_path / "foreign.npz", console=QUIET)
    assert scores.images == 6
    with pytest.raises(AreosegError, match="no model to evaluate"):
        areoseg.evaluate([], console=QUIET)


def test_a_soup_is_a_run_that_other_commands_take(runs, tmp_path, capsys):
    out = tmp_path / "soup"
    run_command("soup", runs["one"], runs["two"], "--out", out)
    told = capsys.readouterr().out
    info = json.loads((out / "run.json").read_text())
    ingredients = info["soup"]["ingredients"]
    assert {each["name"] for each in ingredients} == {str(runs["one"]), str(runs["two"])}
    best = ingredients[0]
    assert best["score"] >= ingredients[1]["score"]
    scores = json.loads((out / "scores.json").read_text())
    assert scores["val"]["score"] == pytest.approx(info["validation_score"])
    assert info["validation_score"] >= best["score"]
    if ingredients[1]["selected"]:
        assert "mean of 2 runs" in told
    else:
        assert "does not help" in told
        one, other = (load_file(f"{each}/weights.safetensors") for each in (best["name"], out))
        assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert "Ingredients" in (out / "report.html").read_text()
    run_command("evaluate", out, "--json")
    assert json.loads(capsys.readouterr().out)["score"] == scores["test"]["score"]


def test_a_soup_of_a_copy_is_the_run_itself_and_says_so(runs, tmp_path, capsys):
    copy = copied(runs["one"], tmp_path / "copy")
    out = tmp_path / "soup"
    run_command("soup", runs["one"], copy, "--out", out)
    assert "Averaging does not help here" in capsys.readouterr().out
    one, other = (load_file(each / "weights.safetensors") for each in (runs["one"], out))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("one", "wide"), "differ in model"),
        (("one", "other"), "different 'val' samples"),
        (("one", "one"), "given twice"),
        ((), "no run given"),
    ],
)
def test_runs_that_do_not_fit_are_refused_in_one_line(runs, tmp_path, names, expected):
    chosen = [runs[name] for name in names]
    with pytest.raises(AreosegError, match=expected) as caught:
        soup(chosen, tmp_path / "soup", console=QUIET)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "soup").exists()


def test_self_training_reports_what_it_kept_and_holds_back_the_same_samples(
    runs, homework_npz, samples, tmp_path, capsys
):
    images = samples.images[:4].copy()
    images[:3] = images[:3, :, ::-1]  # the fourth is a labeled one
    np.savez(tmp_path / "more.npz", test_set=images)
    out = tmp_path / "taught"
    arguments = ["--unlabeled", tmp_path / "more.npz", "--out", out, "--keep-fraction", 0.4,
                 "--min-confidence", 0.1]  # fmt: skip
    run_command("self-train", runs["one"], runs["two"], *arguments)
    told = capsys.readouterr()
    assert "1 images left out" in told.err
    for word in ("min confidence", "kept", "soil", "pseudo-labels on 3 samples"):
        assert word in told.out
    info = json.loads((out / "run.json").read_text())["self_training"]
    assert info["teachers"] == [str(runs["one"]), str(runs["two"])]
    answered = [each for each in info["classes"].values() if each["predicted"] > 0.01]
    assert answered
    for each in answered:
        assert each["kept"] == pytest.approx(0.4, abs=0.05)
    split = json.loads((out / "split.json").read_text())
    assert split == json.loads((runs["one"] / "split.json").read_text())
    assert "Pseudo-labels" in (out / "report.html").read_text()


def test_a_student_can_be_of_another_recipe_on_the_teachers_split(
    runs, samples, homework_npz, tiny, tmp_path
):
    teacher = copied(runs["one"], tmp_path / "teacher")
    info = json.loads((teacher / "run.json").read_text())
    (teacher / "run.json").write_text(json.dumps(info | {"command": "areoseg train unet"}))
    run_command("calibrate", teacher)
    recipe = load_recipe("unet", [*tiny, "model.widths=[4]", "split.seed=9", "training.epochs=1"])
    np.savez(tmp_path / "more.npz", test_set=samples.images[:4, ::-1])
    run = areoseg.self_train(
        [teacher],
        tmp_path / "more.npz",
        tmp_path / "small",
        recipe=recipe,
        min_confidence=0.1,
        console=QUIET,
    )
    assert run.recipe.model.options["widths"] == [4]
    assert run.commands == ["areoseg train unet", f"areoseg calibrate {teacher}"]
    assert run.info.self_training.training_seconds == info["training_seconds"]
    assert run.split == open_run(runs["one"]).split
    with pytest.raises(AreosegError, match="no unlabeled images"):  # all five are labeled ones
        areoseg.self_train([runs["one"]], homework_npz, tmp_path / "none", console=QUIET)


def test_teachers_of_other_splits_and_odd_shares_are_refused(runs, homework_npz, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(AreosegError, match=r"different '.*' samples"):
        areoseg.self_train([runs["one"], runs["other"]], homework_npz, out, console=QUIET)
    with pytest.raises(AreosegError, match="labeled share 1"):
        areoseg.self_train([runs["one"]], homework_npz, out, labeled_share=1, console=QUIET)
    np.savez(tmp_path / "small.npz", test_set=np.zeros((2, 16, 16), np.uint8))
    with pytest.raises(AreosegError, match="16x16 pixels, but the labeled samples 32x64"):
        areoseg.self_train([runs["one"]], tmp_path / "small.npz", out, console=QUIET)
    assert not out.exists()


def test_a_budget_that_labeling_uses_up_is_refused(runs, samples, tmp_path):
    np.savez(tmp_path / "more.npz", test_set=samples.images[:4, ::-1])
    with pytest.raises(AreosegError, match=r"within --budget 0\.001s: .*give at least"):
        areoseg.self_train(
            runs["one"], tmp_path / "more.npz", tmp_path / "out", budget="0.001s",
            min_confidence=0.1, console=QUIET,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_finished_run_cannot_be_resumed_but_be_started_from(runs):
    with pytest.raises(AreosegError, match=r"cannot resume.* --init-from"):
        areoseg.resume(runs["one"], console=QUIET)
