"""Calibrating runs."""

from rich.console import Console

from areoseg.api.training import finish_run
from areoseg.errors import AreosegError
from areoseg.evaluation.score import select_split
from areoseg.runs.own_data import own_data
from areoseg.runs.run import RESUME
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike


def calibrate(
    run: PathLike,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Fit temperature and class offsets of a run to its validation part, and store them.

    Scores and report are made anew. Calibrating again begins from the uncalibrated state.

    Args:
        run: The run folder, which is changed.
        data: Where the run's data lie now; None: where they were.
        groups: Where its groups file lies now; None: where it was.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show the progress; None: standard error.

    Returns:
        The run; its fact `calibration` says what was found.

    Raises:
        AreosegError: The run is not finished or a bundle, or its data are others now.
    """
    from areoseg.calibration import calibrate_run
    from areoseg.utils.device import use_threads

    use_threads(threads)
    console = console or standard_error()
    opened = open_run(run)
    if (opened.path / RESUME).exists():
        raise AreosegError(
            f"{run}: this training has not ended: `areoseg train --resume {run}` goes on"
        )
    if opened.is_bundle:
        raise AreosegError(
            f"{run}: a bundle stays as its card says: calibrate the run that it was made of"
        )
    labeled = own_data(opened, data, groups, console).labeled
    calibrated = calibrate_run(opened, select_split(labeled, opened, "val"), device=device)
    finish_run(calibrated, labeled, console)
    return calibrated
