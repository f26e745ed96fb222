"""`areoseg calibrate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Device
from areoseg.cli.options import Groups
from areoseg.cli.options import Threads
from areoseg.cli.show import figure
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table


def calibrate(
    run: Path,
    /,
    *,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    groups: Groups = None,
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Make a run's confidences honest, and its answers of rare classes worth more.

    A temperature and an offset for each class are fitted to the validation part and stored with
    the weights. Offsets are kept only if they raise the score of groups that they were not fitted
    to. Calibrating again begins from the uncalibrated state.

    Args:
        run: The run folder; weights, scores and report are changed.
        data: Where the run's data lie now, if they were moved.
        groups: Where its groups file lies now, if it was moved.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api

    calibrated = api.calibrate(run, data=data, groups=groups, device=device, threads=threads)
    found = calibrated.info.calibration
    assert found is not None
    if json:
        print_json(found.model_dump())
        return
    score, error = found.score, found.calibration_error
    print_table(
        ["on groups that were not fitted to", "before", "after"],
        [
            ["calibration error", figure(error.before), figure(error.after)],
            [
                f"{found.protocol} score with offsets",
                figure(score.before),
                figure(score.out_of_fold),
            ],
        ],
        title=f"{found.groups} groups of the validation part",
        numbers=["before", "after"],
    )
    output.print(f"\ntemperature {found.temperature:.3f}")
    if found.offsets_help:
        offsets = ", ".join(f"{name} {value:+.2f}" for name, value in found.offsets.items())
        output.print(f"offsets: {offsets}")
    else:
        output.print("offsets: none, since they did not raise the score of other groups")
