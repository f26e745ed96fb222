"""`POST /v1/segment`: segment one image."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Header, HTTPException, Query, Response, UploadFile

from areoseg.serve.batcher import time_limit
from areoseg.serve.problems import problems
from areoseg.serve.schemas import Bundle, Segmentation
from areoseg.serve.segmenting import ANSWERS, as_bundle, as_json, read_upload, segment
from areoseg.serve.state import Service

router = APIRouter(tags=["segment"])

Output = Literal["json", "mask", "overlay", "confidence", "probabilities", "geojson", "bundle"]

_JSON: dict[str, Callable[..., Segmentation]] = {"json": as_json, "bundle": as_bundle}

_FILES = {
    answer.media_type: {"schema": {"type": "string", "format": "binary"}}
    for answer in ANSWERS.values()
    if answer.suffix
}


@router.post(
    "/v1/segment",
    response_model=Segmentation | Bundle,
    responses={
        200: {"content": _FILES, "description": "The segmentation."},
        **problems(400, 404, 406, 408, 413, 429, 503),
    },
)
async def segment_image(
    service: Service,
    image: Annotated[UploadFile, File(description="PNG, JPEG, TIFF, PDS3, PDS4 or VICAR.")],
    output: Annotated[Output | None, Query(description="Default: by `Accept`, or json.")] = None,
    model: Annotated[str | None, Query(description="Default: the first served model.")] = None,
    accept: Annotated[str, Header()] = "*/*",
) -> Response:
    """Segment one image; `output` or the header `Accept` chooses the answer."""
    started = time.perf_counter()
    name = output or accepted(accept)
    answer = ANSWERS[name]
    served = service.models.find(model)

    def work() -> Response:
        predictor = served.load()
        with (
            time_limit(service.settings.time_limit),
            service.large_images.reading(lambda: read_upload(image.file, image.filename)) as read,
        ):
            result = segment(predictor, read, answer.files)
        if name in _JSON:
            value = _JSON[name](result, model=served.name, started=started)
            return Response(value.model_dump_json(), media_type=answer.media_type)
        return Response(
            result.files[answer.files[0]],
            media_type=answer.media_type,
            headers={"Content-Disposition": attachment(f"{read.name}{answer.suffix}")},
        )

    return await service.in_thread(work)


def accepted(header: str) -> str:
    """Return the answer that an `Accept` header prefers.

    Raises:
        HTTPException: No answer has a media type that it allows.
    """
    ranges: list[tuple[float, str]] = []
    for part in header.split(","):
        kind, *parameters = (each.strip() for each in part.lower().split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        with suppress(ValueError):
            ranges.append((float(quality), kind))
    for weight, kind in sorted(ranges, key=lambda each: -each[0]):
        for name, answer in ANSWERS.items():
            major = answer.media_type.split("/")[0]
            if weight > 0 and kind in (answer.media_type, f"{major}/*", "*/*"):
                return name
    kinds = ", ".join(dict.fromkeys(answer.media_type for answer in ANSWERS.values()))
    raise HTTPException(406, f"Accept {header[:100]!r}: choose from {kinds}, or use ?output=")


def attachment(name: str) -> str:
    """Return a `Content-Disposition` header for a file name of any characters."""
    plain = PurePosixPath(name).name.encode("ascii", "replace").decode().replace('"', "'")
    return f"attachment; filename=\"{plain.replace('?', '_')}\"; filename*=UTF-8''{quote(name)}"
