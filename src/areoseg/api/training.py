"""Training runs, from data to report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.reading import find_source
from areoseg.data.load import read_with_progress
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.evaluation.score import evaluate_masks
from areoseg.evaluation.score import select_split
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.runs.own_data import own_data
from areoseg.runs.own_data import own_source
from areoseg.runs.run import AUDIT
from areoseg.runs.run import AUDIT_PAGE
from areoseg.runs.run import PLAN
from areoseg.runs.run import REPORT
from areoseg.runs.run import RESUME
from areoseg.runs.run import SCORES
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.files import read_json
from areoseg.utils.files import write_json

if TYPE_CHECKING:
    from areoseg.training.plan import Plan


def train(
    recipe: Recipe | PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    plan: PathLike | None = None,
    decisions: PathLike | None = None,
    start: PathLike | None = None,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Train a recipe, score it on validation and test, and write the report.

    Args:
        recipe: A recipe, its name, or its file.
        data: As for `read`.
        out: The run folder to make.
        overrides: Values of the recipe to change, such as `"optimizer.lr=1e-3"`.
        budget: A time such as `"15m"` that takes the place of the recipe's epochs; it counts from
            the first read of the data to the last weights.
        plan: A run whose steps are replayed.
        decisions: A decisions.json saved by the page of the audit, or an audit.json: the samples
            that it rejects are left out and no others, instead of running the audit.
        start: A run whose weights to start with, or the name of a bundled model; None: random
            weights.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the run as the command that made it.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: Recipe or data cannot be used, or there is a run in `out` already.
    """
    from areoseg.audit import read_exclusions
    from areoseg.runs.compatibility import check_initial_weights
    from areoseg.runs.run import check_no_run_in
    from areoseg.training.plan import Budget
    from areoseg.training.plan import parse_budget
    from areoseg.training.train import train as train_network
    from areoseg.utils.device import choose_device
    from areoseg.utils.device import use_threads

    # What is wrong with the options shows before the data are read, which may take minutes.
    console = console or standard_error()
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    if budget is not None and plan is not None:
        raise AreosegError("--budget and --plan exclude each other: a plan says its own steps")
    seconds = None if budget is None else parse_budget(budget)
    replayed = None if plan is None else _plan_of(plan)
    exclusions = None if decisions is None else read_exclusions(decisions)
    begun = None if start is None else open_run(start)
    if begun is not None:
        check_initial_weights(begun, recipe, MARS)
    check_no_run_in(out)
    choose_device(device)
    use_threads(threads)
    source = find_source(data, groups, format, console, labels)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)

    clock = None if seconds is None else Budget(seconds)
    found = read_with_progress(source, console)
    if exclusions is not None:
        exclusions.check(found.labeled)
    run = train_network(
        recipe,
        found,
        out,
        budget=clock,
        plan=replayed,
        device=device,
        threads=threads,
        source=source,
        command=command,
        console=console,
        exclusions=exclusions,
        start=begun,
    )
    finish_run(run, found.labeled, console)
    return run


def resume(
    run: PathLike,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Go on with a run that was interrupted or killed, then score it and write the report.

    Where only the scores or the report are missing, they are made.

    Args:
        run: The run folder.
        data: Where the run's data lie now; None: where they were.
        groups: Where its groups file lies now; None: where it was.
        threads: Cores to compute on; None: as many as before.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: There is nothing to go on from, or the data are others.
    """
    from areoseg.runs.run import check_resumable
    from areoseg.training.train import resume as resume_network
    from areoseg.utils.device import use_threads

    console = console or standard_error()
    opened = open_run(run, unfinished=True)
    trained = opened.info.status == "finished" and not (opened.path / RESUME).is_file()
    unreported = trained and not (opened.is_bundle or (opened.path / REPORT).is_file())
    if unreported:
        found = own_data(opened, data, groups, console)
        use_threads(threads or opened.info.threads)
        finished = opened
    else:
        check_resumable(opened)  # before the data are read, which may take minutes
        found = read_with_progress(own_source(opened, data, groups), console)
        finished = resume_network(run, found, threads=threads, console=console)
    finish_run(finished, found.labeled, console)
    return finished


def finish_run(run: Run, samples: SegmentationDataset, console: Console) -> None:
    """Score the kept weights on validation and test, and write the report."""
    from areoseg.audit import CHECKS
    from areoseg.inference import Predictor
    from areoseg.report import choose_examples
    from areoseg.report import write_report

    predictor = Predictor.load(run.path, device=run.info.device, scale=1.0)
    scores = {}
    examples = {}
    for part in ("val", "test"):
        held_out = select_split(samples, run, part)
        if not len(held_out):
            continue
        predictions = list(predictor.masks(held_out.images))
        found = evaluate_masks(
            predictions,
            held_out,
            run.taxonomy,
            protocol=run.recipe.protocol,
            resamples=1000,
        )
        scores[part] = found.to_json()
        console.print(f"{part}: {found.protocol} score {found.score:.4f}")
        assert held_out.masks is not None
        examples = choose_examples(
            held_out.images,
            held_out.masks,
            predictions,
            held_out.names,
            taxonomy=run.taxonomy,
        )
    write_json(run.path / SCORES, scores)
    write_run_audit(run, samples)
    training_examples = select_split(samples, run, "train").select(
        range(min(8, len(run.split["train"])))
    )
    report = write_report(
        run,
        scores=scores,
        examples=examples,
        training_examples=training_examples,
        issue_summaries={issue: check.summary for issue, check in CHECKS.items()},
    )
    console.print(f"report: {report}")


def write_run_audit(run: Run, samples: SegmentationDataset) -> None:
    """Write the page of what a run's audit found, or a person decided, into its folder."""
    from areoseg.audit import read_exclusions
    from areoseg.audit.page import write_audit_page

    found = run.path / AUDIT
    if found.is_file():
        write_audit_page(
            read_exclusions(found).audit,
            samples,
            run.path / AUDIT_PAGE,
            source=run.source,
            taxonomy=run.taxonomy,
        )


def _plan_of(run: PathLike) -> "Plan":
    """The steps of an earlier run."""
    from areoseg.training.plan import Plan

    path = open_run(run, unfinished=True).path / PLAN
    try:
        return Plan.from_json(read_json(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise AreosegError(f"{path}: not the plan of a run: {one_line(error)}") from None
