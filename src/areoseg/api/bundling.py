"""Making bundles of runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.exporting import samples_to_compare
from areoseg.errors import AreosegError
from areoseg.runs.run import RESUME
from areoseg.runs.run import open_run
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from areoseg.export import Parity


@dataclass(frozen=True)
class Bundled:
    """A bundle that was made.

    Attributes:
        path: The folder.
        parity: How near its network is to the run's.
        samples: On what they were compared, for people.
        size: Bytes of all its files.
    """

    path: Path
    parity: "Parity"
    samples: str
    size: int


def bundle(
    run: PathLike,
    out: PathLike,
    *,
    data: PathLike | None = None,
    credit: str | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Bundled:
    """Make a small run folder of a run, to be passed on: weights of 16 bits and a model card.

    Args:
        run: The run folder.
        out: The folder to make; its name is the model's.
        data: Labeled samples to compare on, as for `export`.
        credit: Who made the training data and what allows their use, for the card.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: The run is not finished or a bundle itself, the data cannot be used, the
            folder is taken or cannot be written, or the bundle would be too far off.
    """
    from areoseg.export.bundle import write_bundle
    from areoseg.utils.device import use_threads

    use_threads(threads)
    opened = open_run(run)
    if (opened.path / RESUME).exists():
        raise AreosegError(
            f"{run}: this training has not ended: `areoseg train --resume {run}` goes on"
        )
    if opened.is_bundle:
        raise AreosegError(f"{run}: this is a bundle already: copy its folder")
    _, samples, where = samples_to_compare(opened, data, console or standard_error())
    parity = write_bundle(opened, Path(out), samples=samples, where=where, credit=credit)
    size = sum(file.stat().st_size for file in Path(out).iterdir())
    return Bundled(Path(out), parity, where, size)
