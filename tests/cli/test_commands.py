"""The commands as a user calls them: exit codes and output."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import areoseg
from areoseg.cli.app import COMMANDS
from areoseg.errors import AreosegError
from areoseg.recipes import parse_recipe
from areoseg.training.progress import TrainingProgress


@pytest.fixture(scope="module")
def run(homework_npz, tiny, run_command, tmp_path_factory):
    """A run that the command line trained."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    done = run_command("train", "unet", *tiny, "--data", homework_npz, "--out", out, "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert "groups from" in done.stderr
    assert done.stderr.count("epoch ") == 3
    assert "\x1b" not in done.stderr
    return out


def test_a_run_has_scores_and_a_report(run):
    scores = json.loads((run / "scores.json").read_text())
    assert scores.keys() == {"val", "test"}
    assert "terrain" in (run / "report.html").read_text()
    info = json.loads((run / "run.json").read_text())
    assert info["command"].startswith("areoseg train unet")


def test_evaluate_prints_tables_or_json(run_command, run, homework_npz):
    table = run_command("evaluate", run, "--data", homework_npz)
    assert table.returncode == 0, table.stderr
    for word in ("terrain", "keras", "all-pixels", "five-class", "big rock", "95 % interval"):
        assert word in table.stdout
    values = json.loads(run_command("evaluate", run, "--split", "val", "--json").stdout)
    kept = json.loads((run / "scores.json").read_text())["val"]
    assert values["protocols"] == kept["protocols"]


def test_evaluate_scores_other_data_whole_and_refuses_a_split_of_them(
    run_command, run, homework_npz, tmp_path
):
    with np.load(homework_npz) as file:
        np.savez(tmp_path / "other.npz", training_set=file["training_set"][:8])
    values = run_command("evaluate", run, "--data", tmp_path / "other.npz", "--json")
    assert json.loads(values.stdout)["images"] == 8
    refused = run_command("evaluate", run, "--data", tmp_path / "other.npz", "--split", "val")
    assert refused.returncode == 2
    assert "so it has no splits" in refused.stderr


def test_predict_writes_masks_for_folders_and_npz(run_command, run, homework_npz, tmp_path):
    done = run_command(
        "predict", homework_npz, "--model", run, "--model", run, "--out", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "masks").rglob("*.png"))) == 5


def test_submit_writes_one_row_an_image(run_command, run, homework_npz, tmp_path):
    done = run_command("submit", run, "--data", homework_npz, "--out", tmp_path / "s.csv")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 6


