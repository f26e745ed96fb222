"""Training plans, and time budgets that correct them.

Learning rate and loss ramps follow the progress of the training, from 0 at the first step to 1 at
the end. A budget may correct the number of steps during training; progress then continues from
its current value at a different rate. All corrections are recorded, so that a plan can be replayed.
"""

import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from areoseg.errors import AreosegError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
MIN_VALIDATIONS = 12  # per budget; the plan can be corrected after each
MAX_VALIDATION_SHARE = 0.15  # of the budget; slower validations are run less often
RESERVE = 0.01  # share of the budget reserved for writing the final weights
MAX_FINISHING_SHARE = 0.3  # of the budget, for calibration, scores and report
TOLERANCE = 0.02  # smaller corrections are skipped


@dataclass(frozen=True)
class Correction:
    """The part of a plan that holds from some step on.

    Attributes:
        step: The first step that it holds for.
        progress: The progress at that step.
        total: The number of steps after which training ends.
        epoch_steps: Training steps between two validations.
    """

    step: int
    progress: float
    total: int
    epoch_steps: int


@dataclass(frozen=True)
class Plan:
    """The planned steps of one training.

    Attributes:
        corrections: Never empty; the first is for step 0.
    """

    corrections: tuple[Correction, ...]

    @classmethod
    def of(cls, *, total: int, epoch_steps: int) -> "Plan":
        """Return a plan of `total` steps without corrections."""
        return cls((Correction(0, 0.0, max(total, 1), epoch_steps),))

    @property
    def total(self) -> int:
        """Return the number of steps according to the latest correction."""
        return self.corrections[-1].total

    def at(self, step: float) -> Correction:
        """Return the segment that contains `step`."""
        return next(entry for entry in reversed(self.corrections) if entry.step <= step)

    def progress(self, step: float) -> float:
        """Return the progress at `step`, 0 to 1."""
        latest = self.at(step)
        remaining = latest.total - latest.step
        pace = (1 - latest.progress) / remaining if remaining else 0.0
        return min(1.0, latest.progress + pace * (step - latest.step))

    def corrected(
        self, step: int, total: int, *, epoch_steps: int, progress: float | None = None
    ) -> "Plan":
        """Return this plan with its end moved.

        Args:
            step: The number of steps done.
            total: The number of steps after which training ends.
            epoch_steps: Training steps between two validations from now on.
            progress: The progress to continue from, if the rest of a stage is skipped; None: the
                progress at `step`.
        """
        now = self.progress(step) if progress is None else progress
        entry = Correction(step, now, max(total, step), epoch_steps)
        return Plan((*self.corrections, entry))

    def epoch_end(self, step: int) -> int:
        """Return the step at which the epoch that starts at `step` ends."""
        return min(step + self.at(step).epoch_steps, self.total)

    def to_json(self) -> dict[str, object]:
        """Return the plan as JSON values, for `plan.json`."""
        return {"corrections": [vars(entry) for entry in self.corrections]}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "Plan":
        """Return the plan that `to_json` wrote."""
        entries = values.get("corrections")
        if not isinstance(entries, list) or not entries:
            raise ValueError("not a plan")
        return cls(tuple(Correction(**entry) for entry in entries))


def parse_budget(text: str) -> float:
    """Return the seconds of a budget such as `90s`, `15m`, `1.5h` or `1h30m`.

    Raises:
        AreosegError: The text is not a duration, or it is zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise AreosegError(f"--budget {text!r}: give a duration such as 90s, 15m or 1h30m")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise AreosegError(f"--budget {text!r}: the budget is zero; give a duration such as 15m")
    return seconds


@dataclass
class Budget:
    """A time limit and its clock.

    Attributes:
        seconds: The time that the training may take.
        started: `time.monotonic()` when reading the data began.
        finishing: Seconds reserved for what follows the training: calibration, scores and report.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)
    finishing: float = 0.0

    @property
    def left(self) -> float:
        """Return the seconds until training must have ended."""
        end = self.started + self.seconds * (1 - RESERVE) - self.finishing
        return end - time.monotonic()

    def reserve(self, seconds: float) -> None:
        """Reserve time for what follows the training, at most `MAX_FINISHING_SHARE` of all."""
        self.finishing = min(seconds, MAX_FINISHING_SHARE * self.seconds)

    def first_plan(
        self, *, step_seconds: float, validation_seconds: float, pass_steps: int
    ) -> Plan:
        """Return the plan that fills the remaining time.

        Args:
            step_seconds: Measured time of a training step.
            validation_seconds: Measured time of a full validation.
            pass_steps: Steps of one pass over the training samples.
        """
        training_share = 1 - MAX_VALIDATION_SHARE
        total = max(1, int(self.left * training_share / step_seconds))
        training_seconds = training_share / MAX_VALIDATION_SHARE * validation_seconds
        epoch_steps = max(
            _epoch_steps(total, pass_steps),
            min(total, math.ceil(training_seconds / step_seconds)),
        )
        cost_per_step = step_seconds + validation_seconds / epoch_steps
        validations = math.ceil(self.left / cost_per_step / epoch_steps)
        total = max(1, int((self.left - validations * validation_seconds) / step_seconds))
        return Plan.of(total=total, epoch_steps=epoch_steps)

    def corrected(self, plan: Plan, step: int, *, seconds_per_step: float, pass_steps: int) -> Plan:
        """Return the plan with its end moved, if the time needed differs from the time left.

        Args:
            plan: The current plan.
            step: The number of steps done.
            seconds_per_step: The observed time, validations included.
            pass_steps: Steps of one pass over the training samples.
        """
        total = step + max(0, int(self.left / seconds_per_step))
        if abs(total - plan.total) <= TOLERANCE * (plan.total - step):
            return plan
        epoch_steps = max(plan.at(step).epoch_steps, _epoch_steps(total, pass_steps))
        return plan.corrected(step, total, epoch_steps=epoch_steps)


def _epoch_steps(total: int, pass_steps: int) -> int:
    """Return the training steps between two validations: one pass, or fewer in a short training."""
    return max(1, min(pass_steps, total // MIN_VALIDATIONS))


def measure_seconds(work: Callable[[int], object], *, at_most: float) -> float:
    """Return the median duration of `work(i)` in seconds, ignoring the first call.

    Args:
        work: Does one unit of work; called with 0, 1, 2, ...
        at_most: Time limit of the measurement in seconds; at least two calls are made.
    """
    started = time.monotonic()
    times: list[float] = []
    while len(times) < 2 or (len(times) < 9 and time.monotonic() - started < at_most):
        start = time.monotonic()
        work(len(times))
        times.append(time.monotonic() - start)
    return statistics.median(times[1:])
