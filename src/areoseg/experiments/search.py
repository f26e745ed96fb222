"""Hyperparameter search: run trials until the budget is spent or there are enough."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console

from areoseg.audit import read_exclusions
from areoseg.data.load import find_source
from areoseg.data.options import DataFormat, LabelSet, data_options
from areoseg.errors import AreosegError

try:
    import optuna
    from optuna.study import Study
    from optuna.trial import Trial, TrialState
except ImportError:
    raise AreosegError("optuna is not installed: pip install 'areoseg[search]'") from None

from areoseg.experiments.runner import Runner
from areoseg.experiments.search_files import write_search
from areoseg.experiments.search_results import REASON, Search, read_search, short_text
from areoseg.experiments.space import load_space, vary_recipe
from areoseg.experiments.storage import (
    ASKING,
    JOURNAL_LOCK,
    RUNNING,
    hold,
    locked,
    open_study,
    remove_lock,
    trial_folder,
    try_again,
)
from areoseg.experiments.trial import Outcome, SearchContext
from areoseg.report.formats import decimal, duration
from areoseg.training.plan import Budget, parse_budget
from areoseg.training.prepare import divide
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

optuna.logging.set_verbosity(optuna.logging.WARNING)  # this module prints its own messages

MAX_FAILURES = 3  # in succession; another trial would fail too


def search(
    recipe: PathLike,
    space: PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    trials: int | None = None,
    trial_budget: str | None = None,
    pruner: str = "median",
    seed: int = 0,
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
) -> Search:
    """Search for the hyperparameters with the best validation score.

    Writes the best recipe to `best.yaml`, and all trials to `trials.csv` and `search.html`. If
    `out` contains a search, it is continued; several processes may search in one folder at the
    same time. The test split is not used.

    Args:
        recipe: The name of a recipe, or its file.
        space: A YAML file with a range or choices for each hyperparameter.
        data: The dataset; see `read`.
        out: The folder of the search.
        overrides: Values of the recipe to change in all trials.
        budget: Time for this call, such as `"2h"`, including reading the data.
        trials: Stop at this number of trials, including those of earlier calls. Either this or
            `budget` is required.
        trial_budget: Training time of each trial, such as `"2m"`; None: the recipe's epochs.
        pruner: `median`, `hyperband` or `none`.
        seed: Seed of the sampler.
        decisions: Decisions about the data; see `train`.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, to be noted in the runs.
        console: Console for messages; None: standard error.

    Raises:
        AreosegError: Optuna is missing; recipe, space or data cannot be used; or `out` contains
            another search.

    Examples:
        >>> search("flagship", "space.yaml", "mars.npz", "runs/search", trials=20)  # doctest: +SKIP
    """
    console = console or standard_error()
    clock, seconds = search_times(budget, trial_budget, trials)
    varied = vary_recipe(recipe, load_space(space), overrides)
    exclusions = None if decisions is None else read_exclusions(decisions)
    source = find_source(
        data, data_options(groups, data_format, label_set, missions, classes), console
    )
    runner = Runner(source, device, threads, command, Console(quiet=True), exclusions)
    labeled = runner.load(varied.base, console)[0].labeled
    division = divide(varied.base, labeled, exclusions=exclusions)  # one audit for all trials
    if not division.split.val:
        raise AreosegError("cannot search: no samples to validate on; raise split.val")
    context = SearchContext(varied, runner, division.exclusions, seconds)
    return run_search(
        context, Path(out), seed=seed, pruner=pruner, budget=clock, trials=trials, console=console
    )


def search_times(
    budget: str | None, trial_budget: str | None, trials: int | None
) -> tuple[Budget | None, float | None]:
    """Start the clock of a search, and parse the time of a trial in seconds; None: no limit.

    Raises:
        AreosegError: A time is not valid, or neither a budget nor a number of trials is given.
    """
    if budget is None and trials is None:
        raise AreosegError("a search needs an end: give --budget, for example 2h, or --trials")
    if trials is not None and trials < 1:
        raise AreosegError(f"--trials {trials}: at least 1")
    clock = None if budget is None else Budget(parse_budget(budget))
    if trial_budget is None:
        return clock, None
    try:
        seconds = parse_budget(trial_budget)
    except AreosegError as error:
        raise AreosegError(str(error).replace("--budget", "--trial-budget")) from None
    if clock is not None and seconds >= clock.left:
        raise AreosegError(
            f"--budget {budget} has no time for one trial of {trial_budget}; raise --budget or"
            " lower --trial-budget"
        )
    return clock, seconds


def run_search(
    context: SearchContext,
    out: Path,
    *,
    seed: int,
    pruner: str,
    budget: Budget | None,
    trials: int | None,
    console: Console,
) -> Search:
    """Run trials until the budget is spent or there are enough trials.

    Several processes may call this with the same folder. All files are updated after each trial.

    Args:
        context: Runs the trials.
        out: Folder of the search, which is continued if it contains one.
        seed: Seed of the sampler.
        pruner: A name in `PRUNERS`.
        budget: Time of this call, or None. No trial starts that would exceed it; while the duration
            of a trial is unknown, the trial is stopped at the deadline.
        trials: Maximum number of complete, pruned and running trials, including those of earlier
            calls and other processes; None: no limit.
        console: Console for messages.

    Raises:
        AreosegError: `out` contains another search, or several trials in succession failed.
        KeyboardInterrupt: The user interrupted it; the values of the trial are tried again later.
    """
    study = open_study(out, seed=seed, pruner=pruner, info=context.info)
    failures = 0
    try:
        search = _write(study, context, out)
        while _has_time(study, context, budget):
            started = _start_trial(study, context, out, trials)
            if started is None:
                break
            trial, lock = started
            with lock:
                _print(console, f"trial {trial.number}: {_values(trial, context)}")
                try:
                    outcome = _run_trial(study, trial, context, out, budget)
                finally:
                    search = _write(study, context, out)
            _print(console, _summary(search, trial.number))
            failures = failures + 1 if outcome.state == TrialState.FAIL else 0
            if failures == MAX_FAILURES:
                raise AreosegError(
                    f"{out}: {failures} trials in succession failed: {outcome.reason}"
                )
    finally:
        for name in (ASKING, JOURNAL_LOCK):
            remove_lock(out / name)
    return search


def _has_time(study: Study, context: SearchContext, budget: Budget | None) -> bool:
    """Return whether another trial is expected to end within the budget."""
    if budget is None:
        return True
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    durations = (trial.duration.total_seconds() for trial in complete if trial.duration)
    longest = max(durations, default=0)
    return budget.left > (context.seconds or longest)


def _start_trial(
    study: Study, context: SearchContext, out: Path, trials: int | None
) -> tuple[Trial, TextIO] | None:
    """Return a trial with its values and its lock, or None if there are enough trials."""
    counted = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    with locked(out / ASKING):
        if trials is not None and len(study.get_trials(False, counted)) >= trials:
            return None
        trial = study.ask(context.recipe.space.distributions)
        lock = hold(trial_folder(out, trial.number) / RUNNING)
    assert lock is not None  # no other process knows this number yet
    return trial, lock


def _run_trial(
    study: Study, trial: Trial, context: SearchContext, out: Path, budget: Budget | None
) -> Outcome:
    """Train, and record the outcome in the study."""
    deadline = None if budget is None else budget.started + budget.seconds
    try:
        outcome = context.run(trial, trial_folder(out, trial.number), deadline=deadline)
    except KeyboardInterrupt:
        try_again(study, trial.number, trial.params)
        raise
    except BaseException as error:
        trial.set_user_attr(REASON, repr(error))
        study.tell(trial, state=TrialState.FAIL)
        raise
    if outcome.reason is not None:
        trial.set_user_attr(REASON, outcome.reason)
    study.tell(trial, outcome.score, outcome.state)
    return outcome


def _write(study: Study, context: SearchContext, out: Path) -> Search:
    """Write all files, one process at a time, so that none overwrites newer results."""
    recipe = context.recipe
    with locked(out / ASKING):
        search = read_search(study, recipe.space, out, recipe.base.protocol)
        write_search(search, context)
    return search


def _values(trial: Trial, context: SearchContext) -> str:
    space = context.recipe.space
    texts = {name: space.text(name, value) for name, value in trial.params.items()}
    return ", ".join(f"{name}={short_text(text)}" for name, text in texts.items())


def _summary(search: Search, number: int) -> str:
    trial = next(trial for trial in search.trials if trial.number == number)
    if trial.reason is not None:
        return f"trial {number}: failed: {trial.reason}"
    best = " (best)" if trial == search.best else ""
    took = f"{trial.state} in {duration(trial.seconds)}"
    return f"trial {number}: {search.protocol} score {decimal(trial.score, 4)}{best}, {took}"


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