def test_audit_writes_its_findings(run_command, homework_npz, tmp_path):
    done = run_command("audit", homework_npz, "--out", tmp_path / "audit", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert json.loads(done.stdout)["pairs"] == 48


def test_lists_come_as_json(run_command):
    models = json.loads(run_command("models", "--json").stdout)
    assert {"name", "parameters", "macs", "paper", "summary"} == models[0].keys()
    recipes = json.loads(run_command("recipes", "--json").stdout)
    assert "unet-l" in [recipe["name"] for recipe in recipes]


def test_recipes_are_shown_and_copied_but_never_over_a_file(run_command, tmp_path):
    shown = run_command("recipes", "show", "unet-l").stdout
    copy = tmp_path / "mine.yaml"
    assert run_command("recipes", "copy", "unet-l", copy).returncode == 0
    assert parse_recipe(copy.read_text(), source="copy") == parse_recipe(shown, source="shown")
    assert run_command("recipes", "copy", "unet-l", copy).returncode == 2
    assert run_command("validate", copy).returncode == 0


def test_own_data_that_have_changed_are_not_scored_as_if_they_were_others(
    run, homework_npz, tmp_path
):
    with np.load(homework_npz) as file:
        pairs = file["training_set"].copy()
    pairs[0, 1] = 1
    np.savez(tmp_path / "mars.npz", training_set=pairs)
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    info = json.loads((moved / "run.json").read_text())
    info["data"]["source"]["path"] = str(tmp_path / "mars.npz")
    (moved / "run.json").write_text(json.dumps(info))
    with pytest.raises(AreosegError, match="the run was trained on other data"):
        areoseg.evaluate(moved)
    told = Console(file=io.StringIO(), width=300)
    assert areoseg.evaluate(moved, tmp_path / "mars.npz", console=told).images == 48
    assert "have the names of training samples" in told.file.getvalue()


@pytest.mark.parametrize("missing", ["data.fingerprint", "taxonomy.names", "status"])
def test_a_run_whose_info_are_damaged_is_refused(run, tmp_path, missing):
    moved = tmp_path / "run"
    shutil.copytree(run, moved)
    info = json.loads((moved / "run.json").read_text())
    *outer, last = missing.split(".")
    del (info[outer[0]] if outer else info)[last]
    (moved / "run.json").write_text(json.dumps(info))
    with pytest.raises(AreosegError, match=f"'{missing}' is missing"):
        areoseg.evaluate(moved)


def test_a_part_that_there_is_not_shows_before_anything_is_read(run):
    with pytest.raises(AreosegError, match="no split 'tset'"):
        areoseg.evaluate(run, "absent.npz", split="tset")
    with pytest.raises(AreosegError, match="no split 'tset'"):
        areoseg.baselines(["majority"], "absent.npz", split="tset")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train"], "train needs a recipe"),
        (["train", "unett", "--data", "x", "--out", "y"], "did you mean 'unet'"),
        (["train", "unet", "--data", "absent.npz", "--out", "y"], "absent.npz"),
        (["train", "unet", "optimizer.lrr=1", "--data", "x", "--out", "y"], "did you mean 'lr'"),
        (["train", "unet", "--data", "x", "--out", "y", "--budget", "soon"], "15m"),
        (["train", "unet", "--dat", "x"], "--data"),
        (["evaluate", "absent"], "not a run"),
        (
            ["predict", "photo.png", "--model", "absent.onnx", "--out", "y"],
            "photo.png: no such file",
        ),
        (["submit", "absent", "--data", "x", "--out", "y"], "not a run"),
        (["validate", "absent.yaml"], "absent.yaml"),
        (["models", "--size", "big", "64"], "--size"),
        (["recipes", "show"], "name a recipe"),
        (["nonsense"], "nonsense"),
        (["train", "unet", "--resume", "x"], "only --data, --groups and --threads"),
        (
            ["train", "--resume", "x", "--label-set", "expert-1"],
            "only --data, --groups and --threads",
        ),
        (["train", "unet", "model.widths=[0]", "--data", "x", "--out", "y"], "cannot be built"),
        (["train", "unet", "data.scale=2", "--data", "x", "--out", "y"], "override data.scale"),
        (["train", "unet", "optimzer.lr=1", "--data", "x", "--out", "y"], "override optimzer"),
        (["train", "unet", "--data", "x", "--out", "y", "--threads", "0"], "--threads 0"),
        (["train", "unet", "--data", "x", "--out", "y", "--plan", "absent"], "not a run"),
        (["train", "unet", "--data", "x", "--out", "y", "--init-from", "absent"], "not a run"),
        (["demo", "--budget", "soon"], "15m"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(run_command, arguments, expected, tmp_path):
    done = run_command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_cannot_be_read_does_not_stop_the_rest(run_command, run, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad [1].png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(good)
    bad.write_text("no picture")
    done = run_command("predict", good, bad, "--model", run, "--out", tmp_path / "out")
    assert done.returncode == 3
    failures = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failures) == 1
    assert "bad [1].png" in failures[0]
    assert "1 failed" in done.stdout
    assert (tmp_path / "out" / "masks" / "good.png").exists()
    assert "bad [1].png" in (tmp_path / "out" / "errors.csv").read_text()


def test_predict_writes_what_is_asked_for_and_resumes(run_command, run, tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.png")
    arguments = ["predict", tmp_path / "a.png", "--model", run, "--out", tmp_path / "out"]
    arguments += ["--tta-flip", "--tta-scales", "0.5", "1", "--scale", "2"]
    arguments += ["--outputs", "confidence", "shares"]
    for extra, expected in (([], "1 image"), (["--resume"], "0 images")):
        done = run_command(*arguments, *extra)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(expected)
        assert len((tmp_path / "out" / "shares.csv").read_text().splitlines()) == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "confidence", "prediction.json", "shares.csv",
    ]  # fmt: skip
    settings = json.loads((tmp_path / "out" / "prediction.json").read_text())
    given = {"tta_flip": True, "tta_scales": [0.5, 1.0], "scale": 2.0}
    assert {key: settings["options"][key] for key in given} == given
    refused = run_command(
        "predict", tmp_path / "a.png", "--model", run, "--out", tmp_path / "out", "--resume"
    )
    assert refused.returncode == 2
    assert "other options" in refused.stderr


@pytest.mark.parametrize("content", ["[]", "{}", '{"corrections": [{"a": 1}]}'])
def test_a_damaged_plan_is_refused(run, homework_npz, tmp_path, content):
    shutil.copytree(run, tmp_path / "damaged")
    (tmp_path / "damaged" / "plan.json").write_text(content)
    with pytest.raises(AreosegError, match=r"plan\.json: not the plan of a run"):
        areoseg.train("unet", homework_npz, tmp_path / "new", plan=tmp_path / "damaged")


def test_a_run_folder_without_its_info_is_refused(run, tmp_path):
    shutil.copytree(run, tmp_path / "damaged")
    (tmp_path / "damaged" / "run.json").write_text("{}")
    with pytest.raises(AreosegError, match="'versions' is missing"):
        areoseg.evaluate(tmp_path / "damaged")


@pytest.fixture
def ctrl_c(monkeypatch):
    """Interrupts every training of this process after its first epoch."""
    epoch_done = TrainingProgress.epoch_done

    def interrupt(self, *arguments):
        epoch_done(self, *arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrainingProgress, "epoch_done", interrupt)


def test_a_run_goes_on_where_its_data_lie_now(run_command, homework_npz, tiny, tmp_path, ctrl_c):
    moved = tmp_path / "moved.npz"
    shutil.copy(homework_npz, moved)
    out = tmp_path / "run"
    started = run_command("train", "unet", *tiny, "--data", moved, "--out", out)
    assert started.returncode == 130
    moved.unlink()
    lost = run_command("train", "--resume", out)
    assert lost.returncode == 2
    assert "does not exist; give its current path with --data" in lost.stderr
    resumed = run_command("train", "--resume", out, "--data", homework_npz)
    assert resumed.returncode == 130
    assert "epoch 2" in resumed.stderr
    assert f"areoseg train --resume {out}" in resumed.stderr


def test_a_full_disk_is_one_line(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as file:
        done = subprocess.run(
            [sys.executable, "-m", "areoseg", "--version"], stdout=file, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr == b"error: No space left on device\n"


def test_help_of_all_commands_does_not_load_torch():
    script = (
        "import sys; from areoseg.cli.app import COMMANDS, app\n"
        "for words in (['--help'], *([command, '--help'] for command in COMMANDS)):\n"
        "    app(words, result_action='return_value')\n"
        "    loaded = {'torch', 'numpy', 'scipy', 'pydantic'} & sys.modules.keys()\n"
        "    assert not loaded, (words, loaded)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f"Usage: areoseg {command} " in done.stdout


def test_interrupting_leaves_a_usable_run(run_command, start_command, homework_npz, tiny, tmp_path):
    out = tmp_path / "run"
    process = start_command(
        "train", "unet", *tiny, "training.epochs=5000", "training.patience=0",
        "--data", homework_npz, "--out", out, "--threads", 1,
    )  # fmt: skip
    while process.poll() is None and not (out / "weights.safetensors").exists():
        time.sleep(0.01)
    process.send_signal(2)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1] == "error: interrupted"
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"
    assert run_command("evaluate", out, "--json").returncode == 0


def test_augment_draws_a_sheet_and_names_the_transforms(run_command, homework_npz, tmp_path):
    sheet = tmp_path / "sheet.png"
    done = run_command("augment", "unet", "augment=rigid", "--data", homework_npz, "--out", sheet)
    assert done.returncode == 0, done.stderr
    assert "horizontal_flip" in done.stdout
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_command_names_the_nearest_or_all(run_command):
    assert (
        run_command("trian").stderr == "error: there is no command 'trian': did you mean 'train'?\n"
    )
    listed = run_command("xyz").stderr
    assert all(command in listed for command in COMMANDS)


def test_shell_completion_is_installed(run_command, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run_command("--install-completion", "--shell", "bash")
    assert done.returncode == 0, done.stderr
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "--init-from" in written


def test_more_threads_than_cores_are_warned_about(run_command, run):
    threads = os.cpu_count() + 1
    done = run_command("evaluate", run, "--threads", threads)
    assert f"warning: --threads {threads}" in done.stderr
