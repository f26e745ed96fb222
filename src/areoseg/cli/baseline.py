"""`areoseg baseline`."""

from typing import TYPE_CHECKING, Literal

import areoseg
from areoseg.cli.options import (
    DEFAULT_DATA,
    Data,
    DataFlags,
    Decisions,
    Json,
    Overrides,
    Recipe,
    Split,
)
from areoseg.cli.show import figure, print_json, print_table

if TYPE_CHECKING:
    from areoseg.metrics.scores import Scores


def baseline(
    name: Literal["all", "random", "majority", "logistic-regression"],
    /,
    *overrides: Overrides,
    data: Data,
    recipe: Recipe = "flagship",
    split: Split = "test",
    decisions: Decisions = None,
    dataset: DataFlags = DEFAULT_DATA,
    threads: int | None = None,
    json: Json = False,
) -> None:
    """Evaluate simple baselines on the split that training would use.

    The recipe defines the data preparation and the split. Baselines are fitted to the training
    split.

    Example: `areoseg baseline all --data mars.npz`

    Args:
        name: The baseline, or all of them.
        split: The split to evaluate on.
        threads: CPU threads. Default: one per core.
    """
    scores = areoseg.baselines(
        None if name == "all" else [name],
        data,
        recipe=recipe,
        overrides=overrides,
        split=split,
        decisions=decisions,
        **vars(dataset),
        threads=threads,
    )
    if json:
        print_json({name: entry.to_json() for name, entry in scores.items()})
    else:
        print_baselines(scores, split)


def print_baselines(scores: "dict[str, Scores]", split: str) -> None:
    """Print a table with one row per baseline and one column per protocol."""
    first = next(iter(scores.values()))
    protocols = list(first.protocols)
    print_table(
        ["baseline", *protocols],
        [
            [name, *(figure(entry.protocols[protocol].score) for protocol in protocols)]
            for name, entry in scores.items()
        ],
        title=f"mean IoU by protocol; {first.images} images of the {split} split",
        numbers=protocols,
    )
