"""The samples that runs were trained on, read again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.data.load import Source
from areoseg.data.load import read_with_progress
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.runs.same_data import check_same_samples
from areoseg.utils.files import PathLike


def opened_once(paths: Sequence[PathLike]) -> list[Run]:
    """The runs at some paths.

    Raises:
        AreosegError: There is none, one is no run, or one is given twice.
    """
    if not paths:
        raise AreosegError("no run given: name at least one run folder")
    runs = [open_run(path) for path in paths]
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise AreosegError("one run is given twice: name each once")
    return runs


def moved_source(source: Source, data: PathLike | None, groups: PathLike | None) -> Source:
    """A source whose files lie elsewhere now; None: where they were."""
    return replace(
        source,
        path=source.path if data is None else str(data),
        groups=source.groups if groups is None else Path(groups),
    )


def own_data(
    run: Run, data: PathLike | None, groups: PathLike | None, console: Console
) -> LoadedData:
    """What a run was trained on.

    Args:
        run: The run.
        data: Where its data lie now; None: where they were.
        groups: Where its groups file lies now; None: where it was.
        console: Where to show the progress.

    Raises:
        AreosegError: The data cannot be read, or are others.
    """
    found = read_with_progress(moved_source(run.source, data, groups), console)
    check_same_samples(run, found.labeled)
    return found
