"""Who draws what next, blind to all others, and what follows when all have: agreed, another round, or the expert.

An object has as many annotators as the project says. When all have finished a round, their masks are compared. With
enough agreement the vote is the object's mask; else all draw again, and after the last round the expert settles.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Draft, Forbidden, Invalid, Missing
from amodal.annotate.store import masks as mask_rows
from amodal.annotate.store import revisions
from amodal.annotate.store.audit import note
from amodal.annotate.store.checks import counts, mask_from_rle, permit
from amodal.annotate.store.consensus import (
    AGREED,
    DISPUTED,
    LOST,
    OPEN,
    OVER,
    SETTLED,
    consensus_document,
    put_standing,
    round_of,
    standing,
)
from amodal.annotate.store.masks import Drawn, done_masks
from amodal.annotate.store.objects import object_of
from amodal.annotate.store.people import project_held, project_of
from amodal.annotate.store.places import in_stage, is_in_stage, take_place
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Consensus, Mask, Object, Person, Photo, Project
from amodal.annotate.workflow.consensus import agreement, voted
from amodal.annotate.workflow.scenes import refresh, seen_by_annotator


def save_mask(session: Session, by: Person, object_id: int, drawn: Drawn, *, version: int) -> Mask:
    """Save the annotator's own mask in the round that is on; a finished one may end the round.

    What is refused because things changed while it was drawn stays in the history.

    Raises:
        Missing, Invalid, Conflict: as `store.masks.put_mask`.
        Forbidden: not an annotator, not one of this object's, or the object is settled already.
    """
    try:
        return _saved(session, by, object_id, drawn, version)
    except (Forbidden, Missing) as refused:
        refused.draft = mask_rows.lost_mask(session, by, object_id, drawn, version)
        raise


def _saved(session: Session, by: Person, object_id: int, drawn: Drawn, version: int) -> Mask:
    permit(by, "annotator")
    project, one = _locked(session, object_id)
    stage = project.stage
    if not is_in_stage(session, one.id, stage):
        raise Forbidden(f"object {one.id} is not in the sample of stage {stage}")
    row = standing(session, one.id, stage)
    if row is not None and row.state != OPEN:
        _check_may_reopen(by, row, project.annotators_per_object)
    round_ = round_of(row)
    take_place(session, by, one.id, stage, round_)
    compared = _compared(session, one, project, round_)
    mask = mask_rows.put_mask(session, by, one.id, drawn, version=version, stage=stage, round_=round_)
    reopened = row is not None and row.state != OPEN
    if reopened:
        put_standing(session, by, one, stage, state=OPEN, choice=None, mask_id=None)
    if row is not None and mask.id in compared and mask.state != "done":
        put_standing(session, by, one, stage, agreement=None)  # until it is done again
    concluded = conclude(session, one) if drawn.state == "done" else None
    if reopened or concluded is not None:
        refresh(session, one.photo_id, stage, around=one.id)
    return mask


def _compared(session: Session, one: Object, project: Project, round_: int) -> set[int]:
    """The masks that the agreement is about, where this round has ended: of an object that was opened again."""
    done = done_masks(session, one.id, project.stage, round_)
    return {mask.id for mask in done} if len(done) >= project.annotators_per_object else set()


def _locked(session: Session, object_id: int) -> tuple[Project, Object]:
    """The project's settings as they stay meanwhile, and an object whose photo nobody else can write.

    The photo, because the hidden share of its other objects follows from this one. Everybody locks in this sequence:
    project, photo, object.
    """
    project = project_held(session)
    locked(session, Photo, object_of(session, object_id).photo_id, "photo")
    locked(session, Object, object_id, "object")
    return project, object_of(session, object_id)


def conclude(session: Session, one: Object) -> Consensus | None:
    """Where all annotators of an object without decision have finished its round, write what follows; else None."""
    project = project_of(session)
    row = standing(session, one.id, project.stage)
    if row is not None and row.state not in (OPEN, DISPUTED):
        return None
    round_ = round_of(row)
    done = done_masks(session, one.id, project.stage, round_)
    if len(done) < project.annotators_per_object:
        if row is not None and row.state == OPEN and round_ > project.max_rounds:  # fewer rounds are wanted by now
            return put_standing(session, None, one, project.stage, round=round_, state=DISPUTED)
        return None
    found = agreement([mask_rows.amodal_of(mask) for mask in done])
    if found >= project.agreement_threshold:
        values = {"state": AGREED, "choice": "vote", "mask_id": None, **_vote(session, done)}
        return put_standing(session, None, one, project.stage, round=round_, agreement=found, **values)
    if round_ < project.max_rounds:
        return put_standing(session, None, one, project.stage, round=round_ + 1, state=OPEN, agreement=found)
    if row is not None and row.state == DISPUTED:
        return None  # nothing changed
    return put_standing(session, None, one, project.stage, round=round_, state=DISPUTED, agreement=found)


def conclude_all(session: Session) -> int:
    """The same for every object of the stage, after the project's numbers changed; how many were concluded.

    What is agreed or settled stays so.
    """
    stage = project_of(session).stage
    drawn = select(Mask.object_id).where(Mask.stage == stage, Mask.state == "done")
    over = select(Consensus.object_id).where(Consensus.stage == stage, Consensus.state.in_(OVER))
    wanted = select(Object).where(Object.id.in_(drawn), Object.id.not_in(over), in_stage(stage)).order_by(Object.id)
    of_photos = select(Photo).where(Photo.id.in_(wanted.with_only_columns(Object.photo_id).order_by(None)))
    session.scalars(of_photos.order_by(Photo.id).with_for_update()).all()
    objects = session.scalars(wanted.with_for_update()).all()
    concluded = [one for one in objects if conclude(session, one) is not None]
    for photo_id in sorted({one.photo_id for one in concluded}):
        refresh(session, photo_id, stage)
    return len(concluded)


def settle(
    session: Session,
    by: Person,
    object_id: int,
    *,
    choice: str,
    version: int,
    mask_id: int | None = None,
    amodal: Any = None,
    inmodal: Any = None,
) -> Consensus:
    """The expert's word on an object, at any time: the `vote` as it is, one `mask`, or one `drawn` (run lengths).

    Raises:
        Missing, Forbidden, Invalid, Conflict: no vote to accept; a mask of another object; settled by another expert
            after `version` (0 where nothing stands yet).
    """
    sent = {"choice": choice, "mask": mask_id, "amodal": amodal, "inmodal": inmodal}
    try:
        return _settled(session, by, object_id, version, sent)
    except (Forbidden, Missing) as refused:
        if session.get(Object, object_id) is not None:
            refused.draft = _lost(by, object_id, version, sent)
        raise


def _settled(session: Session, by: Person, object_id: int, version: int, sent: dict[str, Any]) -> Consensus:
    permit(by, "expert")
    project, one = _locked(session, object_id)
    stage = project.stage
    if not is_in_stage(session, one.id, stage):
        draft = _lost(by, one.id, version, sent)
        raise Invalid(f"object {one.id} is not in the sample of stage {stage}", "object", draft)
    _check_standing(session, by, one, stage, version, sent)
    choice, mask_id = sent["choice"], sent["mask"]
    if choice == "vote":
        values = _last_vote(session, one, stage)
    elif choice == "mask":
        values = _chosen(session, one, stage, mask_id)
    elif choice == "drawn":
        values = _drawn(one, sent["amodal"], sent["inmodal"])
    else:
        raise Invalid(f"choice: found {choice!r}, expected vote, mask or drawn", "choice")
    row = put_standing(session, by, one, stage, **{"mask_id": None, **values}, state=SETTLED, choice=choice)
    note(session, by, "settle", f"object {one.id}", {"choice": choice, "stage": stage, "mask": mask_id})
    refresh(session, one.photo_id, stage, around=one.id)
    return row


def reopen(session: Session, by: Person, object_id: int, *, version: int) -> Consensus:
    """Take a decision back: the annotators may change their masks of the last round; experts may.

    Raises:
        Missing, Forbidden, Conflict.
    """
    permit(by, "expert")
    project, one = _locked(session, object_id)
    stage = project.stage
    if not is_in_stage(session, one.id, stage):
        raise Forbidden(f"object {one.id} is not in the sample of stage {stage}; what was decided of it stays")
    _check_standing(session, by, one, stage, version, {"state": OPEN})
    row = put_standing(session, by, one, stage, state=OPEN, choice=None, mask_id=None)
    note(session, by, "reopen", f"object {one.id}", {"stage": stage})
    return row


def may_reopen(by: Person, row: Consensus, project: Project, *, drew: bool) -> bool:
    """Whether this person may take a decision of the stage back: the expert, or who alone `drew` what was decided."""
    if row.state not in OVER or row.stage != project.stage:
        return False
    return "expert" in by.roles or (drew and _is_own_word(row, project.annotators_per_object))


def _is_own_word(row: Consensus, annotators: int) -> bool:
    """Who works alone may change what is done; of several, nobody may once they have been compared."""
    return annotators == 1 and row.state == AGREED


def _check_may_reopen(by: Person, row: Consensus, annotators: int) -> None:
    if "expert" in by.roles or _is_own_word(row, annotators):
        return
    if row.state == DISPUTED:
        raise Forbidden(f"object {row.object_id} waits for the expert after {row.round} rounds")
    raise Forbidden(f"object {row.object_id} is {row.state}; the expert can open it again")


def _check_standing(
    session: Session, by: Person, one: Object, stage: int, version: int, wanted: dict[str, Any]
) -> None:
    row = standing(session, one.id, stage)
    found = 0 if row is None else row.version
    if row is None and version:
        said = f"object {one.id} has no decision in stage {stage} yet"
        raise Conflict(said, {"version": 0, "state": OPEN}, _lost(by, one.id, version, wanted))
    if row is not None:
        current = consensus_document(row)
        revisions.check_version(
            "consensus", row.id, by, seen=version, found=found, current=current, wanted={"by": by.id, **wanted}
        )


def _lost(by: Person, object_id: int, version: int, sent: dict[str, Any]) -> Draft:
    """What an expert sent of an object of which no decision stands, or none may."""
    return Draft(LOST, object_id, version, by.id, {"by": by.id, **sent})


def _vote(session: Session, done: list[Mask]) -> dict[str, Any]:
    """The voted masks. The visible one follows from the order, unless most annotators corrected theirs."""
    whole = voted([mask_rows.amodal_of(mask) for mask in done])
    if 2 * sum(mask.inmodal is not None for mask in done) <= len(done):
        return {"amodal": counts(whole), "inmodal": None}
    seen = seen_by_annotator(session, done)
    return {"amodal": counts(whole), "inmodal": counts(voted([seen[mask.id] for mask in done]).intersection(whole))}


def _last_vote(session: Session, one: Object, stage: int) -> dict[str, Any]:
    for round_ in range(round_of(standing(session, one.id, stage)), 0, -1):
        done = done_masks(session, one.id, stage, round_)
        if done:
            found = agreement([mask_rows.amodal_of(mask) for mask in done])
            return {"agreement": found, **_vote(session, done)}
    raise Invalid(f"choice: nobody has finished a mask of object {one.id}, so there is no vote", "choice")


def _chosen(session: Session, one: Object, stage: int, mask_id: int | None) -> dict[str, Any]:
    if mask_id is None:
        raise Invalid("mask_id: expected the mask that is chosen", "mask_id")
    mask = session.get(Mask, mask_id)
    if mask is None or mask.object_id != one.id or mask.stage != stage:
        raise Missing(f"object {one.id} has no mask {mask_id} in stage {stage}")
    if mask_rows.amodal_of(mask).is_empty:
        raise Invalid(f"mask_id: mask {mask_id} has no pixel", "mask_id")
    return {"amodal": mask.amodal, "inmodal": mask.inmodal, "mask_id": mask.id}


def _drawn(one: Object, amodal: Any, inmodal: Any) -> dict[str, Any]:
    if amodal is None:
        raise Invalid("amodal: expected run lengths of the mask that was drawn", "amodal")
    whole = mask_from_rle(amodal, one.photo, "amodal")
    if whole.is_empty:
        raise Invalid("amodal: the mask has no pixel", "amodal")
    seen = None if inmodal is None else mask_from_rle(inmodal, one.photo, "inmodal")
    if seen is not None and not whole.contains(seen):
        outside = seen.subtract(whole).area
        raise Invalid(f"inmodal: found {outside} pixels outside the whole mask, expected none", "inmodal")
    return {"amodal": counts(whole), "inmodal": None if seen is None else counts(seen)}
