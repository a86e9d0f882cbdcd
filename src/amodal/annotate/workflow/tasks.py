"""What each person is asked to do next: photos for the expert, objects for annotators, disputes for the expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Forbidden, Invalid
from amodal.annotate.store.consensus import DISPUTED, OPEN
from amodal.annotate.store.people import project_of
from amodal.annotate.store.places import in_stage, is_assigned, places_kept, take_place
from amodal.annotate.store.tables import Consensus, Mask, Object, Person, Photo, Project

KINDS = ("pass1", "pass2", "settle")
_ROLE = {"pass1": "expert", "pass2": "annotator", "settle": "expert"}
_ROUND = func.coalesce(Consensus.round, 1)  # the one that is on


@dataclass(frozen=True)
class Task:
    """One thing to do; `object_id` is None where it is a whole photo."""

    kind: str
    photo_id: int
    photo: str
    object_id: int | None = None
    label: str | None = None
    stage: int = 1
    round: int = 1
    state: str = "open"  # or "draft": begun


def tasks(
    session: Session, by: Person, kind: str | None = None, *, offset: int = 0, limit: int = 100
) -> tuple[list[Task], int]:
    """A person's own queue, and how long it is; without a `kind` all that the roles allow, one after the other.

    Raises:
        Forbidden, Invalid: a kind of other roles, or none.
    """
    found: list[Task] = []
    total = 0
    for one in _kinds(by, kind):
        wanted = _QUERIES[one](by, project_of(session))
        count = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
        left = limit - len(found)
        if left > 0:
            rows = session.execute(wanted.offset(max(0, offset - total)).limit(left))
            found += [_task(one, row._mapping) for row in rows]
        total += count
    return found, total


def next_task(session: Session, by: Person, kind: str | None = None) -> Task | None:
    """The first of the queue; an annotator takes a place by asking, so this writes."""
    found, _ = tasks(session, by, kind, limit=1)
    if not found:
        return None
    task = found[0]
    if task.kind == "pass2" and task.object_id is not None:
        take_place(session, by, task.object_id, task.stage, task.round)
    return task


def _kinds(by: Person, kind: str | None) -> list[str]:
    if kind is None:
        return [one for one in KINDS if _ROLE[one] in by.roles]
    if kind not in KINDS:
        raise Invalid(f"pass: found {kind!r}, expected one of {', '.join(KINDS)}", "pass")
    if _ROLE[kind] not in by.roles:
        raise Forbidden(f"{kind} is for the role {_ROLE[kind]}; {by.name} is {', '.join(by.roles)}")
    return [kind]


def _photos_to_box(by: Person, project: Project) -> Select[int, str, bool]:
    """Photos that no expert has called done, begun ones first."""
    begun = exists().where(Object.photo_id == Photo.id, Object.deleted.is_(False))
    wanted = select(Photo.id.label("photo_id"), Photo.name.label("photo"), begun.label("begun"))
    return wanted.where(Photo.boxed_at.is_(None)).order_by(begun.desc(), Photo.id)


def objects_to_draw(by: Person, project: Project) -> Select[Any]:
    """Objects that this annotator has begun, has to draw again, or may draw, in this sequence."""
    own = is_assigned(by.id, project.stage)
    may = or_(own, places_kept(project.stage, _ROUND) < project.annotators_per_object)
    wanted = _with_round(project).where(may, ~_drawn(by, project, "done"))
    wanted = wanted.add_columns(_drawn(by, project, "draft").label("begun"))
    return wanted.order_by(_drawn(by, project, "draft").desc(), own.desc(), Object.photo_id, Object.id)


def objects_to_settle(by: Person, project: Project) -> Select[Any]:
    """Objects that wait for the expert: of the last round without agreement, and those opened again since all drew."""
    all_drew = _finished(project) >= project.annotators_per_object
    waiting = or_(Consensus.state == DISPUTED, and_(Consensus.state == OPEN, all_drew))
    return _objects(project).where(waiting).order_by(Consensus.agreement, Object.id)


def _finished(project: Project) -> ColumnElement[int]:
    """How many have finished the round that is on; where all have, it has ended, but of an object opened again."""
    done = select(func.count()).select_from(Mask).where(Mask.object_id == Object.id, Mask.stage == project.stage)
    return done.where(Mask.round == _ROUND, Mask.state == "done").correlate(Object, Consensus).scalar_subquery()


def _with_round(project: Project) -> Select[Any]:
    return _objects(project).where(or_(Consensus.id.is_(None), Consensus.state == OPEN))


def _objects(project: Project) -> Select[Any]:
    """The objects of the stage, with where they stand."""
    return (
        select(
            Object.photo_id,
            Photo.name.label("photo"),
            Object.id.label("object_id"),
            Object.label,
            _ROUND.label("round"),
        )
        .join(Photo, Photo.id == Object.photo_id)
        .outerjoin(Consensus, and_(Consensus.object_id == Object.id, Consensus.stage == project.stage))
        .where(in_stage(project.stage))
        .add_columns(_constant(project.stage))
    )


def _constant(stage: int) -> ColumnElement[int]:
    return literal(stage).label("stage")


def _drawn(by: Person, project: Project, state: str) -> ColumnElement[bool]:
    """Whether this annotator has a mask of that state in the round that is on."""
    return exists().where(
        Mask.object_id == Object.id,
        Mask.annotator_id == by.id,
        Mask.stage == project.stage,
        Mask.round == _ROUND,
        Mask.state == state,
    )


def _task(kind: str, row: Any) -> Task:
    values = {key: row[key] for key in ("photo_id", "photo", "object_id", "label", "stage", "round") if key in row}
    return Task(kind, **values, state="draft" if row.get("begun") else "open")


_QUERIES = {"pass1": _photos_to_box, "pass2": objects_to_draw, "settle": objects_to_settle}
