"""What the routes answer to requests that they refuse, for OpenAPI."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="What is wrong, where, and what to do next.")


_DESCRIPTIONS = {
    400: "The body is not multipart form data.",
    401: "The token is missing or wrong.",
    403: "The service does not save corrections.",
    404: "There is no such model, batch or file.",
    406: "No answer has a media type that `Accept` allows.",
    408: "The upload took too long.",
    409: "The batch is not done.",
    413: "The upload or the image is too large.",
    429: "There are too many requests or batches: come again after `Retry-After` seconds.",
    503: "The request took too long: come again after `Retry-After` seconds.",
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """Return the responses of these statuses, and those of every route: 401 and 422."""
    found: Responses = {
        status: {"model": Problem, "description": _DESCRIPTIONS[status]}
        for status in sorted({401, *statuses})
    }
    # Its detail is one line about a file, or a list of invalid parameters.
    return {**found, 422: {"description": "A file cannot be used, or a parameter is invalid."}}
