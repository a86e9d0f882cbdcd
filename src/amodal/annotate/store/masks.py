"""Pass 2: the masks that annotators draw, and who may see which. `workflow.rounds` decides what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Draft, Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import (
    MAX_SECONDS,
    check_polygons,
    counts,
    mask_from_polygons,
    mask_from_rle,
    mask_of,
    permit,
    rle_of,
)
from amodal.annotate.store.people import project_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Mask, Object, Person, Photo, now
from amodal.masks import CropMask

SOURCES = ("drawn", "proposal", "edited", "imported")
STATES = ("draft", "done")
LOST = "lost mask"  # the kind of revisions of drawings that found no mask to be a version of


@dataclass(frozen=True)
class Drawn:
    """What somebody hands in: outlines or run lengths, and a visible mask only where it corrects the derived one.

    `seconds` is all the time spent on this object in this round.
    """

    polygons: Sequence[Sequence[float]] | None = None
    amodal: Any = None
    inmodal: Any = None
    source: str = "drawn"
    seconds: float = 0.0
    state: str = "draft"


def put_mask(
    session: Session, by: Person, object_id: int, drawn: Drawn, *, version: int, stage: int, round_: int
) -> Mask:
    """Write the annotator's own mask of a round; version 0 where there is none yet.

    Raises:
        Missing, Forbidden, Invalid, Conflict: the same person wrote elsewhere after `version`.
    """
    permit(by, "annotator")
    one = locked(session, Object, object_id, "object")
    photo = one.photo
    kept = fields_of(drawn, photo)
    mask = own_mask(session, by, object_id, stage, round_)
    if mask is None:
        # A version of something that is not there is one of an earlier round, which ended meanwhile, or stage.
        wanted = {"annotator": by.id, "stage": stage if round_ > 1 else max(1, stage - 1), **kept}
        current = not_drawn(photo, one.id, by.id, stage, round_)
        revisions.check_version(LOST, one.id, by, seen=version, found=0, current=current, wanted=wanted)
        mask = Mask(object_id=one.id, annotator_id=by.id, stage=stage, round=round_, version=1, time=now(), **kept)
        session.add(mask)
    else:
        current = mask_document(mask)
        revisions.check_version("mask", mask.id, by, seen=version, found=mask.version, current=current, wanted=kept)
        for field, value in kept.items():
            setattr(mask, field, value)
        mask.version, mask.time = mask.version + 1, now()
    session.flush()
    revisions.record(session, "mask", mask.id, mask.version, by, mask_document(mask))
    return mask


def fields_of(drawn: Drawn, photo: Photo) -> dict[str, Any]:
    """What the tables keep of it.

    Raises:
        Invalid: names the field.
    """
    polygons, amodal, inmodal = checked(drawn, photo)
    return {
        "polygons": polygons,
        "amodal": counts(amodal),
        "inmodal": None if inmodal is None else counts(inmodal),
        "source": drawn.source,
        "seconds": float(drawn.seconds),
        "state": drawn.state,
    }


def lost_mask(session: Session, by: Person, object_id: int, drawn: Drawn, version: int) -> Draft | None:
    """What is refused to somebody who draws here, or has drawn here, for the history; None of anybody else."""
    one = session.get(Object, object_id)
    has_drawn = session.scalar(select(exists().where(Mask.object_id == object_id, Mask.annotator_id == by.id)))
    if one is None or not ("annotator" in by.roles or has_drawn):
        return None
    payload = {"annotator": by.id, "stage": project_of(session).stage, **fields_of(drawn, one.photo)}
    return Draft(LOST, one.id, version, by.id, payload)


def checked(drawn: Drawn, photo: Photo) -> tuple[list[list[float]], CropMask, CropMask | None]:
    """Outlines as drawn, the whole mask, and the visible one where it was corrected.

    Raises:
        Invalid: names the field.
    """
    if drawn.source not in SOURCES:
        raise Invalid(f"source: found {drawn.source!r}, expected one of {', '.join(SOURCES)}", "source")
    if drawn.state not in STATES:
        raise Invalid(f"state: found {drawn.state!r}, expected one of {', '.join(STATES)}", "state")
    if not 0 <= drawn.seconds <= MAX_SECONDS:
        raise Invalid(f"seconds: found {drawn.seconds}, expected 0 to {MAX_SECONDS}", "seconds")
    if (drawn.polygons is None) == (drawn.amodal is None):
        raise Invalid("amodal: expected either polygons or run lengths, one of the two", "amodal")
    if drawn.polygons is not None:
        polygons = check_polygons(drawn.polygons)
        amodal = mask_from_polygons(polygons, photo)
    else:
        polygons, amodal = [], mask_from_rle(drawn.amodal, photo, "amodal")
    if drawn.state == "done" and amodal.is_empty:
        raise Invalid("amodal: the mask has no pixel inside the picture, so it cannot be done", "amodal")
    if drawn.inmodal is None:
        return polygons, amodal, None
    inmodal = mask_from_rle(drawn.inmodal, photo, "inmodal")
    outside = inmodal.subtract(amodal).area
    if outside:
        raise Invalid(f"inmodal: found {outside} pixels outside the whole mask, expected none", "inmodal")
    return polygons, amodal, inmodal


def own_mask(session: Session, person: Person, object_id: int, stage: int, round_: int) -> Mask | None:
    """What a person drew of an object in one round, or None."""
    wanted = select(Mask).where(
        Mask.object_id == object_id, Mask.annotator_id == person.id, Mask.stage == stage, Mask.round == round_
    )
    return session.scalars(wanted.execution_options(populate_existing=True)).first()


def done_masks(session: Session, object_id: int, stage: int, round_: int) -> list[Mask]:
    """All finished masks of a round, by annotator. Not for the eyes of annotators."""
    wanted = (
        select(Mask)
        .where(Mask.object_id == object_id, Mask.stage == stage, Mask.round == round_, Mask.state == "done")
        .order_by(Mask.annotator_id)
    )
    return list(session.scalars(wanted))


def several_drew(stage: int) -> ColumnElement[bool]:
    """For queries over objects: whether several annotators called theirs done; one alone agrees with itself."""
    drawn = select(func.count(Mask.annotator_id.distinct())).where(Mask.object_id == Object.id)
    return drawn.where(Mask.stage == stage, Mask.state == "done").correlate(Object).scalar_subquery() > 1


def newest_masks(
    session: Session, annotator_id: int, stage: int, object_ids: Iterable[int] | None = None, *, done: bool = False
) -> dict[int, Mask]:
    """Object id -> what one annotator drew last of it in a stage; only finished ones where `done`."""
    wanted = select(Mask).where(Mask.annotator_id == annotator_id, Mask.stage == stage).order_by(Mask.round)
    if object_ids is not None:
        wanted = wanted.where(Mask.object_id.in_(list(object_ids)))
    if done:
        wanted = wanted.where(Mask.state == "done")
    return {mask.object_id: mask for mask in session.scalars(wanted)}


def amodal_of(mask: Mask) -> CropMask:
    """The whole mask."""
    return mask_of(mask.amodal, mask.object.photo)


def not_drawn(photo: Photo, object_id: int, annotator_id: int, stage: int, round_: int) -> Document:
    """What stands for a mask of which nothing is written yet."""
    return {
        "id": None,
        "object": object_id,
        "annotator": annotator_id,
        "stage": stage,
        "round": round_,
        "version": 0,
        "state": "draft",
        "source": "drawn",
        "seconds": 0.0,
        "polygons": [],
        "amodal": CropMask.empty(photo.height, photo.width).to_coco_rle(),
        "inmodal": None,
        "inmodal_corrected": False,
        "time": None,
    }


def mask_document(mask: Mask) -> Document:
    """A mask in plain values; `inmodal` is None where it is derived from the order."""
    photo = mask.object.photo
    return {
        "id": mask.id,
        "object": mask.object_id,
        "annotator": mask.annotator_id,
        "stage": mask.stage,
        "round": mask.round,
        "version": mask.version,
        "state": mask.state,
        "source": mask.source,
        "seconds": mask.seconds,
        "polygons": mask.polygons,
        "amodal": rle_of(mask.amodal, photo),
        "inmodal": None if mask.inmodal is None else rle_of(mask.inmodal, photo),
        "inmodal_corrected": mask.inmodal is not None,
        "time": mask.time.isoformat(),
    }
