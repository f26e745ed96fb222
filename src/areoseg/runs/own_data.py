"""Locating and rereading the data that a run was trained on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.data.load import SYNTHETIC, Source, read_with_progress
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError, plural
from areoseg.runs.compatibility import check_same_samples
from areoseg.runs.run import Run
from areoseg.utils.files import PathLike, path_list


def own_source(
    run: Run,
    data: PathLike | Sequence[PathLike] | None = None,
    groups: PathLike | None = None,
) -> Source:
    """Return the current location of the data of a run.

    Args:
        run: The run.
        data: The current path of the data, or the paths of all datasets in the order of the
            training; None: the paths stored in the run.
        groups: The current path of the groups file; None: the path stored in the run.

    Raises:
        AreosegError: A path stored in the run does not exist, or the number of paths is not that of
            its datasets.
    """
    noted = run.source.each
    moved = [each.path for each in noted] if data is None else path_list(data)
    if len(moved) != len(noted):
        raise AreosegError(
            f"{run.path} was trained on {plural(len(noted), 'dataset')}, not on {len(moved)}: give"
            f" --data for each, in this order: {', '.join(each.path for each in noted)}"
        )
    if groups is not None and len(noted) > 1:
        raise AreosegError(
            f"--groups {groups}: {run.path} was trained on several datasets: name the groups"
            " of each in its dataset.yaml"
        )
    current = []
    for each, path in zip(noted, moved, strict=True):
        own_groups = each.groups if groups is None else Path(groups)
        for place, option in ((path, "--data"), (own_groups, "--groups")):
            given = data if option == "--data" else groups
            if given is None and place and place != SYNTHETIC and not Path(place).exists():
                raise AreosegError(
                    f"cannot read the data of {run.path}: {place} does not exist; give its current"
                    f" path with {option}"
                )
        current.append(replace(each, path=path, groups=own_groups))
    return replace(current[0], further=tuple(current[1:]))


def own_data(
    run: Run,
    data: PathLike | Sequence[PathLike] | None,
    groups: PathLike | None,
    console: Console,
) -> LoadedData:
    """Read the data that a run was trained on.

    Args:
        run: The run.
        data: See `own_source`.
        groups: The current path of the groups file; None: the path stored in the run.
        console: Where to show progress and warnings.

    Raises:
        AreosegError: The data cannot be read, or differ from those of the run.
    """
    found = read_with_progress(own_source(run, data, groups), console)
    check_same_samples(run, found.labeled)
    return found
