"""`areoseg soup`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Device
from areoseg.cli.options import Groups
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import figure
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.cli.show import this_command


def soup(
    *runs: Path,
    out: Out,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    groups: Groups = None,
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Average the weights of runs of one model into one, as far as that helps.

    The best run by its validation score comes first; each further one enters if the mean with it
    scores no lower. Runs that began from different random weights mostly do not mix; runs that
    went on from one another may.

    Example: `areoseg soup runs/a runs/b runs/c --out runs/soup`.

    Args:
        runs: Run folders of one model, data set and split.
        out: The run folder to make.
        data: Where the runs' data lie now, if they were moved.
        groups: Where their groups file lies now, if it was moved.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
        json: Print JSON for programs instead of tables.
    """
    from areoseg.training.soup import soup as make_soup

    run = make_soup(
        runs,
        out,
        data=data,
        groups=groups,
        device=device,
        threads=threads,
        command=this_command(),
    )
    found = run.info.soup
    assert found is not None
    ingredients = found.ingredients
    if json:
        print_json(found.model_dump())
        return
    print_table(
        ["run", "alone", "mean with it", "taken"],
        [
            [
                each.name,
                figure(each.score),
                figure(each.soup_score),
                "yes" if each.selected else "no",
            ]
            for each in ingredients
        ],
        title=f"validation score, protocol {run.recipe.protocol}",
        numbers=["alone", "mean with it"],
    )
    taken = sum(each.selected for each in ingredients)
    if taken == 1:
        output.print(
            f"\nAveraging does not help here: {run.path} holds the weights of"
            f" {ingredients[0].name}, the best alone"
        )
    else:
        output.print(f"\nrun: {run.path}, the mean of {taken} runs")
