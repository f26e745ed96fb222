"""The application: routes, limits, the page, and what runs beside the requests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from areoseg import __version__
from areoseg.data.readers.files import TooLargeError
from areoseg.errors import AreosegError
from areoseg.serve import batch_routes, catalog_routes, labeling_routes, segment_routes
from areoseg.serve.batcher import TimeLimitError
from areoseg.serve.jobs import TooManyJobsError
from areoseg.serve.limits import LimitMiddleware
from areoseg.serve.models import UnknownModelError
from areoseg.serve.observe import ObserveMiddleware
from areoseg.serve.security import SecurityMiddleware
from areoseg.serve.settings import Settings
from areoseg.serve.state import State

PAGE = Path(__file__).with_name("page")
"""The files of the page at `/`."""

STYLES = ("areoseg", "report/styles")
"""The style sheets that the page shares with the reports."""

SWAGGER = Path(__file__).with_name("swagger")
"""Swagger UI, the page at `/docs`; see its NOTICE for version and license."""

STATUS: dict[type[Exception], int] = {
    UnknownModelError: 404,
    TooLargeError: 413,
    TooManyJobsError: 429,
    TimeLimitError: 503,
    AreosegError: 422,
}
"""HTTP status of the errors that requests can cause; the most general one is the last."""

_RETRY = {429: "60", 503: "10"}

_CLEANING = 60.0
"""Seconds between two searches for old batches."""


def create_app(settings: Settings) -> FastAPI:
    """Return the application of a service, for any ASGI server.

    Args:
        settings: The settings.

    Raises:
        AreosegError: A model does not exist.
    """
    service = State(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The first request does not wait for the model.
        loading = asyncio.create_task(service.in_thread(service.models.find(None).load))
        cleaning = asyncio.create_task(_clean(service))
        try:
            yield
        finally:
            cleaning.cancel()
            with suppress(AreosegError):  # it is told to the requests that need the model
                await loading
            await asyncio.to_thread(service.close)

    app = FastAPI(
        title="areoseg",
        version=__version__,
        summary="Semantic segmentation of Mars rover images",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    for routes in (segment_routes, batch_routes, labeling_routes, catalog_routes):
        app.include_router(routes.router)
    app.mount("/docs", StaticFiles(directory=SWAGGER, html=True), name="docs")
    app.mount("/", StaticFiles(directory=PAGE, packages=[STYLES], html=True), name="page")
    app.add_exception_handler(AreosegError, _problem)
    # The last one that is added is the first that a request passes.
    app.add_middleware(
        LimitMiddleware, settings=settings, admission=service.admission, clock=time.monotonic
    )
    app.add_middleware(SecurityMiddleware, token=settings.token, hosts=settings.hosts)
    app.add_middleware(ObserveMiddleware, metrics=service.metrics)
    return app


async def _problem(request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    headers = {"Retry-After": _RETRY[status]} if status in _RETRY else None
    return JSONResponse({"detail": str(error)}, status, headers)


async def _clean(service: State) -> None:
    while True:
        await asyncio.sleep(_CLEANING)
        await asyncio.to_thread(service.jobs.remove_old)
