"""`areoseg bundle`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import output


def bundle(
    run: Path,
    /,
    *,
    out: Out,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    credit: Annotated[str | None, Parameter(name="--credit")] = None,
    threads: Threads = None,
) -> None:
    """Make a small folder of a run to pass on: weights of 16 bits, recipe, scores, a model card.

    Example: `areoseg bundle runs/first --out mars-64`. The folder is a run for every other command.
    It is not written if more than 0.2 % of the pixels get another class, or if the terrain score
    falls by more than 0.1 points.

    Args:
        run: The run folder.
        out: The folder to make; its name is the model's.
        data: Labeled samples to compare on; by default the run's own validation part, or synthetic
            ones where its data are gone.
        credit: Who made the training data and what allows their use, a sentence for the card.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api

    made = api.bundle(run, out, data=data, credit=credit, threads=threads)
    output.print(f"{made.path}: {made.size / 1e6:.1f} MB, {made.parity}, on {made.samples}")
