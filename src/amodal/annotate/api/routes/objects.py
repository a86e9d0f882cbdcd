"""Pass 1: boxes with their labels, and the order."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Expert, Here
from amodal.annotate.api.parameters import CONFLICT, IdPath

router = APIRouter(tags=["pass 1"])
VersionQuery = Annotated[int, Query(ge=0, le=schemas.MAX_ID)]


@router.post("/photos/{id}/objects", status_code=201)
def add_object(here: Here, asker: Expert, id: IdPath, asked: schemas.NewObject) -> schemas.ObjectItem:
    """A new box on a photo."""
    raise NotImplementedError


@router.patch("/objects/{id}", responses=CONFLICT)
def change_object(here: Here, asker: Expert, id: IdPath, asked: schemas.ObjectChange) -> schemas.ObjectItem:
    """Another label, another box."""
    raise NotImplementedError


@router.delete("/objects/{id}", responses=CONFLICT)
def delete_object(here: Here, asker: Expert, id: IdPath, version: VersionQuery) -> schemas.ObjectItem:
    """Take an object away; it can be brought back."""
    raise NotImplementedError


@router.post("/objects/{id}/restore")
def restore_object(here: Here, asker: Expert, id: IdPath) -> schemas.ObjectItem:
    """Bring a deleted object back."""
    raise NotImplementedError


@router.get("/objects/{id}/history")
def get_history(here: Here, asker: Anyone, id: IdPath) -> schemas.History:
    """All that was ever written about an object, as far as the asker may see it."""
    raise NotImplementedError


@router.put("/photos/{id}/order", responses=CONFLICT)
def put_order(here: Here, asker: Expert, id: IdPath, asked: schemas.OrderWrite) -> schemas.Order:
    """The whole order of a photo. One that goes in a circle is refused, with the circle named."""
    raise NotImplementedError
