"""`areoseg train`."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Decisions
from areoseg.cli.options import Device
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.options import Threads
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import this_command
from areoseg.errors import AreosegError


def train(
    recipe: str | None = None,
    /,
    *overrides: str,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    budget: str | None = None,
    plan: Path | None = None,
    decisions: Decisions = None,
    start: Path | None = None,
    resume: Path | None = None,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Train a recipe on a data set, evaluate it, and write a report.

    For example `areoseg train unet-l --data mars.npz --budget 15m --out runs/first`; with values
    changed, `areoseg train unet optimizer.lr=1e-3 model.widths=[16,32,64] --data mars.npz --out
    runs/small`; with what a network has learned already, `areoseg train flagship-256 --start
    flagship-256 --data mine --out runs/mine`; and after an interruption, `areoseg train --resume
    runs/first`.

    Args:
        recipe: The name of a recipe (`areoseg recipes` lists them), or a YAML file.
        overrides: Values of the recipe to change, as key=value; `areoseg validate RECIPE` shows
            all of them.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        out: The run folder to make.
        budget: Train for this long, such as 90s, 15m or 1h30m, instead of the recipe's epochs. It
            counts from the first read of the data to the last weights.
        plan: Replay the steps of this earlier run.
        decisions: A decisions.json saved by the page of `areoseg audit`, or an audit.json: leave
            out the samples that it rejects and no others, instead of running the audit.
        start: Start with the weights of this run, or of a bundled model, instead of random ones.
            The recipe must have its model.
        resume: Go on with this run, which was interrupted or killed. All is as it was; --data and
            --groups say where the files lie now, if they were moved.
        groups: A file with the group of each labeled sample, a line a sample. Groups stay together
            in the split.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api

    if resume is not None:
        given = recipe or overrides or out or budget or plan or decisions or start
        if given or (format, labels, device) != ("auto", "crowd", "cpu"):
            raise AreosegError(
                f"--resume {resume} takes all but --data, --groups and --threads from the run:"
                " leave the rest away"
            )
        with saying_how_to_go_on(resume):
            run = api.resume(resume, data=data, groups=groups, threads=threads)
    elif recipe is None or data is None or out is None:
        raise AreosegError(
            "train needs a recipe, --data and --out, such as"
            " `areoseg train unet-l --data mars.npz --out runs/first`"
        )
    else:
        with saying_how_to_go_on(out):
            run = api.train(
                recipe,
                data,
                out,
                overrides=overrides,
                budget=budget,
                plan=plan,
                decisions=decisions,
                start=start,
                groups=groups,
                format=format,
                labels=labels,
                device=device,
                threads=threads,
                command=this_command(),
            )
    output.print(f"run: {run.path}")


@contextmanager
def saying_how_to_go_on(run: Path) -> Iterator[None]:
    """After Ctrl-C, say what can be done with the run."""
    from areoseg.runs.run import RESUME

    try:
        yield
    except KeyboardInterrupt:
        if (run / RESUME).is_file():
            command = f"areoseg train --resume {shlex.quote(str(run))}"
            notes.print(f"{run} is usable as it is; `{command}` goes on")
        raise
