"""Ctrl-C between two steps, never in the middle of one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytorch_lightning as pl


class Interruption(pl.Callback):
    """Raises KeyboardInterrupt after the batch during which a person asked for it.

    An exception out of a signal can strike anywhere, also while a logger holds its lock, and
    closing that logger then waits for ever.
    """

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise what was asked for.

        Raises:
            KeyboardInterrupt: It was.
        """
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT in while the block runs; a second one strikes at once.

        Without effect outside the main thread, and where the program handles SIGINT in its own way.
        """
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield
            return
        try:
            signal.signal(signal.SIGINT, self._take_in)
        except ValueError:  # not the main thread, which alone hears signals
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _take_in(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.asked = True

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Stop after a step."""
        self.check()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """Stop within a validation, which can be long."""
        self.check()
