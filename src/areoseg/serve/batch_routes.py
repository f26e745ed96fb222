"""`/v1/batches`: segment many images as a job."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, File, HTTPException, Query, Response, UploadFile
from fastapi.responses import FileResponse

from areoseg.inference.writers import DEFAULT_OUTPUTS, checked_outputs
from areoseg.serve.jobs import Job
from areoseg.serve.problems import problems
from areoseg.serve.schemas import Batch
from areoseg.serve.segmenting import safe_name, save_upload, unique_names
from areoseg.serve.state import Service

router = APIRouter(tags=["batches"])

Output = Literal[
    "masks", "overlays", "probabilities", "confidence", "entropy", "polygons", "shares", "gallery"
]


@router.post("/v1/batches", status_code=202, responses=problems(400, 404, 408, 413, 429))
async def start_batch(
    service: Service,
    response: Response,
    images: Annotated[
        list[UploadFile], File(description="Images, with their detached labels and masks.")
    ],
    outputs: Annotated[list[Output] | None, Query(description="What to write.")] = None,
    model: Annotated[str | None, Query(description="Default: the first served model.")] = None,
) -> Batch:
    """Segment many images, as `areoseg predict` does; the answer has the `id` of the job."""
    served = service.models.find(model)

    def work() -> Job:
        chosen = checked_outputs(outputs or DEFAULT_OUTPUTS)
        service.jobs.check_place()
        folder = Path(tempfile.mkdtemp(prefix="areoseg-job-"))
        (folder / "images").mkdir()
        names = unique_names([safe_name(image.filename) for image in images])
        job = Job(folder, served, chosen, tuple(names))
        try:
            for image, name in zip(images, names, strict=True):
                save_upload(image.file, folder / "images" / name)
            service.jobs.add(job)
        except BaseException:
            job.discard()
            raise
        return job

    job = await service.in_thread(work)
    response.headers["Location"] = f"/v1/batches/{job.id}"
    return _batch(job)


@router.get("/v1/batches/{id}", responses=problems(404))
async def batch_progress(service: Service, id: str) -> Batch:
    """Return the state and the progress of a batch."""
    return _batch(_find(service, id))


@router.get(
    "/v1/batches/{id}/result",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The outputs."},
        **problems(404, 409),
    },
)
async def batch_result(service: Service, id: str) -> FileResponse:
    """Return the outputs of a batch that is done, as a zip file."""
    job = _find(service, id)
    if job.state != "done":
        raise HTTPException(409, job.error or f"this batch is {job.state}: wait until it is done")
    return FileResponse(job.result, media_type="application/zip", filename="areoseg.zip")


@router.delete("/v1/batches/{id}", status_code=204, responses=problems(404))
async def remove_batch(service: Service, id: str) -> None:
    """Stop a batch and remove its files."""
    job = _find(service, id)
    await service.in_thread(lambda: service.jobs.remove(job.id))


def _find(service: Service, id: str) -> Job:
    job = service.jobs.get(id)
    if job is None:
        raise HTTPException(404, "no such batch: batches are removed after a while")
    return job


def _batch(job: Job) -> Batch:
    return Batch(
        id=job.id,
        state=job.state,
        model=job.model.name,
        total=job.total,
        done=job.done,
        failed=job.failed,
        ignored=list(job.ignored),
        error=job.error,
        result=f"/v1/batches/{job.id}/result" if job.state == "done" else None,
    )
