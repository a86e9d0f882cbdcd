"""Pass 2: masks, and what becomes of them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Asker, Expert, Here
from amodal.annotate.api.documents import consensus_of, not_drawn_mask, object_now, own_mask, writing
from amodal.annotate.api.parameters import CONFLICT, IdPath, topic
from amodal.annotate.store.masks import Drawn
from amodal.annotate.workflow import rounds

router = topic("pass 2")


@router.put("/objects/{id}/mask", responses=CONFLICT)
def put_mask(here: Here, asker: Anyone, id: IdPath, asked: schemas.MaskWrite) -> schemas.Mask:
    """Save the asker's own mask, as an annotator. Where another window was faster, 409 has that mask.

    Nothing is lost: what is refused because the object was settled or the role changed meanwhile is in the history.
    """
    drawn = Drawn(**asked.model_dump(exclude={"version"}))
    with writing(here, lambda session: _mask_now(session, asker, id)) as session:
        mask = rounds.save_mask(session, asker.person(session), id, drawn, version=asked.version)
        return own_mask(session, mask)


@router.post("/objects/{id}/settle", responses=CONFLICT)
def settle(here: Here, asker: Expert, id: IdPath, asked: schemas.Settle) -> schemas.Consensus:
    """The expert's word on an object, at any time."""
    with writing(here, lambda session: _standing_now(session, asker, id)) as session:
        person = asker.person(session)
        return consensus_of(session, person, rounds.settle(session, person, id, **asked.model_dump()))


@router.post("/objects/{id}/reopen", responses=CONFLICT)
def reopen(here: Here, asker: Expert, id: IdPath, asked: schemas.Reopen) -> schemas.Consensus:
    """Take a decision back; the annotators may change their masks of the last round again."""
    with writing(here, lambda session: _standing_now(session, asker, id)) as session:
        person = asker.person(session)
        return consensus_of(session, person, rounds.reopen(session, person, id, version=asked.version))


def _mask_now(session: Session, asker: Asker, id: int) -> schemas.Mask | None:
    one = object_now(session, asker.person(session), id)
    return None if one is None else one.mask or not_drawn_mask(session, asker.person(session), id)


def _standing_now(session: Session, asker: Asker, id: int) -> schemas.Consensus | None:
    one = object_now(session, asker.person(session), id)
    return None if one is None else one.consensus or schemas.Consensus(version=0, state="open", round=1)
