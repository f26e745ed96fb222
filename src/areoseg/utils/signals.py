"""Signals that end a command in an orderly way: Ctrl-C, SIGTERM and SIGHUP."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

received: list[signal.Signals] = []
"""The signals that `interrupt` handled since `ending_in_order` began."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle a signal like Ctrl-C.

    Raises:
        KeyboardInterrupt: Unless a training defers it; see `areoseg.training.progress`.
    """
    received.append(signal.Signals(number))
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler) and handler is not interrupt:
        handler(number, frame)
    else:
        raise KeyboardInterrupt


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C: files are closed, and a training can be resumed.

    Schedulers, containers and closing terminals send them. Signals that the caller ignores, as
    under `nohup`, stay ignored.
    """
    received.clear()
    before = {}
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        # After an interruption the process is about to end: further ones would show a traceback.
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if received else handler)
