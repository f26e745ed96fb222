"""Dynamic batching: forward passes of waiting requests are joined into one.

Every request calls the predictor in a thread of its own, and the predictor calls the engine with
its tiles. Here these calls wait in a queue; one thread joins those of equal size, runs the model,
and hands each caller its part.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.inference.engines import Engine
from areoseg.inference.predictor import BATCH_PIXELS, DEFAULT_BATCH_SIZE, Predictor

Value = TypeVar("Value")

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class TimeLimitError(AreosegError):
    """A request took longer than the time limit."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Give up forward passes of the block that have not begun after some seconds."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


@dataclass(eq=False)
class _Call:
    """One call of an engine that waits for its result; other work has no engine and no images."""

    run: Callable[..., Any]
    engine: Engine | None = None
    images: Tensor | None = None
    deadline: float | None = field(default_factory=_deadline.get)
    arrived: float = field(default_factory=time.monotonic)
    result: Future[Any] = field(default_factory=Future)

    @property
    def key(self) -> object:
        """Calls of equal keys can share a forward pass."""
        return self if self.images is None else (id(self.engine), self.images.shape[1:])

    @property
    def pixels(self) -> int:
        return 0 if self.images is None else self.images.numel()


class Batcher:
    """Runs forward passes in one thread, several waiting calls at a time.

    Args:
        threads: CPU threads of the model; None: as many as PyTorch uses.
        max_delay: Seconds for which a call waits for others to share its forward pass.
        expected: Returns the number of requests in progress. A call waits only if there are
            requests that have not called the model yet.
        observe: Called with the number of images and the seconds of each forward pass.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        max_delay: float = 0.02,
        expected: Callable[[], int] = lambda: 0,
        observe: Callable[[int, float], None] = lambda images, seconds: None,
    ) -> None:
        self._threads = threads or torch.get_num_threads()
        self._max_delay = max_delay
        self._max_pixels = DEFAULT_BATCH_SIZE["cpu"] * BATCH_PIXELS
        self._expected = expected
        self._observe = observe
        self._waiting: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="areoseg-model", daemon=True)
        self._thread.start()

    def wrap(self, predictor: Predictor) -> None:
        """Let the engines of a predictor run here."""
        predictor.ensemble.engines = [_BatchedEngine(self, engine) for engine in predictor.engines]

    def run(self, work: Callable[[], Value]) -> Value:
        """Run a function in the thread of the model and return its value."""
        value: Value = self._submit(_Call(work, deadline=None))
        return value

    def forward(self, engine: Engine, images: Tensor) -> Tensor:
        """Return what the engine returns for images (N, 1, H, W).

        Raises:
            TimeLimitError: The time limit of the request has passed.
        """
        output: Tensor = self._submit(_Call(engine, engine, images))
        return output

    def close(self) -> None:
        """Finish the waiting calls and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _submit(self, call: _Call) -> Any:
        with self._changed:
            if self._closed:
                raise AreosegError("the service is shutting down: try again later")
            self._waiting.append(call)
            self._changed.notify()
        return call.result.result()

    def _work(self) -> None:
        # PyTorch has one number of threads per thread. The model uses all; threads of requests,
        # which only prepare tiles, start with the last number that was set: 1.
        torch.set_num_threads(self._threads)
        while calls := self._next():
            late = [call for call in calls if _is_late(call)]
            for call in late:
                call.result.set_exception(TimeLimitError("the time limit has passed"))
            if calls := [call for call in calls if call not in late]:
                self._run(calls)

    def _next(self) -> list[_Call]:
        """Wait for calls and return those of the next forward pass; none after the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return []
            first = self._waiting[0]
            until = first.arrived + self._max_delay
            while first.images is not None and self._should_wait(first):
                if not self._changed.wait(until - time.monotonic()):
                    break
            calls = self._joined(first)
            for call in calls:
                self._waiting.remove(call)
            return calls

    def _should_wait(self, first: _Call) -> bool:
        """Return whether further calls may arrive in time to join the first one."""
        full = sum(call.pixels for call in self._joined(first)) >= self._max_pixels
        in_time = time.monotonic() < first.arrived + self._max_delay
        return in_time and not full and not self._closed and self._expected() > len(self._waiting)

    def _joined(self, first: _Call) -> list[_Call]:
        """Return the waiting calls that share a forward pass with the first one, and it."""
        calls: list[_Call] = []
        pixels = 0
        for call in self._waiting:
            if call.key == first.key:
                pixels += call.pixels
                if calls and pixels > self._max_pixels:
                    break
                calls.append(call)
        return calls

    def _run(self, calls: list[_Call]) -> None:
        first = calls[0]
        try:
            if first.images is None:
                first.result.set_result(first.run())
                return
            images = [call.images for call in calls if call.images is not None]
            started = time.perf_counter()
            output = first.run(torch.cat(images) if len(images) > 1 else images[0])
            self._observe(sum(map(len, images)), time.perf_counter() - started)
            parts = output.split([len(each) for each in images])
            for call, part in zip(calls, parts, strict=True):
                call.result.set_result(part)
        except Exception as error:  # the requests fail, the thread goes on
            for call in calls:
                if not call.result.done():
                    call.result.set_exception(error)


class _BatchedEngine:
    """Run an engine through a batcher; see `Engine`."""

    def __init__(self, batcher: Batcher, engine: Engine) -> None:
        self.taxonomy = engine.taxonomy
        self.size_divisor = engine.size_divisor
        self.scale = engine.scale
        self.background_threshold = engine.background_threshold
        self.predicts_background = engine.predicts_background
        self._batcher = batcher
        self._engine = engine

    def __call__(self, images: Tensor) -> Tensor:
        """See `Engine`."""
        return self._batcher.forward(self._engine, images)


def _is_late(call: _Call) -> bool:
    return call.deadline is not None and time.monotonic() > call.deadline
