"""One trial of a search: a training that reports validation scores and may be pruned."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import Trial, TrialState

from areoseg.audit import Exclusions
from areoseg.errors import AreosegError, one_line
from areoseg.experiments.runner import Runner
from areoseg.experiments.space import VariedRecipe
from areoseg.recipes import dump_recipe
from areoseg.recipes.loading import PLUGINS
from areoseg.runs.run import METRICS, PLAN, RECIPE, RUN_INFO, SPLIT, WEIGHTS
from areoseg.training.checkpoint import TrainingState

N_REPORTS = 10  # per training
SMALL_FILES = frozenset({RECIPE, METRICS, RUN_INFO, PLAN})
BEST_FILES = SMALL_FILES | {SPLIT, WEIGHTS}


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: `COMPLETE`, `PRUNED` or `FAIL`.
        score: The validation score of the saved weights, or None.
        reason: Why it failed.
    """

    state: TrialState
    score: float | None = None
    reason: str | None = None


class ValidationReport:
    """Report validation scores to a trial, and stop the training if it is pruned.

    Scores are reported at each tenth of the training, not at each epoch, so that trials that differ
    in batch size or speed are compared at the same point of their schedules.

    Args:
        trial: The trial to report to.
        checkpoint: Which weights the training saves, `best` or `last`.
        deadline: `time.monotonic()` at which the training must stop, or None.

    Attributes:
        score: The validation score of the saved weights, or None before any.
        pruned: Whether the pruner stopped the training.
        late: Whether the deadline stopped it.
    """

    def __init__(self, trial: Trial, *, checkpoint: str, deadline: float | None = None) -> None:
        self.trial, self.checkpoint, self.deadline = trial, checkpoint, deadline
        self.score: float | None = None
        self.pruned = self.late = False
        self._tenth = 0

    def __call__(self, state: TrainingState) -> bool:
        """Report the first score in each tenth; return whether to stop the training."""
        latest = state.history[-1]["score"]
        self.score = latest if self.checkpoint == "last" else state.best_score
        tenth = int(N_REPORTS * state.plan.progress(state.step) + 1e-9)
        if tenth > self._tenth:
            self._tenth = tenth
            self.trial.report(latest, tenth)
            self.pruned = not state.finished and self.trial.should_prune()
        over = self.deadline is not None and time.monotonic() > self.deadline
        self.late = not state.finished and not self.pruned and over
        return self.pruned or self.late


@dataclass(frozen=True)
class SearchContext:
    """The settings that all trials of a search share.

    Attributes:
        recipe: The recipe and the search space.
        runner: Trains the recipes of the trials.
        exclusions: The excluded samples, the same for all trials; None if the recipe disables the
            audit.
        seconds: Training time of each trial, or None for the recipe's epochs.
    """

    recipe: VariedRecipe
    runner: Runner
    exclusions: Exclusions | None
    seconds: float | None

    @property
    def info(self) -> dict[str, Any]:
        """Settings that trials must share to be comparable, as JSON values."""
        return {
            "recipe": dump_recipe(self.recipe.base),
            "space": {name: str(entry) for name, entry in self.recipe.space.entries.items()},
            "data": self.runner.load(self.recipe.base)[1],
            "trial budget": self.seconds,
        }

    def run(self, trial: Trial, folder: Path, *, deadline: float | None) -> Outcome:
        """Train with the values of a trial.

        Args:
            trial: A trial with values.
            folder: The run folder to create.
            deadline: `time.monotonic()` at which the training must stop, or None.

        Raises:
            KeyboardInterrupt: The user interrupted it.
        """
        recipe = self.recipe.sample(trial.params)
        report = ValidationReport(trial, checkpoint=recipe.training.checkpoint, deadline=deadline)
        try:
            self.runner.train(
                recipe,
                folder,
                budget_seconds=self.seconds,
                exclusions=self.exclusions,
                on_validation=report,
            )
        except (AreosegError, MemoryError, RuntimeError) as error:  # torch: out of memory
            return Outcome(TrialState.FAIL, reason=one_line(error)[:500])
        if report.pruned:
            return Outcome(TrialState.PRUNED)
        if report.late:
            return Outcome(TrialState.FAIL, reason="the budget of the search ran out")
        if report.score is None or not 0 <= report.score <= 1:
            return Outcome(TrialState.FAIL, reason="its validation score is not defined")
        return Outcome(TrialState.COMPLETE, report.score)


def keep_files(folder: Path, names: Collection[str]) -> None:
    """Remove all files from a trial's folder except those of these names."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name == PLUGINS:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name not in names:
            entry.unlink(missing_ok=True)  # another process may tidy up too
