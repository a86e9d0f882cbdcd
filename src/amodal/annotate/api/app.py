"""The application: routes, limits, headers, the built page."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from amodal.annotate.api.parameters import REFUSED
from amodal.annotate.api.routes import exchange, health, help, manager, masks, objects, photos, project, session, tasks

TOPICS = (health, session, project, photos, objects, masks, help, tasks, manager, exchange)


def routed() -> FastAPI:
    """The application with its routes alone."""
    app = FastAPI(
        title="amodal annotate",
        version="1",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=_name_of,
    )
    api = APIRouter(prefix="/api", responses=REFUSED)
    for topic in TOPICS:
        api.include_router(topic.router)
    app.include_router(api)
    return app


def _name_of(route: APIRoute) -> str:
    return route.name
