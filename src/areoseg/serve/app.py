"""The application: routes, limits and the page."""

from pathlib import Path

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from areoseg import __version__
from areoseg.data.readers.files import TooLargeError
from areoseg.errors import AreosegError
from areoseg.serve import catalog_routes, segment_routes
from areoseg.serve.models import Models, UnknownModelError
from areoseg.serve.settings import Settings
from areoseg.serve.state import State

PAGE = Path(__file__).with_name("page")
"""The files of the page at `/`."""

STYLES = ("areoseg", "report/styles")
"""The style sheets that the page shares with the reports."""

STATUS = {UnknownModelError: 404, TooLargeError: 413, AreosegError: 422}
"""HTTP status of the errors that requests can cause, from the most special one."""


def create_app(settings: Settings) -> FastAPI:
    """Return the application of a service.

    Args:
        settings: The settings.

    Raises:
        AreosegError: A model does not exist.
    """
    app = FastAPI(
        title="areoseg",
        version=__version__,
        summary="Semantic segmentation of Mars rover images",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = State(
        settings=settings,
        models=Models(settings.models, device=settings.device, wrap=lambda predictor: None),
        threads=CapacityLimiter(settings.queue),
    )
    app.include_router(segment_routes.router)
    app.include_router(catalog_routes.router)
    app.mount("/", StaticFiles(directory=PAGE, packages=[STYLES], html=True), name="page")
    app.add_exception_handler(AreosegError, _problem)
    return app


async def _problem(request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return JSONResponse({"detail": str(error)}, status)
