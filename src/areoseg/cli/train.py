"""`areoseg train`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Device, Format, Groups, Threads
from areoseg.cli.show import output
from areoseg.errors import AreosegError


def train(
    recipe: str | None = None,
    *overrides: str,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    budget: str | None = None,
    plan: Path | None = None,
    resume: Path | None = None,
    groups: Groups = None,
    format: Format = "auto",
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Train a recipe on a data set, evaluate it, and write a report.

    Examples:
    `areoseg train unet-l --data mars.npz --budget 15m --out runs/first`,
    `areoseg train unet optimizer.lr=1e-3 model.widths=[16,32,64] --data mars.npz --out runs/small`,
    `areoseg train --resume runs/first`.

    Args:
        recipe: The name of a recipe (`areoseg recipes` lists them), or a YAML file.
        overrides: Values of the recipe to change, as key=value.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        out: The run folder to make.
        budget: Train for this long, such as 90s, 15m or 1h30m, instead of the recipe's epochs. It
            counts from the first read of the data to the last weights.
        plan: Replay the steps of this earlier run.
        resume: Go on with this run, which was interrupted or killed.
        groups: A file with the group of each labelled scene, a line a scene. Groups stay together
            in the split.
        format: The format of the data, where it is not to be found out by looking.
        device: cpu, cuda or auto.
        threads: Cores to compute on; all by default.
    """
    from areoseg import api

    if resume is not None:
        run = api.resume(resume, threads=threads)
    elif recipe is None or data is None or out is None:
        raise AreosegError(
            "train needs a recipe, --data and --out, such as"
            " `areoseg train unet-l --data mars.npz --out runs/first`"
        )
    else:
        run = api.train(
            recipe,
            data,
            out,
            overrides=overrides,
            budget=budget,
            plan=plan,
            groups=groups,
            format=format,
            device=device,
            threads=threads,
            command=f"areoseg {shlex.join(sys.argv[1:])}",
        )
    output.print(f"run: {run.path}")
