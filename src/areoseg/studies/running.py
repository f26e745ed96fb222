"""Running a study: train what is missing, go on where it was stopped, skip what is done."""

import shutil
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.audit import Exclusions
from areoseg.audit import read_exclusions
from areoseg.data.load import Source
from areoseg.data.samples import LoadedData
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.runs.run import AUDIT
from areoseg.runs.run import RECIPE
from areoseg.runs.run import RESUME
from areoseg.runs.run import Run
from areoseg.runs.run import is_run
from areoseg.runs.run import open_run
from areoseg.studies.results import Result
from areoseg.studies.results import data_identity
from areoseg.studies.results import read_result
from areoseg.studies.results import write_result
from areoseg.studies.scoring import score_baseline_splits
from areoseg.studies.scoring import score_splits
from areoseg.studies.study import Study
from areoseg.studies.study import Trial
from areoseg.training.plan import Budget
from areoseg.training.prepare import divide
from areoseg.training.train import resume_on
from areoseg.training.train import train_on
from areoseg.utils.device import use_threads


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
        decisions: What a person decided to leave out; None: each recipe's audit does.
    """

    def __init__(
        self,
        source: Source,
        read: Callable[[Source], LoadedData],
        out: Path,
        *,
        device: str,
        threads: int | None,
        command: str | None,
        console: Console,
        decisions: Exclusions | None = None,
    ) -> None:
        self.source, self.out = source, out
        self.device, self.threads, self.command = device, threads, command
        self.console, self.decisions = console, decisions
        self._read = read
        self._data: dict[Source, tuple[LoadedData, str]] = {}

    def data_of(self, trial: Trial) -> str:
        """The `data_identity` of what a trial is trained on."""
        return self._data_of(trial)[1]

    def result(self, trial: Trial) -> Result:
        """Train, go on with, or take over the trial's run, and score it; a baseline has no run."""
        data, identity = self._data_of(trial)
        if trial.baseline is not None:
            return self._baseline_result(trial, data, identity)
        run = self._run(trial, data)
        scores = score_splits(run, data.labeled, device=self.device)
        return Result.of(trial, run, scores, identity)

    def _baseline_result(self, trial: Trial, data: LoadedData, identity: str) -> Result:
        """Score the trial's baseline on the split that a training would make."""
        assert trial.baseline is not None
        started = time.monotonic()
        split = divide(trial.recipe, data.labeled, exclusions=self.decisions).split
        scores = score_baseline_splits(trial.baseline, data.labeled, split, seed=trial.seed)
        height, width = data.labeled[0].image.shape
        return Result.of_baseline(
            trial, scores, identity, size=(height, width), seconds=time.monotonic() - started
        )

    def _run(self, trial: Trial, data: LoadedData) -> Run:
        folder = self.out / trial.place
        if is_run(folder):
            run = open_run(folder, unfinished=True)
            if self._belongs(run, trial, data):
                if run.info.status == "finished":
                    self.console.print("  trained before; scored again")
                    return run
                if (folder / RESUME).is_file():
                    self.console.print("  goes on where it was stopped")
                    return resume_on(folder, data, threads=self.threads, console=self.console)
        if (folder / RECIPE).is_file():  # a run of something else, or one without a first epoch
            shutil.rmtree(folder)
        return train_on(
            trial.recipe,
            data,
            folder,
            source=self._source(trial),
            budget=None if trial.budget_seconds is None else Budget(trial.budget_seconds),
            device=self.device,
            threads=self.threads,
            command=self.command,
            console=self.console,
            exclusions=self.decisions,
        )

    def _belongs(self, run: Run, trial: Trial, data: LoadedData) -> bool:
        """Whether a run folder is the trial's own."""
        return (
            trial.same_experiment(run.recipe, run.info.budget_seconds)
            and run.info.data.source == self._source(trial)
            and run.info.data.fingerprint == fingerprint(data.labeled)
            and self._decided_alike(run)
        )

    def _decided_alike(self, run: Run) -> bool:
        """Whether a run was made with the same decisions of a person, or with none as well."""
        if self.decisions is None or run.info.data.decisions is None:
            return self.decisions is None and run.info.data.decisions is None
        return read_exclusions(run.path / AUDIT).kept_indices == self.decisions.kept_indices

    def _data_of(self, trial: Trial) -> tuple[LoadedData, str]:
        source = self._source(trial)
        if source not in self._data:
            data = self._read(source)
            if self.decisions is not None:
                self.decisions.check(data.labeled)
            self._data[source] = (data, data_identity(data.labeled, self.decisions))
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
    errors = []
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
                errors.append(f"{trial}: {error}")
                continue
        write_result(study, trial, done[trial])
    return errors


def _twin(trial: Trial, data: str, done: Mapping[Trial, Result]) -> Result | None:
    """The result of the same experiment in another row, if there is one."""
    for other, result in done.items():
        if result.data == data and other.same_experiment(
            trial.recipe, trial.budget_seconds, trial.baseline
        ):
            return result
    return None


def _why_again(kept: Result | None, trial: Trial) -> str:
    """What there is to say of a result that does not count any more."""
    if kept is None:
        return ""
    changed = "the data" if kept.answers(trial) else "the recipe or the budget"
    return f": there is a result, but {changed} changed since; trained again"
