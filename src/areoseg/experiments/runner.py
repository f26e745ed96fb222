"""Train many recipes on the same data: the runner of studies and searches."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from areoseg.audit import Exclusions, read_exclusions
from areoseg.data.load import Source, read_with_progress
from areoseg.data.samples import LoadedData, fingerprint
from areoseg.data.split import SPLITS
from areoseg.experiments.results import data_identity
from areoseg.metrics.scores import Scores
from areoseg.recipes import Recipe
from areoseg.runs.run import AUDIT, RECIPE, RESUME, Run, is_run, open_run
from areoseg.training.finish import finish_run
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.loop import OnValidation
from areoseg.training.plan import Budget
from areoseg.training.prepare import favor_rarest_class


@dataclass(frozen=True)
class Runner:
    """Trains recipes into run folders, exactly as `areoseg train` does.

    Attributes:
        source: Where the data come from; a recipe adds its tile size and scale.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, to be noted in the runs.
        console: Console for progress.
        exclusions: Decisions of a person about the data; None: each recipe's own audit.
    """

    source: Source
    device: str
    threads: int | None
    command: str | None
    console: Console
    exclusions: Exclusions | None = None
    _loaded: dict[Source, tuple[LoadedData, str]] = field(default_factory=dict, repr=False)

    def source_for(self, recipe: Recipe) -> Source:
        """Return the source with the tile size and scale of a recipe."""
        return self.source.cut(recipe.data.tile, recipe.data.scale)

    def load(self, recipe: Recipe, console: Console | None = None) -> tuple[LoadedData, str]:
        """Return the data of a recipe, read once per tile size and scale, and their identity.

        Args:
            recipe: Sets tile size and scale.
            console: Console for the progress of reading; None: the runner's.

        Raises:
            AreosegError: The data cannot be read, or the exclusions belong to other data.
        """
        source = self.source_for(recipe)
        if source not in self._loaded:
            data = read_with_progress(source, console or self.console)
            if self.exclusions is not None:
                self.exclusions.check(data.labeled)
            self._loaded[source] = (data, data_identity(data.labeled, self.exclusions))
        return self._loaded[source]

    def train(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        budget_seconds: float | None,
        exclusions: Exclusions | None = None,
        on_validation: OnValidation | None = None,
    ) -> Run:
        """Train a recipe into an empty folder; scores and report are not made.

        Args:
            recipe: What to train.
            folder: The run folder to create.
            budget_seconds: Training time in seconds, or None for the recipe's epochs.
            exclusions: Exclusions in place of the runner's own.
            on_validation: See `areoseg.training.loop.OnValidation`.
        """
        return train_on(
            recipe,
            self.load(recipe)[0],
            folder,
            source=self.source_for(recipe),
            budget=None if budget_seconds is None else Budget(budget_seconds),
            device=self.device,
            threads=self.threads,
            command=self.command,
            console=self.console,
            exclusions=self.exclusions if exclusions is None else exclusions,
            on_validation=on_validation,
        )

    def train_and_score(
        self, recipe: Recipe, folder: Path, *, budget_seconds: float | None
    ) -> tuple[Run, dict[str, Scores]]:
        """Train a recipe, or complete the run that is in `folder`, and score every split.

        A run of another experiment in `folder` is replaced. Writes `scores.json` and a report.

        Returns:
            The finished run, and the scores of each split that is not empty.
        """
        data, _ = self.load(recipe)
        recipe = favor_rarest_class(recipe, data.labeled, data.taxonomy)
        run = self._continued(recipe, folder, budget_seconds, data)
        if run is None:
            if (folder / RECIPE).is_file():  # of another experiment, or without a checkpoint
                shutil.rmtree(folder)
            run = self.train(recipe, folder, budget_seconds=budget_seconds)
        return run, finish_run(run, data.labeled, self.console, splits=SPLITS)

    def _continued(
        self, recipe: Recipe, folder: Path, budget_seconds: float | None, data: LoadedData
    ) -> Run | None:
        """Return the finished or resumed run in `folder`, or None if there is none to use."""
        if not is_run(folder):
            return None
        run = open_run(folder, unfinished=True)
        same = (
            run.recipe.model_copy(update={"summary": recipe.summary}) == recipe
            and run.info.budget_seconds == budget_seconds
            and run.info.data.source == self.source_for(recipe)
            and run.info.data.fingerprint == fingerprint(data.labeled)
            and self._same_exclusions(run)
        )
        if not same:
            return None
        if run.info.status == "finished":
            self.console.print("  already trained; scored again")
            return run
        if (folder / RESUME).is_file():
            self.console.print("  resumed")
            return resume_on(folder, data, threads=self.threads, console=self.console)
        return None

    def _same_exclusions(self, run: Run) -> bool:
        """Return whether a run was trained with the same decisions, or also without any."""
        if self.exclusions is None or run.info.data.decisions is None:
            return self.exclusions is None and run.info.data.decisions is None
        return read_exclusions(run.path / AUDIT).kept_indices == self.exclusions.kept_indices
