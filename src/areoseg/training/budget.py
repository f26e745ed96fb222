"""Training for a given time: measure a step, plan the steps, correct under way."""

import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

from areoseg.errors import AreosegError
from areoseg.training.plan import Plan

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
VALIDATIONS = 12  # so many in a budget, or more: also the chances to correct the plan
VALIDATION_SHARE = 0.15  # of the time, at most: where validating is slow there are fewer
RESERVE = 0.01  # share of the budget kept for writing the last weights
TOLERANCE = 0.02  # a plan off by less is left alone


def parse_budget(text: str) -> float:
    """Seconds of a budget such as `90s`, `15m`, `1.5h` or `1h30m`.

    Raises:
        AreosegError: It is none, or zero.
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
    """A length of time and the clock that it runs on.

    Attributes:
        seconds: The time that all of the training may take.
        started: `time.monotonic()` at the first read of the data.
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
        """The plan that fills the time that is left.

        Args:
            step_seconds: Measured time of a training step.
            validation_seconds: Measured time of a whole validation.
            pass_steps: Steps of one pass over the training samples.
        """
        total = max(1, int(self.left * (1 - VALIDATION_SHARE) / step_seconds))
        steps_a_validation = (1 - VALIDATION_SHARE) / VALIDATION_SHARE * validation_seconds
        epoch_steps = max(
            _epoch_steps(total, pass_steps),
            min(total, math.ceil(steps_a_validation / step_seconds)),
        )
        cost_per_step = step_seconds + validation_seconds / epoch_steps
        validations = math.ceil(self.left / cost_per_step / epoch_steps)
        total = max(1, int((self.left - validations * validation_seconds) / step_seconds))
        return Plan.of(total=total, epoch_steps=epoch_steps)

    def corrected(self, plan: Plan, step: int, *, seconds_per_step: float, pass_steps: int) -> Plan:
        """The plan with its end moved, where the time needed differs from the time left.

        Args:
            plan: The plan so far.
            step: Steps done.
            seconds_per_step: Observed, validations included.
            pass_steps: Steps of one pass over the training samples.
        """
        total = step + max(0, int(self.left / seconds_per_step))
        if abs(total - plan.total) <= TOLERANCE * (plan.total - step):
            return plan
        epoch_steps = max(plan.at(step).epoch_steps, _epoch_steps(total, pass_steps))
        return plan.corrected(step, total, epoch_steps=epoch_steps)


def _epoch_steps(total: int, pass_steps: int) -> int:
    """Training steps between two validations: a pass, or less where there is time for few."""
    return max(1, min(pass_steps, total // VALIDATIONS))


def measure_seconds(work: Callable[[int], object], *, at_most: float) -> float:
    """The median time that `work(i)` takes, the first call left out.

    Args:
        work: Does one unit of work; called with 0, 1, 2, ...
        at_most: Seconds that measuring may take, but for the two calls that are always made.
    """
    begun = time.monotonic()
    times: list[float] = []
    while len(times) < 2 or (len(times) < 9 and time.monotonic() - begun < at_most):
        start = time.monotonic()
        work(len(times))
        times.append(time.monotonic() - start)
    return statistics.median(times[1:])
