"""Progress display of a training, and its interruption by the user."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from areoseg.report.formats import duration
from areoseg.training.checkpoint import TrainingState
from areoseg.training.plan import Budget
from areoseg.utils.signals import interrupt

SMOOTHING = 0.7
"""Weight of the earlier epochs in the time per step, from which the time left is estimated."""


class TrainingProgress:
    """Shows a bar with best score, images per second and time left, and one line per epoch.

    The bar is shown in terminals only.

    Args:
        console: Where to write.
        state: The state of the training.
        budget: The time budget, which the time left never exceeds; or None.
    """

    def __init__(
        self, console: Console, state: TrainingState, budget: Budget | None = None
    ) -> None:
        self.console = console
        self.state = state
        self.budget = budget
        self.seconds_per_step: float | None = None  # smoothed, validations included
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps"),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(
            "training", total=state.plan.total, completed=state.step, note=""
        )
        self.start_epoch()

    def start_epoch(self) -> None:
        """Start the clock of an epoch."""
        self.epoch_started = time.monotonic()
        self.epoch_step = self.state.step
        self.images = 0

    def step_done(self, images: int) -> None:
        """Advance the bar by one step of `images` images."""
        state = self.state
        self.images += images
        self.images_per_second = self.images / (time.monotonic() - self.epoch_started)
        best = f"best score {state.best_score:.3f}, " if state.history else ""
        self.bar.update(
            self.task,
            completed=state.step,
            total=state.plan.total,
            note=f"{best}{self.images_per_second:.0f} images/s, {duration(self.left)} left",
        )

    @property
    def left(self) -> float:
        """The estimated seconds until the end of the training."""
        state = self.state
        elapsed = time.monotonic() - self.epoch_started
        per_step = self.seconds_per_step or elapsed / max(1, state.step - self.epoch_step)
        left = (state.plan.total - state.step) * per_step
        return left if self.budget is None else max(0.0, min(left, self.budget.left))

    def epoch_done(self, protocol: str, stages: int) -> None:
        """Print one line about the epoch that was just validated."""
        state = self.state
        row = state.history[-1]
        per_step = (time.monotonic() - self.epoch_started) / max(1, state.step - self.epoch_step)
        earlier = self.seconds_per_step or per_step
        self.seconds_per_step = SMOOTHING * earlier + (1 - SMOOTHING) * per_step
        stage = f"stage {state.stage + 1}/{stages}, " if stages > 1 else ""
        self.console.print(
            f"epoch {row['epoch']:.0f}, {stage}step {state.step}/{state.plan.total}: "
            f"loss {row['loss/total']:.4f}, {protocol} score {row['score']:.4f}"
            f"{' (best)' if state.improved else ''}, {self.images_per_second:.0f} images/s, "
            f"{duration(self.left)} left",
            highlight=False,
            soft_wrap=True,
        )


class Interruption:
    """Defers KeyboardInterrupt until `check` is called.

    Ctrl-C may arrive at any point: within an optimizer step, or while a logger holds its lock.
    """

    def __init__(self) -> None:
        self.requested = False

    def check(self) -> None:
        """Raise the deferred KeyboardInterrupt, if any.

        Raises:
            KeyboardInterrupt: The user pressed Ctrl-C.
        """
        if self.requested:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Defer SIGINT while the block runs; a second SIGINT is raised immediately.

        Has no effect outside the main thread, or if the program has its own SIGINT handler.
        """
        before = signal.getsignal(signal.SIGINT)
        if before not in (signal.default_int_handler, interrupt):
            yield
            return
        try:
            signal.signal(signal.SIGINT, self._handle)
        except ValueError:  # only the main thread receives signals
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.requested = True
