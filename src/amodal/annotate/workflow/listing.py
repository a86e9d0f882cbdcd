"""The list of photos as one person may see it: how far each is, searched by class and level, the worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Forbidden, Invalid
from amodal.annotate.store.consensus import OVER
from amodal.annotate.store.masks import several_drew
from amodal.annotate.store.people import project_of
from amodal.annotate.store.places import in_stage
from amodal.annotate.store.tables import Consensus, Mask, Object, Person, Photo
from amodal.annotate.workflow.tasks import objects_to_draw, objects_to_settle
from amodal.annotate.workflow.views import is_blind
from amodal.scene import LAST_SCORED, LEVEL_ENDS, LEVELS

SORTS = ("name", "added", "objects", "worst")


@dataclass(frozen=True)
class Wanted:
    """Which photos: a page of the list, sorted, with an object of this class and of this level."""

    offset: int = 0
    limit: int = 50
    sort: str = "name"
    label: str | None = None
    level: str | None = None


def photo_list(session: Session, viewer: Person, wanted: Wanted) -> tuple[list[Document], int]:
    """A page of photos, and how many there are in all.

    Raises:
        Forbidden: an annotator asks for the worst first, or for a level: both come from what others drew.
        Invalid: no such sort or level.
    """
    _check(viewer, wanted)
    worst = _worst(project_of(session).stage)
    chosen = select(Photo).where(*_filters(wanted))
    total = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    objects = select(func.count()).where(Object.photo_id == Photo.id, Object.deleted.is_(False))
    by = {
        "name": (Photo.name,),
        "added": (Photo.added, Photo.id),
        "objects": (objects.correlate(Photo).scalar_subquery().desc(), Photo.name),
        "worst": (func.coalesce(worst, 2.0), Photo.name),
    }[wanted.sort]
    page = list(session.scalars(chosen.order_by(*by).offset(wanted.offset).limit(wanted.limit)))
    return photo_items(session, viewer, page), total


def photo_items(session: Session, viewer: Person, photos: Sequence[Photo]) -> list[Document]:
    """Photos with counts of their objects; `done` of `of` are the viewer's own where it is an annotator.

    `to_settle`: the objects that wait for the viewer's decision, where it is an expert.
    """
    ids = [photo.id for photo in photos]
    stage = project_of(session).stage
    objects = _counts(session, select(Object.photo_id, Object.id).where(Object.deleted.is_(False)), ids)
    in_this = _counts(session, select(Object.photo_id, Object.id).where(in_stage(stage)), ids)
    settled = _settled(session, stage, ids)
    settled_first = settled if stage == 1 else _settled(session, 1, ids)
    begun = select(Object.photo_id, Object.id).where(exists().where(Mask.object_id == Object.id, Mask.stage == stage))
    drawn = _counts(session, begun.where(in_stage(stage)), ids)
    blind = is_blind(viewer)
    own_done, own_of = _own(session, viewer, ids) if blind else (settled, in_this)
    lowest = select(Photo.id, _worst(stage)).where(Photo.id.in_(ids))
    worst: dict[int, float | None] = {} if blind else dict(session.execute(lowest).all())
    waiting = _to_settle(session, viewer, ids)
    items = []
    for photo in photos:
        done, of = own_done.get(photo.id, 0), own_of.get(photo.id, 0)
        # A photo that the stage draws nothing of anew is as done as the first stage left it.
        was_done = not of and settled_first.get(photo.id) == objects.get(photo.id)
        begun_here = own_done.get(photo.id, 0) if blind else drawn.get(photo.id, 0)
        items.append(
            {
                "id": photo.id,
                "name": photo.name,
                "width": photo.width,
                "height": photo.height,
                "objects": objects.get(photo.id, 0),
                "boxed": photo.boxed_at is not None,
                "state": _state(photo, objects.get(photo.id, 0), begun_here, was_done or (of > 0 and done == of)),
                "done": done,
                "of": of,
                "worst": worst.get(photo.id),
                "to_settle": waiting[photo.id],
            }
        )
    return items


def _settled(session: Session, stage: int, ids: Sequence[int]) -> dict[int, int]:
    over = and_(Consensus.object_id == Object.id, Consensus.stage == stage, Consensus.state.in_(OVER))
    return _counts(session, select(Object.photo_id, Object.id).join(Consensus, over).where(in_stage(stage)), ids)


def _state(photo: Photo, objects: int, begun: int, done: bool) -> str:
    if not objects:
        return "new" if photo.boxed_at is None else "done"
    if done and photo.boxed_at is not None:
        return "done"
    if begun:
        return "drawing"
    return "boxing" if photo.boxed_at is None else "boxes"


def _own(session: Session, viewer: Person, ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """What an annotator has finished of each photo, and of how many objects."""
    project = project_of(session)
    mine = exists().where(
        Mask.object_id == Object.id,
        Mask.annotator_id == viewer.id,
        Mask.stage == project.stage,
        Mask.state == "done",
        Mask.round == func.coalesce(Consensus.round, 1),
    )
    joined = (
        select(Object.photo_id, Object.id)
        .outerjoin(Consensus, and_(Consensus.object_id == Object.id, Consensus.stage == project.stage))
        .where(mine, in_stage(project.stage))
    )
    done = _counts(session, joined, ids)
    left = objects_to_draw(viewer, project).order_by(None).subquery()
    rows = select(left.c.photo_id, func.count()).where(left.c.photo_id.in_(ids)).group_by(left.c.photo_id)
    of = defaultdict(int, done)
    for photo_id, count in session.execute(rows):
        of[photo_id] += count
    return done, dict(of)


def _to_settle(session: Session, viewer: Person, ids: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    if "expert" in viewer.roles:
        queue = objects_to_settle(viewer, project_of(session)).where(Object.photo_id.in_(ids))
        for row in session.execute(queue):
            found[row.photo_id].append(row.object_id)
    return found


def _counts(session: Session, objects: Select[int, int], ids: Sequence[int]) -> dict[int, int]:
    rows = objects.where(Object.photo_id.in_(ids)).subquery()
    return dict(session.execute(select(rows.c.photo_id, func.count()).group_by(rows.c.photo_id)).all())


def _worst(stage: int) -> ScalarSelect[float]:
    """For queries over photos: the lowest agreement of its objects that several drew."""
    return (
        select(func.min(Consensus.agreement))
        .join(Object, Object.id == Consensus.object_id)
        .where(Object.photo_id == Photo.id, Object.deleted.is_(False), Consensus.stage == stage, several_drew(stage))
        .correlate(Photo)
        .scalar_subquery()
    )


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    here: list[ColumnElement[bool]] = [Object.photo_id == Photo.id, Object.deleted.is_(False)]
    if wanted.label is not None:
        here.append(Object.label == wanted.label)
    if wanted.level is not None:
        here += [Consensus.object_id == Object.id, *_in_level(wanted.level)]
    return [exists().where(*here)] if wanted.label is not None or wanted.level is not None else []


def _in_level(level: str) -> list[ColumnElement[bool]]:
    """As `Instance.level` says it of one."""
    hidden, upper = Consensus.occlusion, dict(LEVEL_ENDS)
    lower = dict(zip(LEVELS, (0.0, *upper.values()), strict=True))
    return [hidden >= lower[level], hidden < upper[level] if level in upper else hidden <= LAST_SCORED]


def _check(viewer: Person, wanted: Wanted) -> None:
    if wanted.sort not in SORTS:
        raise Invalid(f"sort: found {wanted.sort!r}, expected one of {', '.join(SORTS)}", "sort")
    if wanted.level is not None and wanted.level not in LEVELS:
        raise Invalid(f"level: found {wanted.level!r}, expected one of {', '.join(LEVELS)}", "level")
    if is_blind(viewer) and (wanted.sort == "worst" or wanted.level is not None):
        raise Forbidden("agreement and levels come from what others drew, which annotators do not see")
