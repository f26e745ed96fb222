"""Where a training stands, and how it is kept on disk to go on from."""

import os
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import torch

from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.training.plan import Plan
from areoseg.utils.files import replacing


@dataclass
class TrainingState:
    """What changes while a training goes on, apart from weights and optimizer.

    Attributes:
        plan: The steps planned.
        patience: Validations without a better score that end the training; 0: none do.
        step: Training steps done.
        best_score: The best validation score so far.
        best_step: The step at which it was reached.
        stale_epochs: Validations since then, of the present stage alone.
        stage: The stage that the optimizer is of, from 0.
        stage_step: The step at which it began.
        seconds: Time used by earlier parts of the run, before it was resumed.
        history: One row for each validation, as in `metrics.csv`.
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
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the last planned step is done."""
        return self.step >= self.plan.total

    @property
    def scores(self) -> list[float]:
        """The score of each validation of the present stage so far."""
        return [row["score"] for row in self.history if row["step"] > self.stage_step]

    def enter_stage(self, stage: int) -> None:
        """Begin another stage."""
        self.stage, self.stage_step, self.stale_epochs = stage, self.step, 0

    def record(self, score: float, row: dict[str, float]) -> None:
        """Enter a validation into the history and keep count of the best.

        Args:
            score: The validation score; NaN never is the best.
            row: What else belongs into the row of `metrics.csv`.
        """
        if score > self.best_score:
            self.best_score, self.best_step, self.stale_epochs = score, self.step, 0
        else:
            self.stale_epochs += 1
        epoch = float(len(self.history) + 1)
        self.history.append({"epoch": epoch, "step": float(self.step), "score": score, **row})

    @property
    def improved(self) -> bool:
        """Whether the latest validation was the best."""
        return self.best_step == self.step


def save_resume_state(path: Path, state: TrainingState, tensors: dict[str, Any]) -> None:
    """Write all that a run needs to go on, in one piece or not at all.

    Args:
        path: The file, usually `resume.pt`.
        state: Where the training stands.
        tensors: State dictionaries of the weights, their average and the optimizer.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    values = {**asdict(state), "plan": state.plan.to_json()}
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            torch.save({"state": values, **tensors}, file)
            file.flush()
            os.fsync(file.fileno())
    except RuntimeError as error:  # what PyTorch makes of a full disk
        raise AreosegError(
            f"{path}: cannot write this file; is the disk full? ({one_line(error)})"
        ) from None


def load_resume_state(path: Path) -> tuple[TrainingState, dict[str, Any]]:
    """Read what `save_resume_state` wrote; nothing but tensors and plain values is unpickled.

    Raises:
        AreosegError: The file is missing or damaged.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        values = content.pop("state")
        state = TrainingState(**{**values, "plan": Plan.from_json(values["plan"])})
    except Exception as error:  # a damaged file fails in many ways
        raise AreosegError(
            f"{path}: cannot resume from this file: {one_line(error)}; train anew into another"
            " folder"
        ) from None
    return state, content
