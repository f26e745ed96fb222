"""`areoseg train`."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    DEFAULT_DATA,
    Budget,
    ComputeFlags,
    DataFlags,
    Decisions,
    Overrides,
    Recipe,
    SeveralData,
    compute_keywords,
)
from areoseg.cli.show import notes, output, this_command
from areoseg.data.options import DataOptions
from areoseg.errors import AreosegError
from areoseg.utils.compute import ComputeOptions


def train(
    recipe: Recipe | None = None,
    /,
    *overrides: Overrides,
    data: SeveralData = None,
    out: Path | None = None,
    budget: Budget = None,
    plan: Path | None = None,
    decisions: Decisions = None,
    init_from: Path | None = None,
    resume: Path | None = None,
    dataset: DataFlags = DEFAULT_DATA,
    compute: ComputeFlags = DEFAULT_COMPUTE,
) -> None:
    """Train a network on a dataset by a recipe, evaluate it, and write a report.

    Example: `areoseg train flagship --data mars.npz --budget 15m --out runs/first`

    With overrides: `areoseg train flagship optimizer.lr=1e-3 --data mars.npz --out runs/lr`

    Fine-tune: `areoseg train flagship-256 --init-from flagship-256 --data mine --out runs/mine`

    After an interruption: `areoseg train --resume runs/first`

    Args:
        out: The run folder to create.
        plan: Repeat the steps of this earlier run.
        init_from: Initialize the weights from this run or bundled model of the same architecture.
        resume: Resume this interrupted run with its own options; only --data and --groups (if files
            were moved) and --threads may be given.
    """
    if resume is not None:
        given = recipe or overrides or out or budget or plan or decisions or init_from
        allowed = (DataOptions(groups=dataset.groups), ComputeOptions(threads=compute.threads))
        if given or (dataset, compute) != allowed:
            raise AreosegError(
                f"--resume {resume} uses the options of the run: only --data, --groups and"
                " --threads may be given"
            )
        with note_resume_on_interrupt(resume):
            run = areoseg.resume(resume, data=data, groups=dataset.groups, threads=compute.threads)
    elif recipe is None or data is None or out is None:
        raise AreosegError(
            "train needs a recipe, --data and --out, as in"
            " `areoseg train flagship --data mars.npz --out runs/first`"
        )
    else:
        with note_resume_on_interrupt(out):
            run = areoseg.train(
                recipe,
                data,
                out,
                overrides=overrides,
                budget=budget,
                plan=plan,
                decisions=decisions,
                init_from=init_from,
                **vars(dataset),
                **compute_keywords(compute),
                command=this_command(),
            )
    output.print(f"run: {run.path}")


@contextmanager
def note_resume_on_interrupt(run: Path) -> Iterator[None]:
    """After Ctrl-C, print the command that resumes the run."""
    from areoseg.runs.run import REPORT, RESUME, is_run

    try:
        yield
    except KeyboardInterrupt:
        command = f"areoseg train --resume {shlex.quote(str(run))}"
        if is_run(run) and (run / RESUME).is_file():
            notes.print(f"note: {run} is usable already; `{command}` continues the training")
        elif is_run(run) and not (run / REPORT).is_file():
            notes.print(f"note: {run} is trained; `{command}` writes its scores and its report")
        raise
