"""`areoseg search`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    DEFAULT_DATA,
    ComputeFlags,
    Data,
    DataFlags,
    Decisions,
    Json,
    Overrides,
    Recipe,
    compute_keywords,
)
from areoseg.cli.show import (
    figure,
    note_on_interrupt,
    notes,
    output,
    print_json,
    print_table,
    this_command,
)

if TYPE_CHECKING:
    from areoseg.experiments.search_results import Search

N_PRINTED = 5
"""Number of trials to print, best first."""


def search(
    recipe: Recipe,
    /,
    *overrides: Overrides,
    space: Path,
    data: Data,
    out: Path,
    budget: str | None = None,
    trials: int | None = None,
    trial_budget: str | None = None,
    pruner: Literal["median", "hyperband", "none"] = "median",
    seed: int = 0,
    decisions: Decisions = None,
    dataset: DataFlags = DEFAULT_DATA,
    compute: ComputeFlags = DEFAULT_COMPUTE,
    json: Json = False,
) -> None:
    """Search for the hyperparameters with the best validation score.

    Needs `pip install 'areoseg[search]'`. Writes the best recipe to best.yaml and all trials to
    trials.csv and search.html. The same command resumes an interrupted search, and may run several
    times in parallel. The test split is not used.

    Example: `areoseg search flagship --space space.yaml --data mars.npz --budget 2h --trial-budget
    2m --out runs/search`

    Args:
        space: A YAML file with a range or choices for each value to search, e.g.
            `optimizer.lr: {low: 1.0e-4, high: 1.0e-2, log: true}`.
        out: The folder of the search.
        budget: Time for this call, e.g. 2h. Trials that would exceed it are not started.
        trials: Stop at this number of trials, including those of earlier calls.
        trial_budget: Time per trial, e.g. 2m, instead of the recipe's epochs.
        pruner: The Optuna pruner that stops trials early.
        seed: Seed of the sampler.
    """
    with note_on_interrupt():
        searched = areoseg.search(
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
            **vars(dataset),
            **compute_keywords(compute),
            command=this_command(),
        )
    if json:
        print_json(searched.to_json())
    else:
        print_search(searched)


def print_search(search: "Search") -> None:
    """Print the best trials and the paths of the full results."""
    names = list(search.ranked[0].values) if search.ranked else []
    print_table(
        ["trial", "score", *names],
        [
            [str(trial.number), figure(trial.score), *(trial.shown[name] for name in names)]
            for trial in search.ranked[:N_PRINTED]
        ],
        title=f"{len(search.trials)} trials: {search.counts}",
        numbers=["trial", "score", *names],
    )
    if search.best is None:
        notes.print("note: no trial was completed: raise --budget or set --trial-budget")
    else:
        output.print(f"best: {search.out}/best.yaml")
    output.print(f"page: {search.out}/search.html")
