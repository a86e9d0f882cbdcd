from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import AnnotateError
from amodal.annotate.store.database import Database
from amodal.annotate.store.objects import change_object, delete_object, restore_object
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import change_person
from amodal.annotate.store.tables import Object
from amodal.annotate.workflow.rounds import reopen, save_mask, settle
from helpers.annotate_rows import check_revisions
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
        check_revisions(session)
        session.rollback()


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
