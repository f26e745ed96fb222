"""What the routes of one service share."""

import threading
from collections.abc import Callable
from typing import Annotated, TypeVar

import torch
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from areoseg.labeling.suggest import read_suggestions
from areoseg.serve.batcher import Batcher
from areoseg.serve.jobs import Jobs
from areoseg.serve.limits import Admission, LargeImages
from areoseg.serve.models import Models
from areoseg.serve.observe import Metrics
from areoseg.serve.settings import Settings

Value = TypeVar("Value")

_LARGE_IMAGES = 2

_OTHER_THREADS = 8
"""Threads for requests without an upload, such as the progress of a batch."""


class State:
    """The parts of a running service.

    Args:
        settings: The settings.

    Attributes:
        settings: The settings.
        metrics: The metrics.
        admission: Counts the requests in progress.
        large_images: Limits the large images in memory.
        batcher: Runs the models.
        models: The served models.
        jobs: The batches.
        suggestions: The images to label next; there may be none.
        saving: Held while a correction is saved.

    Raises:
        AreosegError: A model does not exist.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.admission = Admission(settings.queue)
        self.large_images = LargeImages(
            _LARGE_IMAGES, max_pixels=settings.max_pixels, seconds=settings.time_limit
        )
        self.batcher = Batcher(
            threads=settings.threads,
            max_delay=settings.max_delay,
            expected=lambda: self.admission.count,
            observe=self.metrics.forward_pass,
        )
        self.models = Models(settings.models, device=settings.device, batcher=self.batcher)
        self.jobs = Jobs(limit=settings.jobs, keep=settings.keep, max_pixels=settings.max_pixels)
        found = settings.suggestions
        self.suggestions = [] if found is None else read_suggestions(found)
        self.saving = threading.Lock()
        self._threads = CapacityLimiter(settings.queue + _OTHER_THREADS)

    async def in_thread(self, work: Callable[[], Value]) -> Value:
        """Run a function in a thread and return its value."""

        def single_threaded() -> Value:
            torch.set_num_threads(1)  # of this thread only; that of the model has its own number
            return work()

        return await to_thread.run_sync(single_threaded, limiter=self._threads)

    def close(self) -> None:
        """Stop the jobs and end the threads."""
        self.jobs.close()
        self.batcher.close()


def _state(request: Request) -> State:
    state: State = request.app.state.service
    return state


Service = Annotated[State, Depends(_state)]
"""The state of the service, as an argument of a route."""
