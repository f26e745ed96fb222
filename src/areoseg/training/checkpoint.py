"""The training state, and the file in the run folder that training resumes from."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from areoseg.errors import AreosegError, one_line
from areoseg.training.plan import Plan
from areoseg.utils.files import replacing


@dataclass
class TrainingState:
    """The training state apart from weights and optimizer.

    Attributes:
        plan: The planned steps.
        patience: Number of validations without improvement after which the training, or its stage,
            ends; 0: no early stopping.
        step: Number of completed training steps.
        best_score: The best validation score so far.
        best_step: The step at which it was reached.
        stale_epochs: Validations since then, of the current stage only.
        stage: The stage of the optimizer, from 0.
        stage_step: The step at which that stage began.
        seconds: Time used before the run was last resumed.
        stopped: Whether the training ended early, for lack of improvement.
        history: One row per validation, as in `metrics.csv`.
    """

    plan: Plan
    patience: int = 0
    step: int = 0
    best_score: float = float("-inf")
    best_step: int = 0
    stale_epochs: int = 0
    stage: int = 0
    stage_step: int = 0
    seconds: float = 0.0
    stopped: bool = False
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Return whether the last planned step is done."""
        return self.step >= self.plan.total

    @property
    def scores(self) -> list[float]:
        """Return the score of each validation in the current stage."""
        return [row["score"] for row in self.history if row["step"] > self.stage_step]

    @property
    def improved(self) -> bool:
        """Return whether the latest validation was the best."""
        return self.best_step == self.step

    def enter_stage(self, stage: int) -> None:
        """Begin a new stage."""
        self.stage, self.stage_step, self.stale_epochs = stage, self.step, 0

    def record(self, score: float, row: dict[str, float]) -> None:
        """Add a validation to the history and keep track of the best.

        Args:
            score: The validation score; NaN is never the best.
            row: The other columns of `metrics.csv`.
        """
        if score > self.best_score:
            self.best_score, self.best_step, self.stale_epochs = score, self.step, 0
        else:
            self.stale_epochs += 1
        epoch = float(len(self.history) + 1)
        self.history.append({"epoch": epoch, "step": float(self.step), "score": score, **row})


def save_resume_state(path: Path, state: TrainingState, tensors: dict[str, Any]) -> None:
    """Write everything that a run needs to resume, atomically.

    Args:
        path: The file, usually `resume.pt`.
        state: The state of the training.
        tensors: State dictionaries of the weights, their average and the optimizer.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    values = {**asdict(state), "plan": state.plan.to_json()}
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            torch.save({"state": values, **tensors}, file)
    except RuntimeError as error:  # PyTorch raises it when the disk is full
        raise AreosegError(f"cannot write {path}: is the disk full? ({one_line(error)})") from None


def load_resume_state(path: Path) -> tuple[TrainingState, dict[str, Any]]:
    """Read what `save_resume_state` wrote; only tensors and plain values are unpickled.

    Raises:
        AreosegError: The file is missing or damaged.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        values = content.pop("state")
        state = TrainingState(**{**values, "plan": Plan.from_json(values["plan"])})
    except Exception as error:  # damaged files raise many kinds of exceptions
        raise AreosegError(
            f"cannot resume from {path}: {one_line(error)}; train again into another folder"
        ) from None
    return state, content
