"""Workers and parts write what one process writes, byte for byte, also after a crash."""

import json
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import areoseg
from areoseg.errors import AreosegError
from areoseg.inference import Predictor, TorchEngine
from areoseg.inference.folder import predict_to_folder
from areoseg.inference.listing import find_inputs
from areoseg.inference.parallel import workers as workers_module
from areoseg.inference.parallel.blocks import BlockFolder, Part
from areoseg.inference.parallel.gather import gather
from areoseg.inference.parallel.job import Job
from areoseg.inference.parallel.predict import Request, choose_run, predict_in_blocks
from areoseg.inference.settings import keep_settings
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS
from areoseg.utils.storage import open_folder

SETTINGS = {"models": [], "options": {}}
OUTPUTS = ("masks", "overlays", "confidence", "shares", "gallery")


class Brightness(nn.Module):
    """Answers the class whose gray value, 0 to 4 in fifths, is the nearest."""

    def forward(self, images):
        centers = torch.linspace(0.1, 0.9, 5).view(1, 5, 1, 1)
        return -20 * (images - centers).abs()


def brightness_predictor():
    segmenter = Segmenter(Brightness(), mean=0.0, std=1.0, classes=5)
    return Predictor([TorchEngine(segmenter, MARS)], scale=1.0, tile=64, overlap=16, batch_size=2)


@dataclass(frozen=True)
class BrightnessJob(Job):
    def load(self):
        return brightness_predictor()


