"""The application: routes, gate, limits, errors in words, headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from amodal import __version__
from amodal.errors import AmodalError, InputError
from amodal.http.headers import LOCAL_HOSTS, Guarded
from amodal.http.limits import Limited
from amodal.http.problems import answer_errors, problem, without_folders
from amodal.serve.errors import Busy, Gone, Late, Stopping
from amodal.serve.gate import CLIENT_GONE, Gate
from amodal.serve.line import Line
from amodal.serve.meters import Meters
from amodal.serve.model import Served
from amodal.serve.routes import Service, router
from amodal.serve.settings import Settings
from amodal.threads import ModelThread

ABOUT = "Whole objects, hidden parts included, and who stands in front of whom: a photo in, a scene out."
_STATUS: dict[type[AmodalError], int] = {Late: 504, Stopping: 503, Gone: CLIENT_GONE}
_MAX_OTHER_BYTES = 65_536  # of bodies that are no upload; none of ours is


def create_app(
    served: Served,
    settings: Settings | None = None,
    *,
    tokens: Sequence[str] = (),
    local_only: bool = False,
    thread: ModelThread | None = None,
) -> FastAPI:
    """The application that serves a model; the model's thread ends with it.

    `local_only`: answers to this machine's own names alone, against pages elsewhere that give our address a name of
    theirs. `thread`: where the model was loaded (else it gets one of its own).
    """
    limits = settings or Settings()
    meters = Meters()
    line = Line(served.scenes, served.warm_up, limits, meters, thread)
    workers = ThreadPoolExecutor(limits.decoders, "decoder")

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        line.start()
        yield
        line.stop()
        workers.shutdown(cancel_futures=True)

    app = routed()
    app.router.lifespan_context = running
    app.state.service = Service(served, line, meters, limits, workers)
    answer_errors(app, _refused, "The server made a mistake. Its log says more.")
    app.add_middleware(
        Limited,
        max_json_bytes=_MAX_OTHER_BYTES,
        max_upload_bytes=int(limits.max_mb * 1e6),
        body_seconds=limits.body_seconds,
    )
    app.add_middleware(Gate, line=line, meters=meters, tokens=tuple(tokens))
    app.add_middleware(Guarded, hosts=LOCAL_HOSTS if local_only else None, uncached="/v1/")
    return app


def routed() -> FastAPI:
    """The application with its routes alone."""
    app = FastAPI(
        title="amodal serve",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=_name_of,
    )
    app.include_router(router)
    return app


def _refused(error: AmodalError) -> JSONResponse:
    if isinstance(error, Busy):
        return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 422)
    return problem(status, without_folders(error), error.field if isinstance(error, InputError) else "")


def _name_of(route: APIRoute) -> str:
    return route.name
