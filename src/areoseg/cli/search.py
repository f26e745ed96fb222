"""`areoseg search`."""

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Data
from areoseg.cli.options import Decisions
from areoseg.cli.options import Device
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import figure
from areoseg.cli.show import keeping_what_is_finished
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.cli.show import this_command

if TYPE_CHECKING:
    from areoseg.search import Search

SHOWN = 5
"""The best trials that are printed."""


def search(
    recipe: str,
    /,
    *overrides: str,
    space: Annotated[Path, Parameter(name="--space")],
    data: Data,
    out: Out,
    budget: str | None = None,
    trials: int | None = None,
    trial_budget: str | None = None,
    pruner: str = "median",
    seed: int = 0,
    decisions: Decisions = None,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Search for the values of a recipe that score best in validation.

    Needs `pip install 'areoseg[search]'`. The best recipe is written to best.yaml, all trials to
    trials.csv and search.html. The same command goes on with a search that was stopped, and may be
    started several times at once. The test part is not looked at.

    Example: `areoseg search unet --space space.yaml --data mars.npz --budget 2h --trial-budget 2m
    --out runs/search`.

    Args:
        recipe: The name of a recipe, or a YAML file.
        overrides: Values of the recipe to change in all trials, as key=value.
        space: A YAML file with a range or choices for each value to try, such as
            `optimizer.lr: {low: 1.0e-4, high: 1.0e-2, log: true}`.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        out: The folder of the search.
        budget: Time of this call, such as 2h. A trial that would not end in it is not begun.
        trials: Stop when there are so many trials, those of earlier calls included.
        trial_budget: Time of each training, such as 2m, instead of the recipe's epochs.
        pruner: When to give a training up by its scores so far: median, hyperband or none.
        seed: Seed of the choice of values.
        decisions: A decisions.json saved by the page of `areoseg audit`, or an audit.json: leave
            out the samples that it rejects and no others, instead of running the audit.
        groups: A text file that names the group of each labeled sample, a line a sample, such as
            its rover stop.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api

    with keeping_what_is_finished():
        found = api.search(
            recipe,
            space,
            data,
            out,
            overrides=overrides,
            budget=budget,
            trials=trials,
            trial_budget=trial_budget,
            pruner=pruner,
            seed=seed,
            decisions=decisions,
            groups=groups,
            format=format,
            labels=labels,
            device=device,
            threads=threads,
            command=this_command(),
        )
    if json:
        print_json(found.to_json())
    else:
        print_search(found)


def print_search(search: "Search") -> None:
    """Write the best trials, and where to find the rest."""
    names = list(search.ranked[0].values) if search.ranked else []
    print_table(
        ["trial", "score", *names],
        [
            [str(trial.number), figure(trial.score), *(trial.shown[name] for name in names)]
            for trial in search.ranked[:SHOWN]
        ],
        title=f"{len(search.trials)} trials: {search.counts}",
        numbers=["trial", "score", *names],
    )
    if search.best is None:
        notes.print("no trial came to its end: raise --budget, or give a --trial-budget")
    else:
        output.print(f"best: {search.out}/best.yaml")
    output.print(f"page: {search.out}/search.html")
