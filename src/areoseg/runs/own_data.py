"""Locating and rereading the data that a run was trained on."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.data.load import SYNTHETIC, Source, read_with_progress
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.runs.compatibility import check_same_samples
from areoseg.runs.run import Run
from areoseg.utils.files import PathLike


def own_source(run: Run, data: PathLike | None = None, groups: PathLike | None = None) -> Source:
    """Return the current location of the data of a run.

    Args:
        run: The run.
        data: The current path of the data; None: the path stored in the run.
        groups: The current path of the groups file; None: the path stored in the run.

    Raises:
        AreosegError: The path stored in the run does not exist.
    """
    noted = run.source
    for given, path, option in ((data, noted.path, "--data"), (groups, noted.groups, "--groups")):
        if given is None and path and path != SYNTHETIC and not Path(path).exists():
            raise AreosegError(
                f"cannot read the data of {run.path}: {path} does not exist. Give its current path"
                f" with {option}."
            )
    return replace(
        noted,
        path=noted.path if data is None else str(data),
        groups=noted.groups if groups is None else Path(groups),
    )


def own_data(
    run: Run, data: PathLike | None, groups: PathLike | None, console: Console
) -> LoadedData:
    """Read the data that a run was trained on.

    Args:
        run: The run.
        data: The current path of the data; None: the path stored in the run.
        groups: The current path of the groups file; None: the path stored in the run.
        console: Where to show progress and warnings.

    Raises:
        AreosegError: The data cannot be read, or differ from those of the run.
    """
    found = read_with_progress(own_source(run, data, groups), console)
    check_same_samples(run, found.labeled)
    return found
