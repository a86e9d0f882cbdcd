"""What can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, cast

from fastapi import APIRouter, Depends, File, Form, Request, Response, Security, UploadFile
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST

from amodal import __version__
from amodal.serve import schemas
from amodal.serve.answers import MaskForm, answer_of
from amodal.serve.asking import job_of, plain_name
from amodal.serve.errors import Gone, Late
from amodal.serve.line import Line
from amodal.serve.meters import Meters
from amodal.serve.model import Served
from amodal.serve.settings import Settings


@dataclass(frozen=True)
class Service:
    """All that answers need. `workers` decode photos and write answers."""

    served: Served
    line: Line
    meters: Meters
    settings: Settings
    workers: ThreadPoolExecutor


def service_of(request: Request) -> Service:
    """The service behind the application."""
    return cast(Service, request.app.state.service)


Here = Annotated[Service, Depends(service_of)]
T = TypeVar("T")

# The gate looks at tokens; this says so in the OpenAPI document.
_token = Security(HTTPBearer(auto_error=False, description="Asked for where the server was started with a token"))
router = APIRouter()


@router.post(
    "/v1/segment",
    tags=["scenes"],
    response_class=Response,
    responses={200: {"model": schemas.SceneDocument, "description": "The scene"}, **schemas.REFUSED},
    dependencies=[_token],
)
async def segment(
    request: Request,
    here: Here,
    photo: Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000 or AVIF")],
    boxes: Annotated[
        str | None,
        Form(
            description="JSON: the box of each object, [x0, y0, x1, y1] in pixels, and its class where it is known. "
            "Without boxes a detector finds the objects.",
            examples=[schemas.BOXES_EXAMPLE],
        ),
    ] = None,
    boxes_are: Annotated[
        Literal["amodal", "visible"], Form(description="What the boxes hold: whole objects or their visible parts")
    ] = "amodal",
    least_score: Annotated[
        float, Form(ge=0, le=1, description="Score from which an object that the detector found counts")
    ] = 0.5,
    masks: Annotated[MaskForm, Form(description="How masks are written")] = "rle",
) -> Response:
    """The whole and visible mask of every object of a photo, and who stands in front of whom."""
    loop = asyncio.get_running_loop()

    async def answered() -> bytes:
        with here.line.place() as place:
            job = await loop.run_in_executor(
                here.workers, job_of, photo.file, boxes, boxes_are, least_score, here.settings
            )
            scene = await asyncio.wrap_future(place.put(job))
        return await loop.run_in_executor(here.workers, answer_of, scene, plain_name(photo.filename), masks)

    try:
        async with asyncio.timeout(here.settings.timeout_seconds):
            content = await _unless_gone(request, answered())
    except TimeoutError:
        raise Late(f"There was no answer within {here.settings.timeout_seconds:g} s; try again later.") from None
    return Response(content, media_type="application/json")


@router.get("/v1/models", tags=["scenes"], responses={401: schemas.REFUSED[401]}, dependencies=[_token])
async def models(here: Here) -> schemas.Models:
    """Which model answers, the classes it knows, and what a request may bring."""
    served = here.served
    model = schemas.Model(
        name=served.model,
        method=served.segmenter.name,
        labels=list(served.segmenter.labels),
        detector=None if served.finder is None else served.finder.name,
    )
    limits = {name: getattr(here.settings, name) for name in schemas.Limits.model_fields}
    return schemas.Models(version=__version__, models=[model], limits=schemas.Limits(**limits))


_SICK: dict[int | str, dict[str, Any]] = {503: {"model": schemas.Health}}


@router.get("/healthz", tags=["health"], response_model=schemas.Health, responses=_SICK)
async def health(here: Here) -> Response:
    """Whether the server is alive; if not, only a restart helps."""
    return _health("ok" if here.line.is_alive else "broken")


@router.get("/readyz", tags=["health"], response_model=schemas.Health, responses=_SICK)
async def ready(here: Here) -> Response:
    """Whether a photo that comes now would be taken: the model is warm, the queue has room."""
    if here.line.is_ready:
        return _health("ok")
    return _health("busy" if here.line.is_full else "starting" if here.line.is_alive else "broken")


@router.get(
    "/metrics",
    tags=["health"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, 401: schemas.REFUSED[401]},
    dependencies=[_token],
)
async def metrics(here: Here) -> Response:
    """Counters and timings, for Prometheus."""
    return Response(here.meters.text(), media_type=CONTENT_TYPE_LATEST)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What the work gives; it is given up when the client goes, which frees its place in the line."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone("The client went away.")
        return working.result()
    finally:
        gone.cancel()
        working.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _health(status: Literal["ok", "starting", "busy", "broken"]) -> Response:
    return JSONResponse({"status": status}, 200 if status == "ok" else 503)
