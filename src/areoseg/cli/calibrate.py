"""`areoseg calibrate`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    ComputeFlags,
    Json,
    MovedData,
    MovedGroups,
    compute_keywords,
)
from areoseg.cli.show import figure, output, print_json, print_table


def calibrate(
    run: Path,
    /,
    *,
    data: MovedData = None,
    groups: MovedGroups = None,
    compute: ComputeFlags = DEFAULT_COMPUTE,
    json: Json = False,
) -> None:
    """Calibrate the confidences of a run, and fit offsets for rare classes.

    A temperature and one logit offset per class are fitted to the validation split and stored with
    the weights. Offsets are kept only if they raise the score on groups that they were not fitted
    to. If the run is already calibrated, the earlier calibration is discarded first.

    Example: `areoseg calibrate runs/first`

    Args:
        run: The run folder; its weights, scores and report are updated.
    """
    calibrated = areoseg.calibrate(run, data=data, groups=groups, **compute_keywords(compute))
    fitted = calibrated.info.calibration
    assert fitted is not None
    if json:
        print_json(fitted.model_dump())
        return
    score, error = fitted.score, fitted.calibration_error
    print_table(
        ["on held-out groups", "before", "after"],
        [
            ["calibration error", figure(error.before), figure(error.after)],
            [
                f"{fitted.protocol} score with offsets",
                figure(score.before),
                figure(score.out_of_fold),
            ],
        ],
        title=f"{fitted.groups} groups of the validation split",
        numbers=["before", "after"],
    )
    output.print(f"\ntemperature {fitted.temperature:.3f}")
    if fitted.offsets_help:
        offsets = ", ".join(f"{name} {value:+.2f}" for name, value in fitted.offsets.items())
        output.print(f"offsets: {offsets}")
    else:
        output.print("offsets: none, since they did not raise the score on held-out groups")
