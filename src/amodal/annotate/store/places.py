"""Who draws which object: so many places an object, and what a later stage draws anew."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Forbidden
from amodal.annotate.store.people import project_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Assignment, Mask, Object, Person, Sample, now


def in_stage(stage: int) -> ColumnElement[bool]:
    """For queries: objects that were not deleted and are drawn in a stage; the first has all, a later one a sample."""
    there = Object.deleted.is_(False)
    return there if stage == 1 else there & _sampled(stage)


def is_in_stage(session: Session, object_id: int, stage: int) -> bool:
    """Whether an object is drawn in a stage."""
    return bool(session.scalar(select(Object.id).where(Object.id == object_id, in_stage(stage))))


def take_place(session: Session, by: Person, object_id: int, stage: int, round_: int) -> None:
    """Make sure that this annotator is one of the object's; whose account is switched off makes room.

    Raises:
        Forbidden: all places are taken.
    """
    locked(session, Object, object_id, "object")  # so that two people cannot take the last one
    taken = list(
        session.scalars(select(Assignment).where(Assignment.object_id == object_id, Assignment.stage == stage))
    )
    if any(one.annotator_id == by.id for one in taken):
        return
    wanted = project_of(session).annotators_per_object
    if len(taken) < wanted:
        free = next(place for place in range(1, wanted + 1) if place not in {one.place for one in taken})
        session.add(Assignment(object_id=object_id, stage=stage, place=free, annotator_id=by.id, time=now()))
    else:
        left = next((one for one in taken if _is_gone(session, one, round_)), None)
        if left is None:
            raise Forbidden(f"object {object_id} has its {wanted} annotators already")
        left.annotator_id, left.time = by.id, now()
    session.flush()


def annotators_of(session: Session, object_id: int, stage: int) -> list[int]:
    """Ids of those who took a place."""
    wanted = select(Assignment.annotator_id).where(Assignment.object_id == object_id, Assignment.stage == stage)
    return list(session.scalars(wanted.order_by(Assignment.place)))


def places_taken(stage: int) -> ColumnElement[int]:
    """For queries over objects: how many places are taken by people who are still active."""
    return (
        select(func.count())
        .select_from(Assignment)
        .join(Person, Person.id == Assignment.annotator_id)
        .where(Assignment.object_id == Object.id, Assignment.stage == stage, Person.active)
        .correlate(Object)
        .scalar_subquery()
    )


def is_assigned(person_id: int, stage: int) -> ColumnElement[bool]:
    """For queries over objects: whether this person took a place."""
    return exists().where(
        Assignment.object_id == Object.id, Assignment.stage == stage, Assignment.annotator_id == person_id
    )


def _sampled(stage: int) -> ColumnElement[bool]:
    return exists().where(Sample.object_id == Object.id, Sample.stage == stage)


def _is_gone(session: Session, place: Assignment, round_: int) -> bool:
    person = session.get(Person, place.annotator_id)
    done = exists().where(
        Mask.object_id == place.object_id,
        Mask.annotator_id == place.annotator_id,
        Mask.stage == place.stage,
        Mask.round == round_,
        Mask.state == "done",
    )
    return person is not None and not person.active and not session.scalar(select(done))
