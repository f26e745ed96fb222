"""What happens after each epoch: correct the plan, keep the weights, stop."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from areoseg.runs.run import METRICS
from areoseg.runs.run import PLAN
from areoseg.runs.run import RESUME
from areoseg.runs.run import WEIGHTS
from areoseg.runs.run import write_weights
from areoseg.training.averaging import estimate_batch_statistics
from areoseg.training.batches import TrainingBatches
from areoseg.training.batches import step_seed
from areoseg.training.budget import Budget
from areoseg.training.module import TrainingModule
from areoseg.training.module import state_of
from areoseg.training.stages import without_rest
from areoseg.training.state import TrainingState
from areoseg.training.state import save_resume_state
from areoseg.utils.files import replacing
from areoseg.utils.files import write_json

STATISTICS_BATCHES = 16  # enough pixels for a mean and a variance a channel


class PlanCorrection(pl.Callback):
    """Moves the end of the plan so that training ends with its budget."""

    def __init__(self, budget: Budget, *, pass_steps: int) -> None:
        self.budget = budget
        self.pass_steps = pass_steps
        self.started = 0.0
        self.first_step = 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Note when the first step begins."""
        self.started = time.monotonic()
        self.first_step = state_of(module).step

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Compare the pace so far with the time left."""
        state = state_of(module)
        seconds = (time.monotonic() - self.started) / (state.step - self.first_step)
        if not state.finished:
            state.plan = self.budget.corrected(
                state.plan, state.step, seconds_per_step=seconds, pass_steps=self.pass_steps
            )


class BatchStatistics(pl.Callback):
    """Measures batch normalization anew before an average by SWA is validated.

    Args:
        batches: The training batches of each stage; the latest are measured on.
        seed: The run's seed.
    """

    def __init__(self, batches: Sequence[TrainingBatches], *, seed: int) -> None:
        self.batches, self.seed = batches, seed

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Pass the latest training batches through the average."""
        assert isinstance(module, TrainingModule)
        step = module.state.step
        if module.state.swa_steps:
            latest = range(max(0, step - STATISTICS_BATCHES), step)
            batches = self.batches[module.state.stage]
            images = (batches(number)[0].to(module.device) for number in latest)
            estimate_batch_statistics(module.ema_model, images, step_seed(self.seed + 2, step))


class RunKeeper(pl.Callback):
    """Writes into the run folder what each epoch brought.

    Args:
        folder: The run.
        keep: `best` keeps the weights of the best validation score, `last` the latest.
        started: `time.monotonic()` when this part of the run began.
    """

    def __init__(self, folder: Path, *, keep: str, started: float) -> None:
        self.folder, self.keep, self.started = folder, keep, started

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Make the run one that can be resumed before its first validation."""
        assert isinstance(module, TrainingModule)
        if not (self.folder / RESUME).exists():
            save_resume_state(self.folder / RESUME, module.state, module.state_tensors())

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write weights, curves, plan, and the state to resume from, in this order."""
        assert isinstance(module, TrainingModule)
        state = module.state
        if self.keep == "last" or state.improved:
            save_weights(self.folder / WEIGHTS, module)
        if trainer.logger is not None:
            trainer.logger.log_metrics(state.history[-1], step=state.step)
        write_history(self.folder / METRICS, state)
        write_json(self.folder / PLAN, state.plan.to_json())
        now = time.monotonic()
        state.seconds += now - self.started
        self.started = now
        save_resume_state(self.folder / RESUME, state, module.state_tensors())


class StopWhenDone(pl.Callback):
    """Ends the training after the last planned step.

    A stage, such as the last, ends once it has stopped getting better.
    """

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Tell the trainer to stop where the time has come."""
        assert isinstance(module, TrainingModule)
        state = module.state
        if 0 < state.patience <= state.stale_epochs:  # the plan says so, and can be replayed
            state.plan = without_rest(module.stages, state.stage, state.plan, state.step)
        trainer.should_stop = state.finished


def save_weights(path: Path, module: TrainingModule) -> None:
    """Write the weights that count as safetensors."""
    write_weights(path, module.ema_model.state_dict())


def write_history(path: Path, state: TrainingState) -> None:
    """Write one row a validation as CSV."""
    columns = dict.fromkeys(name for row in state.history for name in row)  # stages differ in terms
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows(state.history)
