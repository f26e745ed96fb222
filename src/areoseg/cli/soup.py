"""`areoseg soup`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    ComputeFlags,
    Json,
    MovedData,
    MovedGroups,
    compute_keywords,
)
from areoseg.cli.show import figure, output, print_json, print_table, this_command


def soup(
    *runs: Path,
    out: Path,
    data: MovedData = None,
    groups: MovedGroups = None,
    compute: ComputeFlags = DEFAULT_COMPUTE,
    json: Json = False,
) -> None:
    """Average the weights of several runs (greedy model soup).

    Starts with the run with the best validation score; each further run is added if it does not
    lower the score of the average. This rarely helps for runs with different random initial
    weights, but may help for runs that were fine-tuned from one another.

    Example: `areoseg soup runs/a runs/b runs/c --out runs/soup`

    Args:
        runs: Run folders with the same model, dataset and split.
        out: The run folder to create.
    """
    run = areoseg.soup(
        runs, out, data=data, groups=groups, **compute_keywords(compute), command=this_command()
    )
    made = run.info.soup
    assert made is not None
    if json:
        print_json(made.model_dump())
        return
    print_table(
        ["run", "alone", "soup with it", "selected"],
        [
            [
                ingredient.name,
                figure(ingredient.score),
                figure(ingredient.soup_score),
                "yes" if ingredient.selected else "no",
            ]
            for ingredient in made.ingredients
        ],
        title=f"validation score, protocol {run.recipe.protocol}",
        numbers=["alone", "soup with it"],
    )
    selected = sum(ingredient.selected for ingredient in made.ingredients)
    if selected == 1:
        output.print(
            f"\nAveraging does not help here: {run.path} has the weights of"
            f" {made.ingredients[0].name}, the best single run"
        )
    else:
        output.print(f"\nrun: {run.path}, the mean of {selected} runs")
