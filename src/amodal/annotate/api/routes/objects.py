"""Pass 1: boxes with their labels, and the order."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Expert, Here
from amodal.annotate.api.documents import history_of, object_item, object_now, order_of, writing
from amodal.annotate.api.parameters import CONFLICT, IdPath, Limit, Offset, topic
from amodal.annotate.store import objects, orders
from amodal.annotate.store.people import project_of
from amodal.annotate.workflow.scenes import refresh

router = topic("pass 1")
VersionQuery = Annotated[int, Query(ge=0, le=schemas.MAX_ID)]


@router.post("/photos/{id}/objects", status_code=201)
def add_object(here: Here, asker: Expert, id: IdPath, asked: schemas.NewObject) -> schemas.ObjectItem:
    """A new box on a photo."""
    with here.database.write() as session:
        person = asker.person(session)
        one = objects.add_object(session, person, id, label=asked.label, box=asked.box, key=asked.key)
        refresh(session, id, project_of(session).stage)
        return object_item(session, person, one)


@router.patch("/objects/{id}", responses=CONFLICT)
def change_object(here: Here, asker: Expert, id: IdPath, asked: schemas.ObjectChange) -> schemas.ObjectItem:
    """Another label, another box."""
    with writing(here, lambda session: object_now(session, asker.person(session), id)) as session:
        one = objects.change_object(session, asker.person(session), id, **asked.model_dump())
        refresh(session, one.photo_id, project_of(session).stage)
        return object_item(session, asker.person(session), one)


@router.delete("/objects/{id}", responses=CONFLICT)
def delete_object(here: Here, asker: Expert, id: IdPath, version: VersionQuery) -> schemas.ObjectItem:
    """Take an object away; it can be brought back."""
    with writing(here, lambda session: object_now(session, asker.person(session), id)) as session:
        one = objects.delete_object(session, asker.person(session), id, version=version)
        refresh(session, one.photo_id, project_of(session).stage)
        return object_item(session, asker.person(session), one)


@router.post("/objects/{id}/restore")
def restore_object(here: Here, asker: Expert, id: IdPath) -> schemas.ObjectItem:
    """Bring a deleted object back."""
    with here.database.write() as session:
        one = objects.restore_object(session, asker.person(session), id)
        refresh(session, one.photo_id, project_of(session).stage)
        return object_item(session, asker.person(session), one)


@router.get("/objects/{id}/history")
def get_history(here: Here, asker: Anyone, id: IdPath, offset: Offset = 0, limit: Limit = 100) -> schemas.History:
    """All that was ever written about an object, as far as the asker may see it, the newest first."""
    with here.database.read() as session:
        return history_of(session, asker.person(session), id, offset=offset, limit=limit)


@router.put("/photos/{id}/order", responses=CONFLICT)
def put_order(here: Here, asker: Expert, id: IdPath, asked: schemas.OrderWrite) -> schemas.Order:
    """The whole order of a photo. One that goes in a circle is refused, with the circle named."""
    with writing(here, lambda session: order_of(session, asker.person(session), id)) as session:
        orders.put_order(session, asker.person(session), id, version=asked.version, edges=asked.edges)
        refresh(session, id, project_of(session).stage)
        return order_of(session, asker.person(session), id)
