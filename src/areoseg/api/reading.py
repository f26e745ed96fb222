"""Reading data sets, with progress and warnings shown."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.data.samples import LoadedData
from areoseg.data.sources import SYNTHETIC
from areoseg.data.sources import Source
from areoseg.data.sources import companion_groups
from areoseg.data.sources import read_source
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.console import progress_bar
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike


def read(
    data: PathLike,
    *,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    taxonomy: Taxonomy = MARS,
    console: Console | None = None,
) -> LoadedData:
    """Read a data set.

    Args:
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        groups: A file with the group of each labeled sample, a line a sample.
        format: A reader's name, or `auto` to find out by looking.
        labels: Which labels of AI4Mars as distributed: `crowd`, or `expert-1`, `expert-2`,
            `expert-3` for pixels on which at least that many experts agree.
        tile: Height and width of the tiles that frames are cut into.
        scale: Factor by which frames are reduced before.
        taxonomy: The classes that masks may hold.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: The data cannot be read.
    """
    console = console or standard_error()
    source = find_source(data, groups, format, console, labels)
    return read_with_progress(replace(source, tile=tile, scale=scale), console, taxonomy)


def find_source(
    data: PathLike,
    groups: PathLike | None,
    format: str,
    console: Console,
    labels: str = "crowd",
) -> Source:
    """What `data` names; a groups file beside it is taken by itself, and said so."""
    if groups is None and str(data) != SYNTHETIC:
        groups = companion_groups(Path(data))
        if groups is not None:
            console.print(f"groups: taken from {groups}, beside the data")
    groups = None if groups is None else str(groups)
    return Source(path=str(data), format=format, groups=groups, labels=labels)


def read_with_progress(source: Source, console: Console, taxonomy: Taxonomy = MARS) -> LoadedData:
    """The samples of a source; a bar while they are read, and a line for each warning."""
    with progress_bar(console) as progress:
        task = progress.add_task("reading", total=None)
        found = read_source(
            source,
            taxonomy=taxonomy,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for warning in found.warnings:
        console.print(f"warning: {warning}")
    return found
