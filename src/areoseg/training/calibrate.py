"""Calibration of finished runs."""

from rich.console import Console

from areoseg.errors import AreosegError
from areoseg.evaluation.score import select_split
from areoseg.runs.own_data import own_data
from areoseg.runs.run import RESUME, Run, open_run
from areoseg.training.calibration import calibrate_run
from areoseg.training.finish import finish_run
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike


def calibrate(
    run: ModelPath,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Fit temperature and class offsets of a run to its validation split, and store them.

    Scores and report are rewritten. An earlier calibration is discarded first.

    Args:
        run: The run folder, which is modified.
        data: The current path of its data; None: the path stored in the run.
        groups: The current path of its groups file; None: the path stored in the run.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The run; its `info.calibration` describes the result.

    Raises:
        AreosegError: The run is not finished, or a bundle, or its data have changed.

    Examples:
        >>> areoseg.calibrate("runs/first").info.calibration.temperature  # doctest: +SKIP
        1.21
    """
    use_threads(threads)
    console = console or standard_error()
    opened = open_run(run)
    if (opened.path / RESUME).exists():
        raise AreosegError(
            f"cannot calibrate {run}: its training is not finished. Continue it with"
            f" `areoseg train --resume {run}`."
        )
    if opened.is_bundle:
        raise AreosegError(
            f"cannot calibrate {run}: bundles are read-only. Calibrate the run that it was made"
            " from."
        )
    labeled = own_data(opened, data, groups, console).labeled
    calibrated = calibrate_run(opened, select_split(labeled, opened, "val"), device=device)
    finish_run(calibrated, labeled, console)
    return calibrated
