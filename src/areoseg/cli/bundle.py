"""`areoseg bundle`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import OptionalData
from areoseg.cli.show import output


def bundle(
    run: Path,
    /,
    *,
    out: Path,
    data: OptionalData = None,
    credit: str | None = None,
    int8: bool = False,
    threads: int | None = None,
) -> None:
    """Create a small run folder for distribution: float16 weights, recipe, scores, a model card.

    Every command accepts the folder as a run. It is not written if the class of more than 0.2 % of
    the pixels changes, or if the terrain score drops by more than 0.1 points. The comparison uses
    the samples of --data; by default the validation split of the run, or synthetic samples if its
    dataset is unavailable.

    Example: `areoseg bundle runs/first --out mars-64`

    Args:
        run: The run folder.
        out: The folder to create; its name is the name of the model.
        credit: One sentence for the model card on the source and license of the training data.
        int8: Add the network in 8 bits, so that `areoseg export` can write it without data.
        threads: CPU threads. Default: one per core.
    """
    made = areoseg.bundle(run, out, data=data, credit=credit, int8=int8, threads=threads)
    output.print(f"{made.path}: {made.size / 1e6:.1f} MB, {made.parity}, on {made.samples}")
