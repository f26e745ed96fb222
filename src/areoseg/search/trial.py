"""One trial: a training that reports its scores, and may be given up before its end."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import Trial
from optuna.trial import TrialState
from rich.console import Console

from areoseg.audit import Exclusions
from areoseg.data.load import Source
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.recipes import dump_recipe
from areoseg.recipes.loading import PLUGINS
from areoseg.runs.run import METRICS
from areoseg.runs.run import PLAN
from areoseg.runs.run import RECIPE
from areoseg.runs.run import RUN_INFO
from areoseg.runs.run import SPLIT
from areoseg.runs.run import WEIGHTS
from areoseg.search.varied import VariedRecipe
from areoseg.studies.results import data_identity
from areoseg.training.checkpoint import TrainingState
from areoseg.training.plan import Budget
from areoseg.training.prepare import divide
from areoseg.training.train import train_on

TENTHS = 10
SMALL_FILES = frozenset({RECIPE, METRICS, RUN_INFO, PLAN})
BEST_FILES = SMALL_FILES | {SPLIT, WEIGHTS}
QUIET = Console(quiet=True)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: `COMPLETE`, `PRUNED` or `FAIL`.
        score: The validation score of the weights that the training keeps, or None.
        reason: Why it failed.
    """

    state: TrialState
    score: float | None = None
    reason: str | None = None


class ValidationReport:
    """Reports validation scores to a trial, and stops the training when it is to be pruned.

    Scores are reported by the progress of the training, in tenths, not by epochs: trials that
    differ in batch size or speed are then compared at the same stage of their schedules.

    Args:
        trial: What to report to.
        keep: Which weights the training keeps, `best` or `last`.
        deadline: `time.monotonic()` at which the training must stop, or None.

    Attributes:
        score: The validation score of the weights that the training keeps, or None before any.
        pruned: Whether the pruner gave the training up.
        late: Whether the deadline did.
    """

    def __init__(self, trial: Trial, *, keep: str, deadline: float | None = None) -> None:
        self.trial, self.keep, self.deadline = trial, keep, deadline
        self.score: float | None = None
        self.pruned = self.late = False
        self._tenth = 0

    def __call__(self, state: TrainingState) -> bool:
        """Report the first score in each tenth; return whether to stop the training."""
        latest = state.history[-1]["score"]
        self.score = latest if self.keep == "last" else state.best_score
        tenth = int(TENTHS * state.plan.progress(state.step) + 1e-9)
        if tenth > self._tenth:
            self._tenth = tenth
            self.trial.report(latest, tenth)
            self.pruned = not state.finished and self.trial.should_prune()
        over = self.deadline is not None and time.monotonic() > self.deadline
        self.late = not state.finished and not self.pruned and over
        return self.pruned or self.late


@dataclass(frozen=True)
class Trainings:
    """What all trainings of a search have in common.

    Attributes:
        recipe: The recipe and what is tried of it.
        data: Labeled samples of one size.
        exclusions: The samples left out, found once for all trials or read from a file; None if the
            recipe turns the audit off.
        source: Where the data came from.
        seconds: The time of each training, or None where the recipe's length counts.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
    """

    recipe: VariedRecipe
    data: LoadedData
    exclusions: Exclusions | None
    source: Source
    seconds: float | None
    device: str
    threads: int | None
    command: str | None

    @property
    def decisions(self) -> Exclusions | None:
        """The exclusions that were read from a file, or None."""
        return self.exclusions if self.exclusions is not None and self.exclusions.path else None

    @property
    def info(self) -> dict[str, Any]:
        """What trials must have in common to be compared, as JSON values."""
        return {
            "recipe": dump_recipe(self.recipe.base),
            "space": {name: str(entry) for name, entry in self.recipe.space.entries.items()},
            "data": data_identity(self.data.labeled, self.decisions),
            "trial budget": self.seconds,
        }

    def run(self, trial: Trial, folder: Path, *, deadline: float | None) -> Outcome:
        """Train with the values of a trial.

        Args:
            trial: Its values are chosen.
            folder: The run folder to make.
            deadline: `time.monotonic()` at which the training must stop, or None.

        Raises:
            KeyboardInterrupt: It was interrupted.
        """
        recipe = self.recipe.sample(trial.params)
        report = ValidationReport(trial, keep=recipe.training.checkpoint, deadline=deadline)
        try:
            train_on(
                recipe,
                self.data,
                folder,
                source=self.source,
                budget=None if self.seconds is None else Budget(self.seconds),
                device=self.device,
                threads=self.threads,
                command=self.command,
                console=QUIET,
                on_validation=report,
                exclusions=self.exclusions,
            )
        except (AreosegError, MemoryError, RuntimeError) as error:  # torch's want of memory is one
            return Outcome(TrialState.FAIL, reason=one_line(error)[:500])
        if report.pruned:
            return Outcome(TrialState.PRUNED)
        if report.late:
            return Outcome(TrialState.FAIL, reason="the time of the search was over")
        if report.score is None or not 0 <= report.score <= 1:
            return Outcome(TrialState.FAIL, reason="its validation score is not defined")
        return Outcome(TrialState.COMPLETE, report.score)


def prepare_trainings(
    recipe: VariedRecipe,
    data: LoadedData,
    source: Source,
    *,
    seconds: float | None,
    device: str,
    threads: int | None,
    command: str | None,
    decisions: Exclusions | None = None,
) -> Trainings:
    """Audit the data once for all trials, or take what a person decided; see `Trainings`.

    Raises:
        AreosegError: There is nothing to train on, or to validate on; or the decisions are of
            other data.
    """
    if decisions is not None:
        decisions.check(data.labeled)
    division = divide(recipe.base, data.labeled, exclusions=decisions)
    if not division.split.val:
        raise AreosegError("no samples to validate on: raise split.val")
    return Trainings(recipe, data, division.exclusions, source, seconds, device, threads, command)


def keep_files(folder: Path, names: Collection[str]) -> None:
    """Remove from a trial's folder all but the files of these names."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name == PLUGINS:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name not in names:
            entry.unlink(missing_ok=True)  # another process may tidy up too
