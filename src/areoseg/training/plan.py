"""How far a training has come, as a function of the step.

Learning rate and loss ramps follow the progress, 0 at the first step and 1 at the end. A time
budget may correct the number of steps under way; progress then goes on from where it is, at
another pace. The corrections are kept, so that a plan can be replayed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Correction:
    """From step `step` on, at progress `progress`, training ends after `total` steps."""

    step: int
    progress: float
    total: int


@dataclass(frozen=True)
class Plan:
    """The steps of one training.

    Attributes:
        epoch_steps: Training steps between two validations.
        corrections: What was planned when, the first at step 0; never empty.
    """

    epoch_steps: int
    corrections: tuple[Correction, ...]

    @classmethod
    def of(cls, *, total: int, epoch_steps: int) -> "Plan":
        """A plan of `total` steps without corrections."""
        return cls(epoch_steps=epoch_steps, corrections=(Correction(0, 0.0, max(total, 1)),))

    @property
    def total(self) -> int:
        """The number of steps by the latest correction."""
        return self.corrections[-1].total

    def progress(self, step: float) -> float:
        """The progress at `step`, 0 to 1."""
        latest = next(entry for entry in reversed(self.corrections) if entry.step <= step)
        ahead = latest.total - latest.step
        pace = (1 - latest.progress) / ahead if ahead else 0.0
        return min(1.0, latest.progress + pace * (step - latest.step))

    def corrected(self, step: int, total: int) -> "Plan":
        """This plan with its end moved to `total` steps, decided at step `step`."""
        entry = Correction(step, self.progress(step), max(total, step))
        return Plan(self.epoch_steps, (*self.corrections, entry))

    def epoch_end(self, step: int) -> int:
        """The step at which the epoch that starts at `step` is over."""
        return min(step + self.epoch_steps, self.total)

    def to_json(self) -> dict[str, object]:
        """The plan as JSON values, for `plan.json`."""
        return {
            "epoch_steps": self.epoch_steps,
            "corrections": [vars(entry) for entry in self.corrections],
        }

    @classmethod
    def from_json(cls, values: dict[str, object]) -> "Plan":
        """The plan that `to_json` wrote."""
        entries = values["corrections"]
        epoch_steps = values["epoch_steps"]
        if not isinstance(entries, list) or not isinstance(epoch_steps, int):
            raise ValueError("not a plan")
        return cls(epoch_steps, tuple(Correction(**entry) for entry in entries))
