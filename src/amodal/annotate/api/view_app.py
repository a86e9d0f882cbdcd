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
from amodal.annotate.view.results import Shown


def create_view_app(shown: Sequence[Shown], results: Path) -> FastAPI:
    """The application over what `view.open_results` read of `results`; photos have their place, from 1, as id."""
    results = results.resolve()
    key = hashlib.sha256(os.fsencode(results)).hexdigest()[:32]
    app = FastAPI(title="amodal view", docs_url=None, redoc_url=None, openapi_url=None)
    api = APIRouter(prefix="/api", responses=REFUSED)

    def one(id: int) -> Shown:
        if id > len(shown):
            raise Missing(f"there is no photo {id}")
        return shown[id - 1]

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
        return documents.project(shown, results.name)

    @api.get("/photos")
    def get_photos(
        offset: Offset = 0,
        limit: Limit = 100,
        sort: PhotoSort = "name",
        label: TextQuery = None,
        level: Annotated[schemas.Level | None, Query()] = None,
    ) -> schemas.Photos:
        return documents.photos(shown, offset, limit, sort, label, level)

    @api.get("/photos/{id}")
    def get_photo(id: IdPath) -> schemas.PhotoDocument:
        return documents.photo(one(id), id)

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
