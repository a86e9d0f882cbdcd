"""The application: routes, limits, headers, the built page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from amodal.annotate.api.admission import UPLOADS
from amodal.annotate.api.page import serve_page
from amodal.annotate.api.place import BODY_SECONDS, Place
from amodal.annotate.api.problems import answer_errors
from amodal.annotate.api.routes import exchange, health, help, manager, masks, objects, photos, project, session, tasks
from amodal.annotate.api.taking_in import Register
from amodal.http.headers import LOCAL_HOSTS, Guarded
from amodal.http.limits import Limited

TOPICS = (health, session, project, photos, objects, masks, help, tasks, manager, exchange)


def create_app(place: Place) -> FastAPI:
    """The application over an open project. Photos of its folder are registered meanwhile."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        register = app.state.register = Register(place)
        register.start()
        yield
        register.stop()
        place.database.close()

    app = routed()
    app.router.lifespan_context = running
    app.state.place = place
    return finished(app, local_only=place.mode == "one-person")


def routed() -> FastAPI:
    """The application with its routes alone."""
    app = FastAPI(
        title="amodal annotate",
        version="1",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    for topic in TOPICS:
        app.router.routes.extend(topic.router.routes)
    return app


def finished(app: FastAPI, *, local_only: bool) -> FastAPI:
    """The application with its page, errors in words, limits and headers; `local_only` answers to our own names."""
    serve_page(app)
    answer_errors(app)
    app.add_middleware(Limited, upload_paths=UPLOADS, body_seconds=BODY_SECONDS)
    app.add_middleware(Guarded, hosts=LOCAL_HOSTS if local_only else None)
    return app
