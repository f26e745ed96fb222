"""The plan of a training, and the time budget that corrects it.

Learning rate and loss ramps follow the progress of the training, from 0 at the first step to 1 at
the end. A budget may correct the number of steps during training; progress then continues from
where it is, at another pace. All corrections are kept, so that a plan can be replayed.
"""

import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

from areoseg.errors import AreosegError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
MIN_VALIDATIONS = 12  # per budget; each is also a chance to correct the plan
MAX_VALIDATION_SHARE = 0.15  # of the budget; slow validations are therefore fewer
RESERVE = 0.01  # share of the budget kept for writing the last weights
TOLERANCE = 0.02  # smaller corrections of a plan are not made


@dataclass(frozen=True)
class Correction:
    """What a plan says from some step on.

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
    """The steps of one training.

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
        """The number of steps by the latest correction."""
        return self.corrections[-1].total

    def at(self, step: float) -> Correction:
        """Return what holds at `step`."""
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
        AreosegError: The text is no time, or zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise AreosegError(f"--budget {text!r}: write a time such as 90s, 15m or 1h30m")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise AreosegError(f"--budget {text!r}: no time at all; write a time such as 15m")
    return seconds


@dataclass
class Budget:
    """A time limit and its clock.

    Attributes:
        seconds: The time that the training may take.
        started: `time.monotonic()` when reading the data began.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds until training must have ended."""
        return self.started + self.seconds * (1 - RESERVE) - time.monotonic()

    def first_plan(
        self, *, step_seconds: float, validation_seconds: float, pass_steps: int
    ) -> Plan:
        """Return the plan that fills the remaining time.

        Args:
            step_seconds: Measured time of a training step.
            validation_seconds: Measured time of a whole validation.
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
            plan: The present plan.
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
    """Training steps between two validations: one pass, or fewer in a short training."""
    return max(1, min(pass_steps, total // MIN_VALIDATIONS))


def measure_seconds(work: Callable[[int], object], *, at_most: float) -> float:
    """Return the median time that `work(i)` takes, ignoring the first call.

    Args:
        work: Does one unit of work; called with 0, 1, 2, ...
        at_most: Seconds that measuring may take; at least two calls are made.
    """
    started = time.monotonic()
    times: list[float] = []
    while len(times) < 2 or (len(times) < 9 and time.monotonic() - started < at_most):
        start = time.monotonic()
        work(len(times))
        times.append(time.monotonic() - start)
    return statistics.median(times[1:])
