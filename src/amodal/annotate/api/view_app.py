"""The same page, read-only, over results: fewer routes, nobody logs in, nothing is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response
from starlette.responses import FileResponse

from amodal import __version__
from amodal.annotate.api import photo_files, schemas
from amodal.annotate.api.app import finished
from amodal.annotate.api.parameters import PICTURE, REFUSED, IdPath, Limit, Offset, PhotoSort, TextQuery
from amodal.annotate.errors import Missing
from amodal.annotate.view import documents
from amodal.annotate.view.results import Methods, Shown


def create_view_app(methods: Methods, results: Path) -> FastAPI:
    """The application over what `view.open_methods` read of `results`.

    Photos have their place as id, from 1; where methods were compared those of each in turn, so that an id says which.
    """
    results = results.resolve()
    key = hashlib.sha256(os.fsencode(results)).hexdigest()[:32]
    app = FastAPI(title="amodal view", docs_url=None, redoc_url=None, openapi_url=None)
    api = APIRouter(prefix="/api", responses=REFUSED)

    count = len(methods.names)

    def found(id: int) -> tuple[str, Shown]:
        place, turn = divmod(id - 1, count)
        name, shown = methods.shown(methods.names[turn])
        if place >= len(shown):
            raise Missing(f"there is no photo {id}")
        return name, shown[place]

    def one(id: int) -> Shown:
        return found(id)[1]

    def ids_of(name: str, shown: Sequence[Shown]) -> range:
        first = methods.names.index(name) + 1
        return range(first, first + count * len(shown), count)

    def photo_of(id: int) -> Path:
        path = one(id).path
        if path is None:
            raise Missing(f"the photo {one(id).scene.image!r} was not found; say where photos are with --images")
        return path

    @api.get("/health")
    def health() -> schemas.Health:
        return schemas.Health(status="ok", version=__version__)

    @api.get("/session")
    def get_session() -> schemas.SessionInfo:
        return schemas.SessionInfo(mode="view", project=key, person=None, csrf="")

    @api.get("/project")
    def get_project() -> schemas.Project:
        return documents.project(methods.shown(None)[1], results.name)

    @api.get("/photos")
    def get_photos(
        offset: Offset = 0,
        limit: Limit = 100,
        sort: PhotoSort = "name",
        label: TextQuery = None,
        level: Annotated[schemas.Level | None, Query()] = None,
        method: TextQuery = None,
    ) -> schemas.Photos:
        name, shown = methods.shown(method)
        said = documents.photos(shown, ids_of(name, shown), offset, limit, sort, label, level)
        return said.model_copy(update={"method": name, "methods": list(methods.names)})

    @api.get("/photos/{id}")
    def get_photo(id: IdPath, method: TextQuery = None) -> schemas.PhotoDocument:
        """With a `method`, the same photo as that one has it."""
        name, photo = found(id)
        if method is not None and method != name:
            name, shown = methods.shown(method)
            same = [(other, two) for other, two in zip(ids_of(name, shown), shown, strict=True) if _same(photo, two)]
            if not same:
                raise Missing(f"{name} has no prediction of {photo.scene.image!r}")
            id, photo = same[0]
        said = documents.photo(photo, id)
        return said.model_copy(update={"method": name, "methods": list(methods.names)})

    @api.get("/photos/{id}/picture", responses=PICTURE)
    def get_picture(id: IdPath) -> Response:
        path = photo_of(id)
        return photo_files.picture(path, f"{path.stat().st_mtime_ns:x}")

    @api.get("/photos/{id}/thumbnail", responses=PICTURE)
    def get_thumbnail(id: IdPath) -> Response:
        return photo_files.small_picture(photo_of(id))

    @api.get("/photos/{id}/layers/{layer}", responses=PICTURE)
    def get_layer(id: IdPath, layer: str) -> Response:
        path = one(id).layers.get(layer)
        if path is None:
            raise Missing(f"photo {id} has no picture {layer[:50]!r}")
        return FileResponse(path, media_type="image/jpeg")

    app.include_router(api)
    return finished(app, local_only=True)


def _same(one: Shown, other: Shown) -> bool:
    return one.scene.image == other.scene.image
