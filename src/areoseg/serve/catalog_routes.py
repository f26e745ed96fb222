"""Routes about the service itself: health, models and sample images."""

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from areoseg.inference.writers.styles import hex_color
from areoseg.serve.jobs import JobState
from areoseg.serve.models import ServedModel
from areoseg.serve.problems import problems
from areoseg.serve.samples import SAMPLES, sample_png
from areoseg.serve.schemas import Model, Sample
from areoseg.serve.state import Service, State
from areoseg.weights import CARD, located

router = APIRouter(tags=["service"])


@router.get("/healthz")
async def health() -> dict[Literal["status"], Literal["ok"]]:
    """Answer whether the service runs."""
    return {"status": "ok"}


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {}}, "description": "The metrics."},
        **problems(),
    },
)
async def metrics(service: Service) -> Response:
    """Return metrics in the text format of Prometheus."""
    for state in get_args(JobState):
        service.metrics.jobs.labels(state).set(service.jobs.count(state))
    text = generate_latest(service.metrics.registry)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/v1/models", responses=problems())
async def models(service: Service) -> list[Model]:
    """List the models, which are loaded if they are not yet; the first is the default."""
    return await service.in_thread(
        lambda: [_describe(service, service.models.find(name)) for name in service.models.names]
    )


@router.get("/v1/samples", responses=problems())
async def samples() -> list[Sample]:
    """List three synthetic images to try the service with."""
    return [
        Sample(name=each.name, title=each.title, url=f"/v1/samples/{each.name}")
        for each in SAMPLES.values()
    ]


@router.get(
    "/v1/samples/{name}",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "The image."},
        **problems(404),
    },
)
async def sample(service: Service, name: Annotated[str, Path()]) -> Response:
    """Return a synthetic image as a PNG file."""
    if name not in SAMPLES:
        raise HTTPException(404, f"no sample {name!r}: choose from {', '.join(SAMPLES)}")
    return Response(await service.in_thread(lambda: sample_png(name)), media_type="image/png")


def _describe(service: State, served: ServedModel) -> Model:
    predictor = served.load()
    card = located(served.path) / CARD
    return Model(
        name=served.name,
        default=served.name == service.models.names[0],
        names=list(predictor.taxonomy.names),
        colors=[hex_color(color) for color in predictor.taxonomy.colors],
        background_index=predictor.taxonomy.background,
        outlined=list(predictor.taxonomy.outlined),
        predicts_background=any(engine.predicts_background for engine in predictor.engines),
        background_threshold=predictor.background_threshold,
        card=card.read_text(encoding="utf-8") if card.is_file() else None,
    )
