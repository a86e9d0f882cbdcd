"""Photos, objects and masks as one person may see them, in plain values.

An annotator sees its own masks alone, and of an object the consensus once it is settled and no stage draws it anew.
Experts and managers see everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import false, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import rle_of
from amodal.annotate.store.consensus import LOST as LOST_DECISION
from amodal.annotate.store.consensus import OPEN, OVER, standings
from amodal.annotate.store.masks import LOST, mask_document, newest_masks
from amodal.annotate.store.objects import object_document
from amodal.annotate.store.orders import order_document
from amodal.annotate.store.people import project_of
from amodal.annotate.store.places import in_stage
from amodal.annotate.store.proposals import OPEN as OPEN_PROPOSAL
from amodal.annotate.store.proposals import proposal_document, proposals_of, verdicts_of
from amodal.annotate.store.tables import Consensus, Mask, Object, Person, Revision
from amodal.annotate.workflow.rounds import may_reopen
from amodal.annotate.workflow.scenes import Settled, seen_by_annotator, settled
from amodal.masks import CropMask
from amodal.scene import Instance

_NO_ROUND_ENDED: Document = {
    "version": 0,
    "state": OPEN,
    "stage": 1,
    "round": 1,
    "agreement": None,
    "amodal": None,
    "inmodal": None,
    "choice": None,
    "settled_by": None,
    "settled_at": None,
    "inmodal_corrected": False,
    "may_reopen": False,
}


def is_blind(viewer: Person) -> bool:
    """Whether this person is an annotator and nothing else."""
    return set(viewer.roles) == {"annotator"}


def photo_view(session: Session, viewer: Person, photo_id: int) -> Document:
    """A photo with its objects, order and proposals: `objects`, `order`, `proposals`."""
    known = _known(session, viewer, photo_id)
    objects = _object_views(session, viewer, known, known.objects)
    order = {**order_document(session, photo_id), **known.numbers.to_json()}
    proposed = proposals_of(session, photo_id)
    verdicts = verdicts_of(session, viewer, proposed)
    documents = [proposal_document(one, verdicts.get(one.id, OPEN_PROPOSAL)) for one in proposed]
    by_object = {one["object"]: one for one in documents if one["object"] is not None}
    for one in objects:
        one["proposal"] = by_object.get(one["id"])
    return {"objects": objects, "order": order, "proposals": [one for one in documents if one["object"] is None]}


def object_view(session: Session, viewer: Person, one: Object) -> Document:
    """One object as in `photo_view`; a deleted one without numbers."""
    known = _known(session, viewer, one.photo_id)
    return _object_views(session, viewer, known, [one])[0]


def mask_view(session: Session, mask: Mask, seen: Mapping[int, CropMask] | None = None) -> Document:
    """A mask with its visible part, derived where it was not corrected, and its author's name."""
    found = seen_by_annotator(session, [mask]) if seen is None else seen
    return {**mask_document(mask), "inmodal": found[mask.id].to_coco_rle(), "author": mask.annotator.name}


def history(session: Session, viewer: Person, object_id: int) -> list[Document]:
    """All versions of an object, its masks and its consensus, the oldest first; an annotator gets its own masks'.

    Who is to draw it anew in a later stage gets nothing of the first's, its own neither.
    """
    masks = select(Mask.id).where(Mask.object_id == object_id)
    decisions = select(Consensus.id).where(Consensus.object_id == object_id)
    lost = revisions.revisions_of(session, LOST, object_id)
    lost_decisions = revisions.revisions_of(session, LOST_DECISION, object_id)
    photo_id = revisions.row_of(session, Object, object_id, "object").photo_id
    if is_blind(viewer) or object_id in hidden_from(session, viewer, photo_id):
        stage = project_of(session).stage
        masks = masks.where(Mask.annotator_id == viewer.id, Mask.stage == stage)
        decisions = decisions.where(Consensus.stage == stage)
        lost = [row for row in lost if row.author_id == viewer.id and row.payload.get("stage", 1) == stage]
        lost_decisions = []
    if is_blind(viewer):
        decisions = decisions.where(false())
    wanted = [("object", object_id)]
    wanted += [("mask", id) for id in session.scalars(masks)]
    wanted += [("consensus", id) for id in session.scalars(decisions)]
    rows = [row for kind, id in wanted for row in revisions.revisions_of(session, kind, id)] + lost + lost_decisions
    return [revisions.document(session, row) for row in sorted(rows, key=_age)]


