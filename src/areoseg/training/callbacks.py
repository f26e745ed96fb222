"""What happens after each epoch: correct the plan, keep the weights, stop."""

import csv
import time
from pathlib import Path

import pytorch_lightning as pl
from safetensors.torch import save

from areoseg.files import replacing
from areoseg.run import METRICS, PLAN, RESUME, WEIGHTS, write_json
from areoseg.training.averaging import estimate_batch_statistics
from areoseg.training.batches import TrainingBatches, step_seed
from areoseg.training.budget import Budget
from areoseg.training.module import TrainingModule
from areoseg.training.state import TrainingState, save_resume_state

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
        self.first_step = _state(module).step

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Compare the pace so far with the time left."""
        state = _state(module)
        seconds = (time.monotonic() - self.started) / (state.step - self.first_step)
        if not state.finished:
            state.plan = self.budget.corrected(
                state.plan, state.step, seconds_per_step=seconds, pass_steps=self.pass_steps
            )


class BatchStatistics(pl.Callback):
    """Measures batch normalisation anew before an average by SWA is validated.

    Args:
        batches: The training batches; the latest are measured on.
        seed: The run's seed.
    """

    def __init__(self, batches: TrainingBatches, *, seed: int) -> None:
        self.batches, self.seed = batches, seed

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Pass the latest training batches through the average."""
        assert isinstance(module, TrainingModule)
        step = module.state.step
        if module.state.swa_steps:
            latest = range(max(0, step - STATISTICS_BATCHES), step)
            images = (self.batches(number)[0].to(module.device) for number in latest)
            estimate_batch_statistics(module.kept, images, step_seed(self.seed + 2, step))


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
    """Ends the training after the last planned step, or once it has stopped getting better."""

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Tell the trainer to stop where the time has come."""
        state = _state(module)
        if 0 < state.patience <= state.stale_epochs:  # the plan says so, and can be replayed
            epoch_steps = state.plan.at(state.step).epoch_steps
            state.plan = state.plan.corrected(state.step, state.step, epoch_steps=epoch_steps)
        trainer.should_stop = state.finished


def save_weights(path: Path, module: TrainingModule) -> None:
    """Write the weights that count as safetensors."""
    tensors = {name: value.contiguous() for name, value in module.kept.state_dict().items()}
    with replacing(path) as beside:
        beside.write_bytes(save(tensors))


def write_history(path: Path, state: TrainingState) -> None:
    """Write one row a validation as CSV."""
    with replacing(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(state.history[-1]))
        writer.writeheader()
        writer.writerows(state.history)


def _state(module: pl.LightningModule) -> TrainingState:
    assert isinstance(module, TrainingModule)
    return module.state
