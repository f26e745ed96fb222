"""What a user should know about a training: what was left out, stopped early, or not achieved.

Each note is printed once and stored in `run.json`.
"""

from collections.abc import Iterator

from areoseg.errors import plural
from areoseg.runs.info import CalibrationInfo, RunInfo
from areoseg.training.calibration.fits import MAX_TEMPERATURE, MIN_TEMPERATURE
from areoseg.training.checkpoint import TrainingState
from areoseg.training.plan import Budget
from areoseg.training.prepare import Preparation
from areoseg.training.self_training.rounds import Rounds
from areoseg.utils.device import Precision

MAX_OVERRUN = 1.2
"""Factor by which a training may exceed its budget without a note."""

AT_BOUND = 1.02
"""Factor within which a fitted temperature counts as one at its bound."""


def start_notes(
    prepared: Preparation,
    state: TrainingState,
    *,
    requested: str,
    precision: Precision,
    budget: Budget | None,
) -> Iterator[str]:
    """Yield the choices that were made before the first step.

    Args:
        prepared: The data.
        state: The training before its first step.
        requested: The precision of the recipe.
        precision: The precision to compute in.
        budget: The time budget, or None.
    """
    if requested == "auto" and precision != "float32":
        yield f"computing in {precision}, which is faster here; training.precision changes it"
    if budget and state.plan.total < prepared.pass_steps:
        yield (
            f"the budget has time for {plural(state.plan.total, 'step')}, not even one pass over"
            f" the training samples ({plural(prepared.pass_steps, 'step')}): give more time"
        )


def end_notes(
    info: RunInfo, state: TrainingState, rounds: Rounds, *, stopped: bool, budget: Budget | None
) -> Iterator[str]:
    """Yield what the training did not do as asked.

    Args:
        info: The run with its results.
        state: The training after its last step.
        rounds: Its rounds of pseudo-labels.
        stopped: Whether it ended before its plan, for lack of improvement.
        budget: The time budget, or None.
    """
    if stopped:
        yield (
            f"stopped early at step {state.step}: no better validation score since step"
            f" {state.best_step} (training.patience)"
        )
    if empty := sum(not table for table in rounds.tables):
        yield (
            f"{empty} of {plural(len(rounds.tables), 'round')} of pseudo-labels found no confident"
            " prediction, so only labeled samples were used; lower pseudo_labels.min_confidence"
        )
    if info.calibration is not None:
        yield from calibration_notes(info.calibration)
    used = info.training_seconds or 0.0
    if budget and used > MAX_OVERRUN * budget.seconds:
        yield (
            f"the training took {used:.0f} s instead of {budget.seconds:.0f} s: reading the data"
            " and the first steps took longer than the budget"
        )


def calibration_notes(calibration: CalibrationInfo) -> Iterator[str]:
    """Yield what a calibration rejected, or could not reach."""
    if not calibration.offsets_help:
        yield "class offsets are not used: they did not raise the score out of fold"
    temperature = calibration.temperature
    if not MIN_TEMPERATURE * AT_BOUND < temperature < MAX_TEMPERATURE / AT_BOUND:
        yield (
            f"the temperature {temperature:.2f} is at the bound of {MIN_TEMPERATURE:g} to"
            f" {MAX_TEMPERATURE:g}: confidences are not fully calibrated"
        )
