"""What the routes of one service share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from areoseg.serve.models import Models
from areoseg.serve.settings import Settings

Value = TypeVar("Value")


@dataclass(frozen=True)
class State:
    """The parts of a running service.

    Attributes:
        settings: The settings.
        models: The served models.
        threads: Limits the number of threads that work on requests.
    """

    settings: Settings
    models: Models
    threads: CapacityLimiter

    async def in_thread(self, work: Callable[[], Value]) -> Value:
        """Run a function in a thread and return its value."""
        return await to_thread.run_sync(work, limiter=self.threads)


def _state(request: Request) -> State:
    state: State = request.app.state.service
    return state


Service = Annotated[State, Depends(_state)]
"""The state of the service, as an argument of a route."""
