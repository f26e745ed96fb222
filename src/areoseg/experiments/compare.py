"""Studies: train the rows of a study file with every seed, and compare them in one table."""

import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from areoseg.audit import read_exclusions
from areoseg.data.load import find_source
from areoseg.data.options import DataFormat, LabelSet, data_options
from areoseg.data.split import SPLITS
from areoseg.errors import AreosegError
from areoseg.evaluation.baselines import evaluate_baseline
from areoseg.experiments.results import Result, SplitScores, read_result, read_results, write_result
from areoseg.experiments.runner import Runner
from areoseg.experiments.study import Study, Trial, load_study
from areoseg.experiments.table import Table, build_table
from areoseg.experiments.table_files import write_table
from areoseg.training.prepare import divide
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import PathLike


def compare(
    study: PathLike,
    data: PathLike | None = None,
    out: PathLike | None = None,
    *,
    split: str = "test",
    protocol: str = "terrain",
    decisions: PathLike | None = None,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Table:
    """Run the trainings that a study has no results for, and write its table.

    Args:
        study: A study file, or the name of a bundled study.
        data: The dataset; see `read`. None: train nothing and tabulate the existing results.
        out: The folder for the run folders, and for the results of a bundled study; None:
            `runs/STUDY`.
        split: The split whose scores are compared: `train`, `val` or `test`.
        protocol: The protocol of the compared scores.
        decisions: Decisions about the data; see `train`.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, to be noted in the runs.
        console: Console for progress; None: standard error.

    Raises:
        AreosegError: Study or data cannot be used, or some rows could not be trained; the table of
            the others is written first.

    Examples:
        >>> table = compare("ablation", "mars.npz")  # doctest: +SKIP
    """
    console = console or standard_error()
    opened = load_study(study, None if out is None else Path(out))
    out = Path(out) if out is not None else Path("runs") / opened.name
    exclusions = None if decisions is None else read_exclusions(decisions)
    build_table(opened, {}, split=split, protocol_name=protocol)  # checks the names before training
    errors: list[str] = []
    runner = None
    if data is not None:
        source = find_source(
            data, data_options(groups, data_format, label_set, missions, classes), console
        )
        runner = Runner(source, device, threads, command, console, exclusions)
        errors = run_study(opened, runner, out)
    results = read_results(opened, None if runner is None else lambda t: runner.load(t.recipe)[1])
    table = build_table(opened, results, split=split, protocol_name=protocol)
    for path in write_table(table, opened):
        console.print(f"table: {path}")
    if errors:
        raise AreosegError("\n".join(errors))
    return table


def run_study(study: Study, runner: Runner, out: Path) -> list[str]:
    """Run every trial of a study that has no result yet, and write its result.

    A result counts if its recipe, seed, budget and data are those of the trial. The same experiment
    in several rows is trained once. After an interruption, the same call resumes the trial that
    was stopped.

    Args:
        study: The study.
        runner: Trains its recipes.
        out: The folder for the run folders.

    Returns:
        One line for each trial that failed.

    Raises:
        AreosegError: The data cannot be read.
        KeyboardInterrupt: The user interrupted it; finished results are kept.
    """
    use_threads(runner.threads)
    errors = []
    done: dict[Trial, Result] = {}
    for number, trial in enumerate(study.trials, start=1):
        label = f"[{number}/{len(study.trials)}] {trial}"
        identity = runner.load(trial.recipe)[1]
        earlier = read_result(study, trial)
        if earlier is not None and earlier.answers(trial) and earlier.data == identity:
            runner.console.print(f"{label}: already done", markup=False)
            done[trial] = earlier
            continue
        duplicate = _same_experiment(trial, identity, done)
        if duplicate is not None:
            same = f"the same as {duplicate.section}/{duplicate.row}"
            runner.console.print(f"{label}: {same}", markup=False)
            done[trial] = duplicate.under(trial)
        else:
            runner.console.print(label + _why_again(earlier, trial), markup=False)
            try:
                done[trial] = run_trial(trial, runner, out)
            except AreosegError as error:  # other rows may still succeed
                errors.append(f"{trial}: {error}")
                continue
        write_result(study, trial, done[trial])
    return errors


def run_trial(trial: Trial, runner: Runner, out: Path) -> Result:
    """Train and score one trial of a study; a baseline is fitted and scored without a run."""
    data, identity = runner.load(trial.recipe)
    if trial.baseline is None:
        run, scores = runner.train_and_score(
            trial.recipe, out / trial.place, budget_seconds=trial.budget_seconds
        )
        return Result.of(
            trial, run, {name: SplitScores.of(scored) for name, scored in scores.items()}, identity
        )
    started = time.monotonic()
    labeled = data.labeled
    split = divide(trial.recipe, labeled, exclusions=runner.exclusions).split
    scores = {
        name: evaluate_baseline(
            trial.baseline,
            labeled,
            split,
            scored_split=name,
            seed=trial.seed,
            resamples=0,
            taxonomy=data.taxonomy,
        )
        for name in SPLITS
        if split.indices(name)
    }
    height, width = labeled[0].image.shape
    return Result.of_baseline(
        trial,
        {name: SplitScores.of(scored) for name, scored in scores.items()},
        identity,
        size=(height, width),
        seconds=time.monotonic() - started,
    )


def _same_experiment(trial: Trial, data: str, done: Mapping[Trial, Result]) -> Result | None:
    """Return the result of the same experiment in another row, if there is one."""
    for other, result in done.items():
        if result.data == data and other.same_experiment(
            trial.recipe, trial.budget_seconds, trial.baseline
        ):
            return result
    return None


def _why_again(earlier: Result | None, trial: Trial) -> str:
    """Say why an earlier result is not used."""
    if earlier is None:
        return ""
    changed = "the data have" if earlier.answers(trial) else "the recipe or budget has"
    return f": trained again, because {changed} changed since the last result"
