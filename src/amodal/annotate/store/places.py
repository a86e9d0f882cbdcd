"""Who draws which object: so many places an object, and what a later stage draws anew."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Forbidden
from amodal.annotate.store.people import project_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Assignment, Consensus, Mask, Object, Person, Sample, now


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
    kept = set(session.scalars(_kept(stage, literal(round_)).where(Assignment.object_id == object_id)))
    if len(kept) >= wanted:
        raise Forbidden(f"object {object_id} has its {wanted} annotators already")
    free = next(place for place in range(1, wanted + 1) if place not in kept)
    left = next((one for one in taken if one.place == free), None)
    if left is None:
        session.add(Assignment(object_id=object_id, stage=stage, place=free, annotator_id=by.id, time=now()))
    else:
        left.annotator_id, left.time = by.id, now()
    session.flush()


def places_kept(stage: int, round_: ColumnElement[int]) -> ColumnElement[int]:
    """For queries over objects: how many places others cannot have in the round that is on."""
    kept = _kept(stage, round_).where(Assignment.object_id == Object.id).correlate(Object, Consensus)
    return kept.with_only_columns(func.count()).scalar_subquery()


def is_assigned(person_id: int, stage: int) -> ColumnElement[bool]:
    """For queries over objects: whether this person took a place."""
    return exists().where(
        Assignment.object_id == Object.id, Assignment.stage == stage, Assignment.annotator_id == person_id
    )


def _sampled(stage: int) -> ColumnElement[bool]:
    return exists().where(Sample.object_id == Object.id, Sample.stage == stage)


def _kept(stage: int, round_: ColumnElement[int]) -> Select[int]:
    """The places of a stage whose people are active, or have finished the round before they left."""
    done = (  # the round may be of the query around: then Consensus is that query's
        exists()
        .where(
            Mask.object_id == Assignment.object_id,
            Mask.annotator_id == Assignment.annotator_id,
            Mask.stage == stage,
            Mask.round == round_,
            Mask.state == "done",
        )
        .correlate(Assignment, Consensus)
    )
    wanted = select(Assignment.place).join(Person, Person.id == Assignment.annotator_id)
    return wanted.where(Assignment.stage == stage, or_(Person.active, done))
