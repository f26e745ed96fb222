"""How far a training has come, as a function of the step.

Learning rate and loss ramps follow the progress, 0 at the first step and 1 at the end. A time
budget may correct the number of steps under way; progress then goes on from where it is, at
another pace. The corrections are kept, so that a plan can be replayed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Correction:
    """What was planned at one moment.

    Attributes:
        step: From this step on it holds.
        progress: The progress at that step.
        total: Training ends after so many steps.
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
        corrections: What was planned when, the first at step 0; never empty.
    """

    corrections: tuple[Correction, ...]

    @classmethod
    def of(cls, *, total: int, epoch_steps: int) -> "Plan":
        """A plan of `total` steps without corrections."""
        return cls((Correction(0, 0.0, max(total, 1), epoch_steps),))

    @property
    def total(self) -> int:
        """The number of steps by the latest correction."""
        return self.corrections[-1].total

    def at(self, step: float) -> Correction:
        """What holds at `step`."""
        return next(entry for entry in reversed(self.corrections) if entry.step <= step)

    def progress(self, step: float) -> float:
        """The progress at `step`, 0 to 1."""
        latest = self.at(step)
        ahead = latest.total - latest.step
        pace = (1 - latest.progress) / ahead if ahead else 0.0
        return min(1.0, latest.progress + pace * (step - latest.step))

    def corrected(
        self, step: int, total: int, *, epoch_steps: int, progress: float | None = None
    ) -> "Plan":
        """This plan with its end moved to `total` steps, decided at step `step`.

        Args:
            step: Steps done.
            total: Training ends after so many.
            epoch_steps: Training steps between two validations from now on.
            progress: Where the training goes on, when what is left of a stage is taken out; None:
                where it is.
        """
        now = self.progress(step) if progress is None else progress
        entry = Correction(step, now, max(total, step), epoch_steps)
        return Plan((*self.corrections, entry))

    def epoch_end(self, step: int) -> int:
        """The step at which the epoch that starts at `step` is over."""
        return min(step + self.at(step).epoch_steps, self.total)

    def to_json(self) -> dict[str, object]:
        """The plan as JSON values, for `plan.json`."""
        return {"corrections": [vars(entry) for entry in self.corrections]}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "Plan":
        """The plan that `to_json` wrote."""
        entries = values.get("corrections")
        if not isinstance(entries, list) or not entries:
            raise ValueError("not a plan")
        return cls(tuple(Correction(**entry) for entry in entries))