@dataclass(frozen=True)
class DeadlyJob(BrightnessJob):
    """Kills its process at the second block, once."""

    def predict_block(self, predictor, number, inputs, *, resume=False):
        marker = self.out.with_name("killed")
        if number == 1 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict_block(predictor, number, inputs, resume=resume)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Seven images of several sizes, one of them broken."""
    folder = tmp_path_factory.mktemp("photos") / "in"
    (folder / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for index, size in enumerate([(8, 10)] * 4 + [(90, 20)] + [(8, 10)]):
        name = f"sub/{index}.png" if index % 2 else f"{index}.png"
        Image.fromarray(random.integers(0, 256, size, np.uint8)).save(folder / name)
    (folder / "3b.png").write_text("no picture")
    return folder


@pytest.fixture
def request_for(photos, tmp_path):
    """Makes the request to predict the photos into `out`."""

    def make(part=None, *, source=photos, job=BrightnessJob, resume=False, out=tmp_path / "out"):
        inputs = find_inputs([source], out=out)
        chosen = None if part is None else Part.parse(part)
        return Request(job((), {}, out, OUTPUTS), inputs, SETTINGS, chosen, resume)

    return make


@pytest.fixture(scope="module")
def expected(photos, tmp_path_factory):
    """The files that one process writes."""
    out = tmp_path_factory.mktemp("one") / "out"
    keep_settings(SETTINGS, out)
    predict_to_folder(brightness_predictor(), find_inputs([photos]), out, outputs=OUTPUTS)
    return content(out)


def content(out):
    """The bytes of all files; `prediction.json` without the time."""
    found = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }
    settings = json.loads(found["prediction.json"])
    del settings["created_ns"]
    return found | {"prediction.json": json.dumps(settings).encode()}


def run_here(request, log=lambda line: None):
    run = choose_run(brightness_predictor(), resume=request.resume)
    return predict_in_blocks(request, brightness_predictor(), run, log=log)


def counts(found):
    return found.done, found.skipped, found.failed


def test_parts_in_any_order_are_gathered_to_what_one_process_writes(
    request_for, expected, tmp_path
):
    told = []
    found = [run_here(request_for(part), told.append) for part in ("3/3", "1/3", "2/3")]
    assert sum(each.done for each in found) == 6
    assert [line.split(": ")[0] for line in told] == ["failed"]
    gathered = gather(tmp_path / "out")
    assert counts(gathered) == (6, 0, 1)
    assert content(tmp_path / "out") == expected
    assert {path.relative_to(tmp_path / "out").as_posix() for path in gathered.paths} == (
        expected.keys() - {"prediction.json", "errors.csv", "masks.qml"}
    )


def test_what_is_missing_is_named_and_resuming_completes_it(request_for, expected, tmp_path):
    out = tmp_path / "out"
    run_here(request_for("1/2"))
    with pytest.raises(AreosegError, match=r"3 of 7 images are not predicted yet, in 2 blocks"):
        gather(out)
    run_here(request_for("2/2"))
    (out / "masks" / "0.png").unlink()
    (out / "masks" / "2.png").write_bytes((out / "masks" / "2.png").read_bytes()[:-4])
    (out / "masks" / ".areoseg-0123456789abcdef.tmp").write_text("from a process that was killed")
    with pytest.raises(AreosegError, match=r"missing or cut off: masks/0.png, masks/2.png: run"):
        gather(out)
    assert counts(run_here(request_for("1/2", resume=True))) == (2, 2, 0)
    gather(out)
    assert content(out) == expected
    with pytest.raises(AreosegError, match="no parts to gather"):
        gather(out)


def test_a_failed_image_is_tried_again_and_changes_its_block_only(photos, request_for, tmp_path):
    out, source = tmp_path / "out", tmp_path / "in"
    source.mkdir()
    for path in photos.glob("*.png"):
        (source / path.name).write_bytes(path.read_bytes())
    run_here(request_for("1/1", source=source))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    run_here(request_for("1/1", source=source, resume=True))
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    (source / "3b.png").write_bytes((photos / "0.png").read_bytes())
    found = run_here(request_for("1/1", source=source, resume=True))
    assert (found.skipped, found.failed) == (2, 0)
    assert counts(gather(out)) == (4, 0, 0)
    assert not (out / "errors.csv").exists()


def test_other_images_or_a_single_process_do_not_join_a_prediction(photos, request_for, tmp_path):
    run_here(request_for("1/2"))
    with pytest.raises(AreosegError, match="with other images: finish it with the same images"):
        run_here(request_for("2/2", source=photos / "sub"))
    with pytest.raises(AreosegError, match="an unfinished prediction by workers or parts"):
        areoseg.predict(photos, tmp_path / "out", model="flagship-64")
    with pytest.raises(AreosegError, match=r"continue it with --resume, or delete .*\.blocks"):
        run_here(request_for(None))
    assert counts(run_here(request_for(None, resume=True))) == (2, 4, 1)
    assert not (tmp_path / "out" / ".blocks").exists()


def test_images_that_were_gathered_before_are_kept_or_replaced(request_for, expected, tmp_path):
    out = tmp_path / "out"
    run_here(request_for("1/1"))
    gather(out)
    kept = (out / "masks" / "0.png").stat().st_mtime_ns
    # The block of the failed image is predicted again.
    found = run_here(request_for(None, resume=True))
    assert counts(found) == (1, 5, 1)
    assert (out / "masks" / "0.png").stat().st_mtime_ns == kept
    assert sorted(content(out)) == sorted(expected)
    run_here(request_for(None))
    assert (out / "masks" / "0.png").stat().st_mtime_ns > kept
    assert content(out) == expected


def test_workers_write_the_same_also_if_one_is_killed(request_for, expected, tmp_path):
    request = request_for(None, job=DeadlyJob)
    advanced = []
    found = predict_in_blocks(
        request,
        brightness_predictor(),
        choose_run(brightness_predictor(), workers=2),
        advance=advanced.append,
    )
    assert (tmp_path / "killed").exists()
    assert counts(found) == (6, 0, 1)
    assert sum(advanced) == 7
    assert content(tmp_path / "out") == expected


def test_workers_that_always_die_end_the_prediction(request_for, monkeypatch, tmp_path):
    def die(*_, **__):
        raise BrokenProcessPool
        yield

    monkeypatch.setattr(workers_module, "_predict_in_pool", die)
    run = choose_run(brightness_predictor(), workers=2)
    with pytest.raises(AreosegError, match=r"the worker processes died 3 times .* 4 blocks to do"):
        predict_in_blocks(request_for(None), brightness_predictor(), run)
    assert BlockFolder(open_folder(tmp_path / "out")).exists()


def test_bad_numbers_of_parts_and_workers_are_refused(photos, tmp_path):
    for text in ("0/3", "4/3", "3", "a/b", "-1/3", "1/0"):
        with pytest.raises(AreosegError, match="give a part and their number, such as 3/16"):
            Part.parse(text)
    with pytest.raises(AreosegError, match="--workers 0: give 1 or more"):
        areoseg.predict(photos, tmp_path / "out", model="flagship-64", workers=0)


def test_the_command_predicts_parts_and_gathers_them(run_command, photos, tmp_path):
    out = tmp_path / "out"
    words = ["predict", photos, "--model", "flagship-64", "--out", out, "--outputs", "shares"]
    assert run_command(*words, "--part", "2/2").returncode == 0
    done = run_command(*words, "--part", "1/2")
    assert done.returncode == 3  # the broken image
    assert f"areoseg gather {out}" in done.stderr
    done = run_command("gather", out)
    assert done.returncode == 3
    assert done.stdout == f"6 images: {out}, 1 failed: see {out}/errors.csv\n"
    assert len((Path(out) / "shares.csv").read_text().splitlines()) == 7
    assert not (out / ".blocks").exists()
