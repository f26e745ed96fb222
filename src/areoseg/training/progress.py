"""What a person sees while a training goes on."""

import time
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import Progress
from rich.progress import TaskID
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from areoseg.training.module import TrainingModule
from areoseg.training.module import state_of


class TrainingProgress(pl.Callback):
    """A bar with the score, images a second and the time left; a line an epoch without terminal.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.task = TaskID(0)
        self.epoch_started = 0.0
        self.epoch_step = 0
        self.images = 0
        self.images_per_second = 0.0
        self.steps_per_second = 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show the empty bar."""
        state = state_of(module)
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("training"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total} steps"),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self.task = self.bar.add_task(
                "training", total=state.plan.total, completed=state.step, note=""
            )
            self.bar.start()

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        self.epoch_started = time.monotonic()
        self.epoch_step = state_of(module).step
        self.images = 0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Move the bar on."""
        state = state_of(module)
        seconds = time.monotonic() - self.epoch_started
        self.images += len(batch[0])
        self.images_per_second = self.images / seconds
        self.steps_per_second = (state.step - self.epoch_step) / seconds
        if self.bar is not None:
            best = f"best score {state.best_score:.3f}, " if state.history else ""
            note = f"{best}{self.images_per_second:.0f} images/s"
            self.bar.update(self.task, completed=state.step, total=state.plan.total, note=note)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Say what the epoch brought."""
        assert isinstance(module, TrainingModule)
        state = module.state
        row = state.history[-1]
        left = (state.plan.total - state.step) / max(self.steps_per_second, 1e-9)
        stages = len(module.stages)
        stage = f"stage {state.stage + 1}/{stages}, " if stages > 1 else ""
        self.console.print(
            f"epoch {row['epoch']:.0f}, {stage}step {state.step}/{state.plan.total}: "
            f"loss {row['loss/total']:.4f}, {module.recipe.protocol} score {row['score']:.4f}"
            f"{' (best)' if state.improved else ''}, {self.images_per_second:.0f} images/s, "
            f"{left / 60:.1f} min left",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()
