"""`areoseg baseline`."""

from typing import TYPE_CHECKING

from areoseg.cli.options import AsJson
from areoseg.cli.options import Data
from areoseg.cli.options import Decisions
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.show import figure
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table

if TYPE_CHECKING:
    from areoseg.metrics.scores import Scores

ALL = "all"


def baseline(
    name: str,
    /,
    *overrides: str,
    data: Data,
    recipe: str = "flagship",
    split: str = "test",
    decisions: Decisions = None,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    json: AsJson = False,
) -> None:
    """Score what a network has to beat, on the split that a training would make.

    Examples: `areoseg baseline all --data mars.npz`,
    `areoseg baseline random split.seed=3 --data mars.npz --split val`.

    Args:
        name: random, majority, logistic-regression, or all.
        overrides: Values of the recipe to change, as key=value.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        recipe: The recipe whose data preparation and split are taken.
        split: The part that is scored: train, val or test. What learns learns from train.
        decisions: A decisions.json saved by the page of `areoseg audit`, or an audit.json: leave
            out the samples that it rejects and no others, instead of running the audit.
        groups: A text file that names the group of each labeled sample, a line a sample, such as
            its rover stop.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api

    scores = api.baselines(
        None if name == ALL else [name],
        data,
        recipe=recipe,
        overrides=overrides,
        split=split,
        decisions=decisions,
        groups=groups,
        data_format=format,
        label_set=labels,
    )
    if json:
        print_json({each: found.to_json() for each, found in scores.items()})
    else:
        print_baselines(scores, split)


def print_baselines(scores: "dict[str, Scores]", split: str) -> None:
    """Write a table with a baseline a row and a protocol a column."""
    from areoseg.evaluation.baselines import BASELINES

    first = next(iter(scores.values()))
    protocols = list(first.protocols)
    print_table(
        ["baseline", *protocols, "summary"],
        [
            [
                name,
                *(figure(found.to_json()["protocols"][each]["score"]) for each in protocols),
                BASELINES[name].summary,
            ]
            for name, found in scores.items()
        ],
        title=f"mean IoU by protocol; {first.images} images of the part {split}",
        numbers=protocols,
    )
