"""Limits on requests: size of the body, number of requests and of large images in progress."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from areoseg.data.readers.files import TooLargeError, pixel_limit
from areoseg.serve.batcher import TimeLimitError
from areoseg.serve.settings import MEGABYTE, Settings

Value = TypeVar("Value")

WORK = ("/v1/segment", "/v1/batches", "/v1/corrections")
"""Addresses whose POST requests upload images."""

SMALL = 4_000_000
"""Number of pixels up to which an image is not large."""

_MULTIPART = 1 << 16  # bytes of the parts' headers


class Admission:
    """Counts the requests with uploads that are in progress, and how long they take.

    Args:
        limit: The maximum number of requests.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self._seconds = 1.0

    def finished(self, seconds: float) -> None:
        """Record the duration of a request, as an exponential moving average."""
        self._seconds += 0.1 * (seconds - self._seconds)

    @property
    def retry_after(self) -> int:
        """Whole seconds after which a place is probably free."""
        return max(1, ceil(self._seconds))


class LargeImages:
    """Lets few large images be in memory at a time, whatever the number of requests.

    Args:
        count: Number of large images.
        max_pixels: Maximum number of pixels of any image.
        seconds: Maximum time to wait for a place.
    """

    def __init__(self, count: int, *, max_pixels: int, seconds: float) -> None:
        self._places = threading.BoundedSemaphore(count)
        self._max_pixels = max_pixels
        self._seconds = seconds

    @contextmanager
    def reading(self, read: Callable[[], Value]) -> Iterator[Value]:
        """Yield what `read` returns; if it is large, its place is kept until the block ends.

        Raises:
            TooLargeError: The image has too many pixels.
            TimeLimitError: No place became free in time.
        """
        try:
            with pixel_limit(min(SMALL, self._max_pixels)):
                image = read()
        except TooLargeError:
            pass
        else:
            yield image
            return
        if not self._places.acquire(timeout=self._seconds):
            raise TimeLimitError("too many large images at a time: try again later")
        try:
            with pixel_limit(self._max_pixels):
                image = read()
            yield image
        finally:
            self._places.release()


class LimitMiddleware:
    """Refuses bodies that are too large and requests that are too many, before they are read.

    Args:
        app: The application.
        settings: The limits.
        admission: Counts the requests.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        admission: Admission,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._settings = settings
        self._admission = admission
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_batch = scope["path"] == "/v1/batches"
        limit = self._settings.max_batch_upload if is_batch else self._settings.max_upload
        limit += _MULTIPART
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        seconds = self._settings.time_limit * max(1.0, limit / self._settings.max_upload)
        limited = _limited(receive, limit, seconds)
        if scope["method"] != "POST" or scope["path"] not in WORK:
            await self._app(scope, limited, send)
            return
        if self._admission.count >= self._admission.limit:
            detail = f"{self._admission.count} requests are in progress already: try again later"
            headers = {"Retry-After": str(self._admission.retry_after)}
            await JSONResponse({"detail": detail}, 429, headers)(scope, receive, send)
            return
        self._admission.count += 1
        started = self._clock()
        try:
            await self._app(scope, limited, send)
        finally:
            self._admission.count -= 1
            self._admission.finished(self._clock() - started)


def _limited(receive: Receive, limit: int, seconds: float) -> Receive:
    """Return `receive` with a limit on the bytes of the body, and on the time that it takes."""
    received, complete = 0, False
    deadline = asyncio.get_running_loop().time() + seconds

    async def limited() -> Message:
        nonlocal received, complete
        if complete:  # it waits for the client to disconnect
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the upload took more than {seconds:g} s") from None
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if received > limit:
            raise HTTPException(413, _message(limit))
        return message

    return limited


def _too_large(limit: int) -> JSONResponse:
    return JSONResponse({"detail": _message(limit)}, 413)


def _message(limit: int) -> str:
    return f"the upload is larger than {limit // MEGABYTE} MB: send fewer or smaller images"
