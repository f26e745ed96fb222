"""Running a study: train what is missing, go on where it was stopped, skip what is done."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from areoseg.data.scenes import DataSet, SceneSet
from areoseg.data.sources import Source
from areoseg.data.split import PARTS
from areoseg.device import use_threads
from areoseg.errors import AreosegError
from areoseg.inference import Predictor
from areoseg.metrics.confusion import confusion_per_image
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import class_iou, score
from areoseg.run import RECIPE, RESUME, Run, is_run, open_run
from areoseg.studies.results import PartScores, Result, data_identity, read_result, write_result
from areoseg.studies.study import Study, Trial
from areoseg.training.budget import Budget
from areoseg.training.prepare import fingerprint
from areoseg.training.train import resume, train


class Trainings:
    """Trains the trials of a study into run folders.

    Args:
        source: Where the data come from; a recipe says how they are cut.
        read: Reads a source.
        out: The folder of the run folders.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
        console: Where to show the progress.
    """

    def __init__(
        self,
        source: Source,
        read: Callable[[Source], DataSet],
        out: Path,
        *,
        device: str,
        threads: int | None,
        command: str | None,
        console: Console,
    ) -> None:
        self.source, self.out = source, out
        self.device, self.threads, self.command = device, threads, command
        self.console = console
        self._read = read
        self._data: dict[Source, tuple[DataSet, str]] = {}

    def data_of(self, trial: Trial) -> str:
        """The `data_identity` of what a trial is trained on."""
        return self._data_of(trial)[1]

    def result(self, trial: Trial) -> Result:
        """Train, go on with, or take over the trial's run, and score it."""
        data, identity = self._data_of(trial)
        run = self._run(trial, data)
        scores = score_parts(run, data.labelled, device=self.device)
        return Result.of(trial, run, scores, identity)

    def _run(self, trial: Trial, data: DataSet) -> Run:
        folder = self.out / trial.place
        if is_run(folder):
            run = open_run(folder, unfinished=True)
            if self._belongs(run, trial, data):
                if run.facts["status"] == "finished":
                    self.console.print("  trained before; scored again")
                    return run
                if (folder / RESUME).is_file():
                    self.console.print("  goes on where it was stopped")
                    return resume(folder, data, threads=self.threads, console=self.console)
        if (folder / RECIPE).is_file():  # a run of something else, or one without a first epoch
            shutil.rmtree(folder)
        return train(
            trial.recipe,
            data,
            folder,
            source=self._source(trial),
            budget=None if trial.budget_seconds is None else Budget(trial.budget_seconds),
            device=self.device,
            threads=self.threads,
            command=self.command,
            console=self.console,
        )

    def _belongs(self, run: Run, trial: Trial, data: DataSet) -> bool:
        """Whether a run folder is the trial's own."""
        return (
            trial.same_experiment(run.recipe, run.facts["budget_seconds"])
            and run.source == self._source(trial)
            and run.facts["data"]["fingerprint"] == fingerprint(data.labelled)
        )

    def _data_of(self, trial: Trial) -> tuple[DataSet, str]:
        source = self._source(trial)
        if source not in self._data:
            data = self._read(source)
            self._data[source] = (data, data_identity(data.labelled))
        return self._data[source]

    def _source(self, trial: Trial) -> Source:
        settings = trial.recipe.data
        return replace(self.source, tile=settings.tile, scale=settings.scale)


def run_study(study: Study, trainings: Trainings) -> list[str]:
    """Train every trial that has no result yet, and write its result beside the study.

    A result counts if it comes from the same recipe, seed, budget and data. Trials of the same
    experiment in several rows are trained once. After an interruption the same call goes on with
    the trial that was stopped.

    Returns:
        One line for each trial that could not be trained; the others are done.

    Raises:
        AreosegError: The data cannot be read.
        KeyboardInterrupt: It was interrupted; what was finished before is kept.
    """
    use_threads(trainings.threads)
    faults = []
    done: dict[Trial, Result] = {}
    for number, trial in enumerate(study.trials, start=1):
        say = f"[{number}/{len(study.trials)}] {trial}"
        identity = trainings.data_of(trial)
        kept = read_result(study, trial)
        twin = _twin(trial, identity, done)
        if kept is not None and kept.answers(trial) and kept.data == identity:
            trainings.console.print(f"{say}: done before", markup=False)
            done[trial] = kept
            continue
        if twin is not None:
            trainings.console.print(f"{say}: the same as {twin.section}/{twin.row}", markup=False)
            done[trial] = twin.under(trial)
        else:
            trainings.console.print(say + _why_again(kept, trial), markup=False)
            try:
                done[trial] = trainings.result(trial)
            except AreosegError as error:  # the other rows can be trained all the same
                faults.append(f"{trial}: {error}")
                continue
        write_result(study, trial, done[trial])
    return faults


def _twin(trial: Trial, data: str, done: Mapping[Trial, Result]) -> Result | None:
    """The result of the same experiment in another row, if there is one."""
    for other, result in done.items():
        if result.data == data and other.same_experiment(trial.recipe, trial.budget_seconds):
            return result
    return None


def _why_again(kept: Result | None, trial: Trial) -> str:
    """What there is to say of a result that does not count any more."""
    if kept is None:
        return ""
    changed = "the data" if kept.answers(trial) else "the recipe or the budget"
    return f": there is a result, but {changed} changed since; trained again"


def score_parts(run: Run, scenes: SceneSet, *, device: str) -> dict[str, PartScores]:
    """Score a run on every part of its split.

    Args:
        run: A finished run.
        scenes: The labelled scenes that it was made from.
        device: Where to compute.
    """
    predictor = Predictor.load(run.path, device=device)
    positions = {name: index for index, name in enumerate(scenes.names)}
    scores = {}
    for part in PARTS:
        chosen = scenes.select([positions[name] for name in run.split[part]])
        if len(chosen):
            scores[part] = _score(predictor, chosen)
    return scores


def _score(predictor: Predictor, scenes: SceneSet) -> PartScores:
    taxonomy = predictor.taxonomy
    assert scenes.masks is not None
    masks = list(predictor.masks(scenes.images))
    confusion = confusion_per_image(masks, scenes.masks, len(taxonomy)).sum(axis=0)
    iou = class_iou(confusion, "terrain", taxonomy)
    return PartScores(
        images=len(scenes),
        protocols={name: _rounded(score(confusion, name, taxonomy)) for name in PROTOCOLS},
        iou={name: _rounded(value) for name, value in zip(taxonomy.names, iou, strict=True)},
    )


def _rounded(value: float) -> float | None:
    """Six digits, which is finer than any difference that means something."""
    return None if np.isnan(value) else round(float(value), 6)
