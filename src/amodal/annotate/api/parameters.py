"""What routes have in common: where they lie, parameters in paths and queries, answers that are no JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from amodal.annotate.api.schemas import MAX_ID, Problem, storable

IdPath = Annotated[int, Path(ge=1, le=MAX_ID)]
Offset = Annotated[int, Query(ge=0, le=MAX_ID)]
Limit = Annotated[int, Query(ge=1, le=500)]
PhotoSort = Annotated[Literal["name", "added", "objects", "worst"], Query()]
TextQuery = Annotated[str | None, Query(max_length=100), AfterValidator(lambda text: text and storable(text))]

Responses = dict[int | str, dict[str, Any]]
PICTURE: Responses = {200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}
ARCHIVE: Responses = {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Somebody was faster: current is what is there now"}}
# By reference, not as a model: FastAPI would make each of them anew for each route, a twentieth of a second in all.
# That the document of the API has a Problem is CONFLICT's doing.
PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
REFUSED: Responses = {
    status: {"content": PROBLEM, "description": said}
    for status, said in {
        400: "Not readable, or too deep",
        401: "Nobody is logged in",
        403: "Not for this role, or without the CSRF token",
        404: "There is no such thing",
        413: "Too large",
        415: "Not of the type expected",
        422: "Readable, but wrong",
        429: "Too many at once",
    }.items()
}


def topic(name: str, *, prefix: str = "", route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """Routes of one topic, whole as they stand: an application takes them as they are, and none is made twice."""
    return APIRouter(
        prefix=f"/api{prefix}",
        tags=[name],
        responses=REFUSED,
        route_class=route_class,
        generate_unique_id_function=_name_of,
    )


def _name_of(route: APIRoute) -> str:
    return route.name
