"""Photos: the list, their documents and pictures, uploads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response, UploadFile

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Here, Manager
from amodal.annotate.api.parameters import PICTURE, IdPath, Limit, Offset, PhotoSort, TextQuery

router = APIRouter(tags=["photos"])


@router.get("/photos")
def get_photos(
    here: Here,
    asker: Anyone,
    offset: Offset = 0,
    limit: Limit = 100,
    sort: PhotoSort = "name",
    label: TextQuery = None,
    level: Annotated[schemas.Level | None, Query()] = None,
) -> schemas.Photos:
    """A page of the list, of photos with objects of this class and level of occlusion."""
    raise NotImplementedError


@router.post("/photos", status_code=201)
def add_photos(here: Here, asker: Manager, files: list[UploadFile]) -> schemas.Uploaded:
    """Take photos in; each is decoded first, and none is taken if one is refused."""
    raise NotImplementedError


@router.get("/photos/{id}")
def get_photo(here: Here, asker: Anyone, id: IdPath) -> schemas.PhotoDocument:
    """A photo with its objects and order. Annotators see their own masks, and what is settled."""
    raise NotImplementedError


@router.get("/photos/{id}/picture", response_class=Response, responses=PICTURE)
def get_picture(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo itself."""
    raise NotImplementedError


@router.get("/photos/{id}/thumbnail", response_class=Response, responses=PICTURE)
def get_thumbnail(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo within 320 × 320 px."""
    raise NotImplementedError
