from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import AnnotateError
from amodal.annotate.store.consensus import consensus_document
from amodal.annotate.store.database import Database
from amodal.annotate.store.masks import mask_document
from amodal.annotate.store.objects import change_object, delete_object, object_document, restore_object
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import change_person, person_document
from amodal.annotate.store.photos import photo_document
from amodal.annotate.store.revisions import replayed, revisions_of
from amodal.annotate.store.tables import Consensus, Mask, Object, Order, Person, Photo
from amodal.annotate.workflow.rounds import reopen, save_mask, settle
from helpers.annotation import Team, car, photo, rectangle, team


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 40))
def test_the_revisions_tell_what_stands_in_the_tables(rolled_back: Database, seed: int, steps: int) -> None:
    with Session(rolled_back.engine, expire_on_commit=False) as session:
        all_of = team(session)
        photo(session, all_of.expert)
        chance = np.random.default_rng(seed)
        for _ in range(steps):
            _something(session, all_of, chance)
        session.expire_all()
        for kind, (table, document) in KINDS.items():
            stands = {_id(row): document(row) for row in session.scalars(select(table))}
            assert replayed(session, kind) == stands, kind
            for subject in stands:
                versions = [row.version for row in revisions_of(session, kind, subject) if not row.refused]
                assert versions == list(range(1, len(versions) + 1)), "every version is there, once"
        session.rollback()


def _order_row(row: Order) -> dict[str, Any]:
    return {"photo": row.photo_id, "edges": row.edges, "version": row.version}


KINDS: dict[str, tuple[Any, Any]] = {
    "person": (Person, person_document),
    "photo": (Photo, photo_document),
    "object": (Object, object_document),
    "order": (Order, _order_row),
    "mask": (Mask, mask_document),
    "consensus": (Consensus, consensus_document),
}


def _id(row: Any) -> int:
    return int(row.photo_id if isinstance(row, Order) else row.id)


def _something(session: Session, all_of: Team, chance: np.random.Generator) -> None:
    """One write of any kind by anybody, with a version that is often wrong; what is refused is taken back."""
    ids = list(session.scalars(select(Object.id)))
    id = int(chance.choice(ids)) if ids else 0
    expert, ann = all_of.expert, all_of.annotators[chance.integers(3)]
    version, side = int(chance.integers(0, 4)), float(chance.integers(5, 25))
    shape = rectangle(0, 0, side, side, state=str(chance.choice(["draft", "done"])))
    pair = [int(one) for one in chance.choice(ids, 2)] if ids else [1, 2]
    acts: list[Any] = [
        lambda: car(session, expert, 1, 0, 0, side, side),
        lambda: change_object(session, expert, id, version=version, box=(0, 0, side, side)),
        lambda: delete_object(session, expert, id, version=version),
        lambda: restore_object(session, expert, id),
        lambda: put_order(session, expert, 1, version=version, edges=[pair]),
        lambda: save_mask(session, ann, id, shape, version=version),
        lambda: save_mask(session, ann, id, shape, version=0),
        lambda: settle(session, expert, id, choice="vote", version=version),
        lambda: reopen(session, expert, id, version=version),
        lambda: change_person(session, all_of.manager, ann.id, active=bool(chance.random() < 0.8)),
    ]
    try:
        with session.begin_nested():
            acts[chance.integers(len(acts))]()
    except AnnotateError:
        pass
