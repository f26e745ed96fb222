"""Reading data sets, with progress and warnings shown."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from areoseg.data.scenes import DataSet, SceneSet
from areoseg.data.sources import SYNTHETIC, Source, companion_groups, read_source

if TYPE_CHECKING:
    from areoseg.audit import Audit

PathLike = str | Path
"""A path, however it is written."""


def read(
    data: PathLike,
    *,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    console: Console | None = None,
) -> DataSet:
    """Read a data set.

    Args:
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        groups: A file with the group of each labelled scene, a line a scene.
        format: A reader's name, or `auto` to find out by looking.
        labels: Which labels of AI4Mars as distributed: `crowd`, or `expert-1`, `expert-2`,
            `expert-3` for pixels on which at least that many experts agree.
        tile: Height and width of the tiles that frames are cut into.
        scale: Factor by which frames are reduced before.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: The data cannot be read.
    """
    console = console or standard_error()
    source = find_source(data, groups, format, console, labels)
    return read_with_progress(replace(source, tile=tile, scale=scale), console)


def audit(scenes: SceneSet, out: PathLike | None = None) -> "Audit":
    """Find out what is wrong with labelled scenes; write `audit.json` and `audit.png` to `out`."""
    from areoseg.audit import audit_scenes, write_audit

    found = audit_scenes(scenes)
    if out is not None:
        write_audit(found, scenes, Path(out))
    return found


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


def read_with_progress(source: Source, console: Console) -> DataSet:
    """The scenes of a source; a bar while they are read, and a line for each warning."""
    with progress_bar(console) as progress:
        task = progress.add_task("reading", total=None)
        found = read_source(
            source,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for warning in found.warnings:
        console.print(f"warning: {warning}")
    return found


def progress_bar(console: Console) -> Progress:
    """A bar that vanishes at its end; none where the console is no terminal."""
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def standard_error() -> Console:
    """Where progress and warnings go by default."""
    return Console(stderr=True, highlight=False, soft_wrap=True)
