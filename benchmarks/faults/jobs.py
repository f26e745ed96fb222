"""The commands that are disturbed, the data they work on, and what must come out in the end."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from process import Outcome, run
from safetensors.torch import load_file

from areoseg.synthetic import SyntheticMars, draw_set

DATA = ("--data", "mars.npz", "--groups", "groups.txt", "--threads", "1")
TINY = (
    "model.widths=[4,8]",
    "training.batch_size=8",
    "training.epochs=2",
    "training.precision=float32",
    "split.val=0.25",
    "split.test=0.25",
)
PLAIN = (*TINY, "data.audit=false")
ROUNDS = (*TINY, "calibration=true", "pseudo_labels.batch_fraction=0.25", "pseudo_labels.rounds=2")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """A command, and how a user goes on after it was disturbed.

    Attributes:
        name: The command.
        words: The command line.
        out: What it writes.
        results: Files below `out` that must be the same, to the bit, as without a disturbance.
        again: Returns the command to run after a disturbance; None: nothing is left to do.
        compare: Compares the results of two folders in another way; returns what differs.
    """

    name: str
    words: Words
    out: str
    results: tuple[str, ...] = ()
    again: Callable[["Job", Path], Words | None] = field(default=lambda job, folder: job.words)
    compare: Callable[[Path, Path], str] = field(default=lambda one, other: "")

    def differences(self, folder: Path, reference: Path) -> str:
        """Return how the results in a folder differ from those without a disturbance."""
        for pattern in self.results:
            expected = sorted((reference / self.out).glob(pattern))
            found = sorted((folder / self.out).glob(pattern))
            if [path.name for path in expected] != [path.name for path in found]:
                return f"{pattern}: other files"
            for one, other in zip(expected, found, strict=True):
                if one.read_bytes() != other.read_bytes():
                    return f"{one.name} differs"
        return self.compare(folder / self.out, reference / self.out)


def prepare_folder(folder: Path) -> None:
    """Write data, images, two trained runs, a search space and a study into a folder.

    Raises:
        RuntimeError: A run could not be trained.
    """
    folder.mkdir(parents=True)
    settings = SyntheticMars(height=32, width=64, rock_tiles=0.4)
    samples = draw_set(settings, 32)
    unlabeled = draw_set(settings, 6, first=32, labeled=False).images
    images, masks = samples.stacked()
    pairs = np.stack([images, masks], axis=1)
    np.savez(folder / "mars.npz", training_set=pairs, test_set=unlabeled)
    (folder / "groups.txt").write_text("\n".join(samples.groups or ()) + "\n")
    (folder / "photos").mkdir()
    for number, image in enumerate(images[:4]):
        Image.fromarray(image.astype(np.uint8)).save(folder / "photos" / f"{number}.png")
    space = {
        "optimizer.lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "training.ema": {"choices": [0.9, 0.99]},
    }
    (folder / "space.yaml").write_text(yaml.safe_dump(space))
    rates = {"slow": "optimizer.lr=1e-3", "fast": "optimizer.lr=3e-3"}
    rows = [{"name": name, "overrides": [*PLAIN, rate]} for name, rate in rates.items()]
    (folder / "study.yaml").write_text(
        yaml.safe_dump({"seeds": [0], "sections": [{"name": "rates", "rows": rows}]})
    )
    for name, seed in (("first", 0), ("second", 1)):
        words = ("train", "unet", *PLAIN, f"training.seed={seed}", *DATA, "--out", name)
        done = run(words, folder)
        if done.code:
            raise RuntimeError(f"{' '.join(words)}: {done.output}")


def resume_training(job: Job, folder: Path) -> Words | None:
    """Continue a run that began, or start it again."""
    run_folder = folder / job.out
    if not (run_folder / "recipe.yaml").is_file():
        return job.words
    if (run_folder / "report.html").is_file() and not (run_folder / "resume.pt").is_file():
        return None
    return ("train", "--resume", job.out, "--threads", "1")


def skip_done(job: Job, folder: Path) -> Words:
    """Predict the images that are not done."""
    return (*job.words, "--resume")


def same_trials(one: Path, other: Path) -> str:
    """Compare the weights of the best trial; numbers differ by trials that were tried again."""
    best = [
        [load_file(path) for path in sorted(folder.glob("trials/*/weights.safetensors"))]
        for folder in (one, other)
    ]
    if [len(each) for each in best] != [1, 1]:
        return "not one trial with weights"
    same = all((value == best[1][0][name]).all() for name, value in best[0][0].items())
    return "" if same else "the weights of the best trial differ"


def same_scores(one: Path, other: Path) -> str:
    """Compare the results of a study except the time that each training took."""
    texts = [
        {
            path.name: _without_time(json.loads(path.read_text()))
            for path in folder.rglob("rates/*.json")
        }
        for folder in (one, other)
    ]
    return "" if texts[0] and texts[0] == texts[1] else "results differ"


def _without_time(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "seconds"}


RUN = ("weights.safetensors", "metrics.csv", "scores.json")

JOBS = {
    job.name: job
    for job in (
        Job(
            "train", ("train", "unet", *ROUNDS, *DATA, "--out", "run"), "run", RUN, resume_training
        ),
        Job(
            "predict",
            ("predict", "photos", "--model", "first", "--out", "masks", "--threads", "1"),
            "masks",
            ("masks/*", "overlays/*", "shares.csv"),
            skip_done,
        ),
        Job(
            "audit", ("audit", "mars.npz", "--out", "audit"), "audit", ("audit.json", "audit.html")
        ),
        Job(
            "search",
            (
                "search",
                "unet",
                *PLAIN,
                *DATA,
                *("--space", "space.yaml", "--trials", "2", "--out", "search"),
            ),
            "search",
            compare=same_trials,
        ),
        Job(
            "compare",
            ("compare", "study.yaml", *DATA, "--out", "study"),
            ".",
            compare=same_scores,
        ),
        Job("calibrate", ("calibrate", "first", "--threads", "1"), "first", RUN),
        Job(
            "soup",
            ("soup", "first", "second", "--out", "soup", "--threads", "1"),
            "soup",
            ("weights.safetensors", "scores.json"),
            resume_training,
        ),
        Job(
            "self-train",
            (
                *("self-train", "first", "--unlabeled", "mars.npz", "--out", "student"),
                *("--min-confidence", "0", "--threads", "1"),
            ),
            "student",
            RUN,
            resume_training,
        ),
        Job(
            "bundle",
            ("bundle", "first", "--out", "bundle", "--threads", "1"),
            "bundle",
            ("weights.safetensors", "card.md"),
        ),
        Job(
            "submit",
            ("submit", "first", "--data", "mars.npz", "--out", "submission.csv", "--threads", "1"),
            ".",
            ("submission.csv",),
        ),
    )
}
"""The jobs by name."""


def copy_of(base: Path, folder: Path) -> Path:
    """Return a fresh copy of the prepared folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True)
    return folder


def finish(job: Job, folder: Path) -> Outcome | None:
    """Go on after a disturbance; None: nothing was left to do."""
    words = job.again(job, folder)
    return None if words is None else run(words, folder)
