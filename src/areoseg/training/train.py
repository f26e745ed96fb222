"""Training of a recipe, from the paths that a user gives to a run folder with a report."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from areoseg.audit import read_exclusions
from areoseg.data.description import describe
from areoseg.data.load import find_source, read_with_progress
from areoseg.data.options import DataFormat, LabelSet, data_options
from areoseg.errors import AreosegError, one_line
from areoseg.recipes import Recipe, load_recipe
from areoseg.runs.compatibility import check_initial_weights
from areoseg.runs.lock import check_unlocked, locked
from areoseg.runs.own_data import own_data, own_source
from areoseg.runs.run import (
    PLAN,
    REPORT,
    RESUME,
    Run,
    check_no_run_in,
    check_resumable,
    is_run,
    open_run,
)
from areoseg.training.finish import finish_run
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.plan import Budget, Plan, parse_budget
from areoseg.utils.console import standard_error
from areoseg.utils.device import choose_device, use_threads
from areoseg.utils.files import PathLike, read_json


def train(
    recipe: Recipe | PathLike,
    data: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    plan: PathLike | None = None,
    decisions: PathLike | None = None,
    init_from: PathLike | None = None,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Train a recipe, score the run on validation and test, and write a report.

    Args:
        recipe: A recipe, its name, or its file.
        data: The dataset, or several with the same classes; see `read`.
        out: The run folder to create.
        overrides: Values of the recipe to change, for example `"optimizer.lr=1e-3"`.
        budget: A duration such as `"15m"`, instead of the recipe's epochs; it includes reading
            the data, scores and report.
        plan: A run whose steps are repeated, instead of epochs or budget.
        decisions: A decisions.json saved by the audit page, or an audit.json: exactly the samples
            that it rejects are excluded, and the audit is not run.
        init_from: A run or bundled model that provides the initial weights; None: random weights.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, stored in the run.
        console: Console for progress and notes; None: standard error.

    Raises:
        AreosegError: Recipe or data cannot be used, or `out` contains a run.
        KeyboardInterrupt: The user interrupted the training; `resume` continues it.

    Examples:
        >>> run = train("flagship", "mars.npz", "runs/first", budget="15m")  # doctest: +SKIP
        >>> run.info.validation_score  # doctest: +SKIP
        0.7719
    """
    # Check everything possible before reading the data, which may take minutes.
    console = console or standard_error()
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    if budget is not None and plan is not None:
        raise AreosegError("cannot use --budget and --plan together: a plan fixes the steps")
    seconds = None if budget is None else parse_budget(budget)
    repeated = None if plan is None else _read_plan(plan)
    exclusions = None if decisions is None else read_exclusions(decisions)
    initial = None if init_from is None else open_run(init_from)
    check_no_run_in(out)
    choose_device(device)
    use_threads(threads)
    options = data_options(groups, data_format, label_set, missions, classes)
    source = find_source(data, options, console)
    source = source.cut(recipe.data.tile, recipe.data.scale)
    check_initial_weights(initial, recipe, describe(source.classes).taxonomy)

    clock = None if seconds is None else Budget(seconds)
    loaded = read_with_progress(source, console)
    if exclusions is not None:
        exclusions.check(loaded.labeled)
    return train_on(
        recipe,
        loaded,
        out,
        source=source,
        budget=clock,
        plan=repeated,
        exclusions=exclusions,
        init_from=initial,
        device=device,
        threads=threads,
        command=command,
        console=console,
        report=True,
    )


def resume(
    run: PathLike,
    *,
    data: PathLike | Sequence[PathLike] | None = None,
    groups: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Continue a run that was interrupted or killed, score it, and write its report.

    If only the scores or the report are missing, only these are created.

    Args:
        run: The run folder.
        data: The current path of its data, or the paths of all its datasets in their order; None:
            the paths stored in the run.
        groups: The current path of its groups file; None: the path stored in the run.
        threads: CPU threads; None: as many as before.
        console: Console for progress and notes; None: standard error.

    Raises:
        AreosegError: There is nothing to resume, or the data have changed.
    """
    console = console or standard_error()
    if (Path(run) / RESUME).is_file() and not is_run(Path(run)):
        raise AreosegError(
            f"cannot resume {run}: its training was stopped before it began; run the command that"
            " started it again"
        )
    opened = open_run(run, unfinished=True)
    trained = opened.info.status == "finished" and not (opened.path / RESUME).is_file()
    if trained and not (opened.is_bundle or (opened.path / REPORT).is_file()):
        with locked(opened.path):
            labeled = own_data(opened, data, groups, console).labeled
            use_threads(threads or opened.info.threads)
            finish_run(opened, labeled, console)
        return opened
    check_resumable(opened)  # before reading the data
    check_unlocked(opened.path)
    loaded = read_with_progress(own_source(opened, data, groups), console)
    return resume_on(run, loaded, threads=threads, console=console, report=True)


def _read_plan(run: PathLike) -> Plan:
    """Read the plan of an earlier run."""
    path = open_run(run, unfinished=True).path / PLAN
    try:
        return Plan.from_json(read_json(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise AreosegError(f"{path}: not the plan of a run: {one_line(error)}") from None
