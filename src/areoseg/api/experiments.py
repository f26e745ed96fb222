"""Many trainings: studies and searches."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.data.load import find_source
from areoseg.data.load import read_with_progress
from areoseg.data.options import DataFormat
from areoseg.data.options import LabelSet
from areoseg.data.options import data_options
from areoseg.errors import AreosegError
from areoseg.search import Search
from areoseg.studies import Table
from areoseg.utils.console import standard_error
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
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> "Table":
    """Train what a study lacks, and put its results into one table, written beside them.

    Args:
        study: A study file.
        data: As for `read`; None: nothing is trained.
        out: The folder for the run folders; None: `runs/STUDY`.
        split: `train`, `val` or `test`: the split whose scores are compared.
        protocol: The protocol of these scores.
        decisions: Decisions about the data, as for `train`.
        groups: See `DataOptions`, also for the next three.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: Study or data cannot be used, or some rows could not be trained; the others
            then are done, and in the table that was written.
    """
    from areoseg.audit import read_exclusions
    from areoseg.studies import build_table
    from areoseg.studies import load_study
    from areoseg.studies import read_results
    from areoseg.studies import write_table

    console = console or standard_error()
    opened = load_study(study)
    exclusions = None if decisions is None else read_exclusions(decisions)
    build_table(opened, {}, part=split, protocol_name=protocol)  # a wrong name shows before hours
    errors: list[str] = []
    data_of = None
    if data is not None:
        from areoseg.studies.running import Trainings
        from areoseg.studies.running import run_study

        trainings = Trainings(
            find_source(data, data_options(groups, data_format, label_set, classes), console),
            lambda source: read_with_progress(source, console),
            Path(out or Path("runs") / opened.name),
            device=device,
            threads=threads,
            command=command,
            console=console,
            decisions=exclusions,
        )
        errors = run_study(opened, trainings)
        data_of = trainings.data_of
    results = read_results(opened, data_of)
    table = build_table(opened, results, part=split, protocol_name=protocol)
    for path in write_table(table, opened):
        console.print(f"table: {path}")
    if errors:
        raise AreosegError("\n".join(errors))
    return table


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
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> "Search":
    """Try values of a recipe, guided by the validation score; go on where `out` holds a search.

    The best recipe is written to `best.yaml`, all trials to `trials.csv` and `search.html`. The
    test part is not looked at.

    Args:
        recipe: The name of a recipe, or its file.
        space: A YAML file with a range or choices for each value that is tried.
        data: As for `read`.
        out: The folder of the search; several processes may search in one at the same time.
        overrides: Values of the recipe to change in all trials.
        budget: The time of this call, such as `"2h"`, from the first read of the data.
        trials: So many trials in all, those of earlier calls included. Either this or `budget`
            must be given.
        trial_budget: The time of each training, such as `"2m"`; None: the recipe's length counts.
        pruner: `median`, `hyperband` or `none`: when a training is given up.
        seed: Of the choice of values.
        decisions: Decisions about the data, as for `train`.
        groups: See `DataOptions`, also for the next three.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
        console: Where to say what happens; None: standard error.

    Raises:
        AreosegError: Optuna is missing; recipe, space or data cannot be used; or `out` holds
            another search.
    """
    from areoseg.audit import read_exclusions
    from areoseg.search import load_space
    from areoseg.search import prepare_trainings
    from areoseg.search import run_search
    from areoseg.search import search_times
    from areoseg.search import vary_recipe

    console = console or standard_error()
    clock, seconds = search_times(budget, trial_budget, trials)
    varied = vary_recipe(recipe, load_space(space), overrides)
    exclusions = None if decisions is None else read_exclusions(decisions)
    source = find_source(data, data_options(groups, data_format, label_set, classes), console)
    source = replace(source, tile=varied.base.data.tile, scale=varied.base.data.scale)
    trainings = prepare_trainings(
        varied,
        read_with_progress(source, console),
        source,
        seconds=seconds,
        device=device,
        threads=threads,
        command=command,
        decisions=exclusions,
    )
    return run_search(
        trainings, Path(out), seed=seed, pruner=pruner, budget=clock, trials=trials, console=console
    )
