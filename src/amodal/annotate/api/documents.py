"""What `workflow.views` says of photos and objects, as the documents of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from amodal.annotate.api import schemas
from amodal.annotate.api.place import Place
from amodal.annotate.errors import Conflict, Document
from amodal.annotate.store.consensus import round_of, standing, standings
from amodal.annotate.store.masks import not_drawn
from amodal.annotate.store.people import project_of
from amodal.annotate.store.photos import box_seconds, photo_of
from amodal.annotate.store.proposals import proposal_document, verdicts_of
from amodal.annotate.store.revisions import row_of
from amodal.annotate.store.tables import Consensus, Mask, Object, Person, Photo, Proposal
from amodal.annotate.workflow.consensus import voted
from amodal.annotate.workflow.listing import photo_items
from amodal.annotate.workflow.views import history, mask_view, object_view, photo_view
from amodal.masks import CropMask


@contextmanager
def writing(place: Place, current: Callable[[Session], BaseModel | None]) -> Iterator[Session]:
    """A session as of `Database.write`; a conflict carries the document that the page knows, as it is now."""
    try:
        with place.database.write() as session:
            yield session
    except Conflict as conflict:
        with place.database.read() as session:
            there = current(session)
        said = {} if there is None else there.model_dump(mode="json", by_alias=True)
        raise Conflict(conflict.message, said) from conflict


def photo_item(session: Session, viewer: Person, photo: Photo) -> schemas.PhotoItem:
    """A photo as the list has it."""
    (item,) = photo_items(session, viewer, [photo])
    return schemas.PhotoItem(**item)


def photo_document(session: Session, viewer: Person, photo_id: int) -> schemas.PhotoDocument:
    """A photo with all that this person may see of it."""
    photo = photo_of(session, photo_id)
    view = photo_view(session, viewer, photo.id)
    rounds = _rounds(session, [one["id"] for one in view["objects"]])
    return schemas.PhotoDocument(
        photo=photo_item(session, viewer, photo),
        objects=[_object(one, photo, rounds.get(one["id"], 1)) for one in view["objects"]],
        order=schemas.Order(**view["order"]),
        proposals=[_proposal(one) for one in view["proposals"]],
        seconds=box_seconds(session, viewer, photo.id),
    )


def object_item(session: Session, viewer: Person, one: Object) -> schemas.ObjectItem:
    """One object; a deleted one too."""
    round_ = round_of(standing(session, one.id, project_of(session).stage))
    return _object(object_view(session, viewer, one), one.photo, round_)


def order_of(session: Session, viewer: Person, photo_id: int) -> schemas.Order:
    """The order of a photo with what follows from it."""
    return schemas.Order(**photo_view(session, viewer, photo_id)["order"])


def consensus_of(session: Session, viewer: Person, row: Consensus) -> schemas.Consensus:
    """Where an object stands, for who may see it."""
    said = object_item(session, viewer, row.object).consensus
    return said or schemas.Consensus(version=row.version, state="open", round=row.round)


def own_mask(session: Session, mask: Mask) -> schemas.Mask:
    """A mask that its own author has just written."""
    return schemas.Mask(**mask_view(session, mask))


def not_drawn_mask(session: Session, author: Person, object_id: int) -> schemas.Mask:
    """What stands for a mask of which nothing is written yet in the stage and the round that are on; its id is 0."""
    one, stage = row_of(session, Object, object_id, "object"), project_of(session).stage
    empty = not_drawn(one.photo, one.id, author.id, stage, round_of(standing(session, one.id, stage)))
    return schemas.Mask(**{**empty, "id": 0, "inmodal": empty["amodal"], "author": author.name})


def proposals_said(session: Session, viewer: Person, rows: Sequence[Proposal]) -> list[schemas.Proposal]:
    """Proposals with this person's verdicts."""
    verdicts = verdicts_of(session, viewer, rows)
    return [_proposal(proposal_document(row, verdicts.get(row.id, "open"))) for row in rows]


def history_of(session: Session, viewer: Person, object_id: int, *, offset: int, limit: int) -> schemas.History:
    """A page of what was written about an object, the newest first."""
    row_of(session, Object, object_id, "object")
    found = history(session, viewer, object_id)
    page = found[::-1][offset : offset + limit]
    return schemas.History(
        revisions=[schemas.Revision(subject_id=one["subject"], **one) for one in page], total=len(found)
    )


def _object(view: Document, photo: Photo, round_: int) -> schemas.ObjectItem:
    said = {**view, "mask": None, "consensus": None, "proposal": None, "round": round_}
    item = schemas.ObjectItem(**said)
    if view.get("mask"):
        item.mask = _of_round(schemas.Mask(**view["mask"]), round_)
    if view.get("consensus"):
        item.consensus = _with_vote(schemas.Consensus(**view["consensus"]), photo)
    if view.get("proposal"):
        item.proposal = _proposal(view["proposal"])
    return item


def _of_round(mask: schemas.Mask, round_: int) -> schemas.Mask:
    """A mask of an earlier round is what the next one begins with: saved, it will be a new one."""
    return mask if mask.round == round_ else mask.model_copy(update={"version": 0, "state": "draft"})


def _with_vote(said: schemas.Consensus, photo: Photo) -> schemas.Consensus:
    """What is not decided shows the vote as it would be, to those who see the masks."""
    if said.amodal is not None or not said.masks:
        return said
    whole = voted([_mask(one.amodal) for one in said.masks])
    seen = voted([_mask(one.inmodal) for one in said.masks]).intersection(whole)
    vote = {"amodal": schemas.Rle(**whole.to_coco_rle()), "inmodal": schemas.Rle(**seen.to_coco_rle())}
    return said.model_copy(update=vote)


def _mask(rle: schemas.Rle) -> CropMask:
    return CropMask.from_coco_rle(rle.model_dump())


def _proposal(said: Mapping[str, Any]) -> schemas.Proposal:
    return schemas.Proposal(object_id=said["object"], **{key: said[key] for key in said if key != "object"})


def _rounds(session: Session, ids: Sequence[int]) -> dict[int, int]:
    stage = project_of(session).stage
    return {id: round_of(row) for (id, _), row in standings(session, ids, stage).items()}


def object_now(session: Session, viewer: Person, object_id: int) -> schemas.ObjectItem | None:
    """An object as it is, deleted or not; None where there never was one."""
    one = session.get(Object, object_id)
    return None if one is None else object_item(session, viewer, one)