def hidden_from(session: Session, viewer: Person, photo_id: int) -> set[int]:
    """Objects of which this person may see no consensus: those that an annotator may still have to draw.

    Who works alone has nobody's masks to be blind to, but in a later stage what was drawn in the first.
    """
    stage = project_of(session).stage
    if not (is_blind(viewer) or ("annotator" in viewer.roles and stage > 1)):
        return set()
    drawn = set(session.scalars(select(Object.id).where(Object.photo_id == photo_id, in_stage(stage))))
    found = standings(session, drawn)
    return {id for id in drawn if (row := found.get((id, stage))) is None or row.state not in OVER}


def _known(session: Session, viewer: Person, photo_id: int) -> Settled:
    hidden = hidden_from(session, viewer, photo_id)
    return settled(session, photo_id, project_of(session).stage, hidden=hidden)


def _object_views(session: Session, viewer: Person, known: Settled, objects: Iterable[Object]) -> list[dict[str, Any]]:
    listed = list(objects)
    ids = [one.id for one in listed]
    project = project_of(session)
    stage = project.stage
    rows = standings(session, ids)
    own = newest_masks(session, viewer.id, stage, ids)
    others = [] if is_blind(viewer) else _others(session, ids, stage)
    seen = seen_by_annotator(session, [*own.values(), *others])
    names = {id: name for id, name in session.execute(select(Person.id, Person.name))}
    views = []
    for one in listed:
        # Of what is drawn anew the stage's own standing comes first, for those who may see it.
        row = (None if is_blind(viewer) else rows.get((one.id, stage))) or known.rows.get(one.id)
        place = known.numbers.places.get(one.id)
        mask = own.get(one.id)
        theirs = [mask_view(session, other, seen) for other in others if other.object_id == one.id]
        may = row is not None and may_reopen(viewer, row, project, drew=mask is not None)
        views.append(
            {
                **object_document(one),
                "author": names.get(one.author_id or 0),
                "cluster": None if place is None else place.cluster,
                "number": None if place is None else place.number,
                "occlusion": known.occlusion(one.id),
                "level": _level(known, one),
                "mask": None if mask is None else mask_view(session, mask, seen),
                "consensus": _consensus_view(row, known, names, theirs, may) if row is not None or theirs else None,
            }
        )
    return views


def _others(session: Session, ids: list[int], stage: int) -> list[Mask]:
    """The finished masks of all annotators, of each the last round's, for those who may see them."""
    wanted = select(Mask).where(Mask.object_id.in_(ids), Mask.stage == stage, Mask.state == "done")
    newest = {(mask.object_id, mask.annotator_id): mask for mask in session.scalars(wanted.order_by(Mask.round))}
    return list(newest.values())


def _consensus_view(
    row: Consensus | None, known: Settled, names: Mapping[int, str], masks: list[Document], may: bool
) -> Document:
    if row is None:
        return {**_NO_ROUND_ENDED, "stage": masks[0]["stage"], "masks": masks}
    photo, over = known.photo, row.state in OVER
    seen = known.seen.get(row.object_id) if over else None
    return {
        "version": row.version,
        "state": row.state,
        "stage": row.stage,
        "round": row.round,
        "agreement": row.agreement,
        "amodal": rle_of(row.amodal, photo) if over and row.amodal is not None else None,
        "inmodal": None if seen is None else seen.to_coco_rle(),
        "choice": row.choice,
        "settled_by": None if row.author_id is None or row.state == OPEN else names.get(row.author_id),
        "settled_at": row.time.isoformat() if over else None,
        "inmodal_corrected": over and row.inmodal is not None,
        "may_reopen": may,
        "masks": masks,
    }


def _level(known: Settled, one: Object) -> str | None:
    if one.id not in known.whole:
        return None
    return Instance(one.id, one.label, one.box, 1.0, known.seen[one.id], known.whole[one.id]).level


def _age(revision: Revision) -> int:
    return revision.id
