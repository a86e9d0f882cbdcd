"""Where objects stand between their annotators: the round that is on, and the mask once it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import rle_of
from amodal.annotate.store.tables import Consensus, Object, Person, now

OPEN, DISPUTED, AGREED, SETTLED = "open", "disputed", "agreed", "settled"
STANDINGS = (OPEN, DISPUTED, AGREED, SETTLED)
OVER = (AGREED, SETTLED)
"""States in which an object has its mask: voted with enough agreement, or decided by the expert."""

LOST = "lost decision"  # the kind of revisions of what an expert sent where no decision stands to be a version of


def standing(session: Session, object_id: int, stage: int) -> Consensus | None:
    """Where an object stands; None while no round has ended."""
    wanted = select(Consensus).where(Consensus.object_id == object_id, Consensus.stage == stage)
    return session.scalars(wanted.execution_options(populate_existing=True)).first()


def standings(
    session: Session, object_ids: Iterable[int], stage: int | None = None
) -> dict[tuple[int, int], Consensus]:
    """(object id, stage) -> where it stands."""
    wanted = select(Consensus).where(Consensus.object_id.in_(list(object_ids)))
    if stage is not None:
        wanted = wanted.where(Consensus.stage == stage)
    return {(row.object_id, row.stage): row for row in session.scalars(wanted)}


def round_of(row: Consensus | None) -> int:
    """The round that is on."""
    return 1 if row is None else row.round


def put_standing(session: Session, by: Person | None, one: Object, stage: int, **values: Any) -> Consensus:
    """Write where an object stands now; what `values` leave out stays."""
    row = standing(session, one.id, stage)
    if row is None:
        row = Consensus(object_id=one.id, stage=stage, round=1, state=OPEN, version=0, time=now())
        session.add(row)
    for field, value in values.items():
        setattr(row, field, value)
    row.version, row.author_id, row.time = row.version + 1, None if by is None else by.id, now()
    session.flush()
    revisions.record(session, "consensus", row.id, row.version, by, consensus_document(row))
    return row


def consensus_document(row: Consensus) -> Document:
    """A row in plain values; `inmodal` is None where it is derived from the order."""
    photo = row.object.photo
    return {
        "id": row.id,
        "object": row.object_id,
        "stage": row.stage,
        "round": row.round,
        "state": row.state,
        "agreement": row.agreement,
        "amodal": None if row.amodal is None else rle_of(row.amodal, photo),
        "inmodal": None if row.inmodal is None else rle_of(row.inmodal, photo),
        "choice": row.choice,
        "mask": row.mask_id,
        "version": row.version,
        "author": row.author_id,
        "time": row.time.isoformat(),
    }
