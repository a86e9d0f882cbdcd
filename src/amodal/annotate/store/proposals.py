"""What methods propose, and what each person made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import counts, permit, rle_of
from amodal.annotate.store.photos import photo_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import ROLES, Object, Person, Proposal, Verdict, now
from amodal.masks import CropMask

VERDICTS = ("accepted", "edited", "refused")
OPEN = "open"


@dataclass(frozen=True)
class Proposed:
    """One object as a method sees it; `object_id` is None where nobody has drawn its box yet.

    `edges`: (front, behind, probability) by ids of objects.
    """

    label: str
    box: Sequence[float]
    amodal: CropMask
    inmodal: CropMask
    score: float = 1.0
    object_id: int | None = None
    edges: Sequence[tuple[int, int, float]] = ()


def add_proposals(
    session: Session, by: Person, photo_id: int, method: str, proposed: Sequence[Proposed]
) -> list[Proposal]:
    """Keep what a method, or an imported file, said about a photo."""
    permit(by, *ROLES)
    photo = photo_of(session, photo_id)
    rows = []
    time = now()  # of the call: rows of one time belong together
    for one in proposed:
        row = Proposal(
            photo_id=photo.id,
            object_id=one.object_id,
            method=method,
            label=one.label,
            box=[float(edge) for edge in one.box],
            score=float(one.score),
            amodal=counts(one.amodal),
            inmodal=counts(one.inmodal),
            edges=[list(edge) for edge in one.edges],
            author_id=by.id,
            time=time,
        )
        session.add(row)
        session.flush()
        revisions.record(session, "proposal", row.id, 1, by, proposal_document(row))
        rows.append(row)
    return rows


def order_found(session: Session, rows: Sequence[Proposal], edges: Iterable[tuple[int, int, float]]) -> None:
    """Note the order among what one call found where there was no box; `edges` name places in `rows`."""
    for front, behind, probability in edges:
        for row in (rows[front], rows[behind]):
            row.edges = [*row.edges, [rows[front].id, rows[behind].id, probability]]
    session.flush()


def order_of_taken(session: Session, proposal: Proposal) -> list[tuple[int, int]]:
    """The order that a find's call saw between it and the others that became objects and still are, by their ids."""
    ids = {id for front, behind, _ in proposal.edges for id in (front, behind)}
    there = select(Proposal.id, Object.id).join(Object, Object.id == Proposal.object_id)
    found = session.execute(there.where(Proposal.id.in_(ids), Object.deleted.is_(False)))
    object_of: dict[int, int] = {proposal_id: object_id for proposal_id, object_id in found}
    pairs = [(object_of.get(front), object_of.get(behind)) for front, behind, _ in proposal.edges]
    return [(front, behind) for front, behind in pairs if front is not None and behind is not None]


def judge(session: Session, by: Person, proposal_id: int, verdict: str) -> Proposal:
    """Say what became of a proposal: accepted, edited or refused; the last word counts, all are kept.

    Raises:
        Missing, Forbidden, Invalid: no such proposal, no such verdict.
    """
    permit(by, "expert", "annotator")
    if verdict not in VERDICTS:
        raise Invalid(f"verdict: found {verdict!r}, expected one of {', '.join(VERDICTS)}", "verdict")
    proposal = locked(session, Proposal, proposal_id, "proposal")
    wanted = select(Verdict).where(Verdict.proposal_id == proposal.id, Verdict.person_id == by.id)
    row = session.scalars(wanted.execution_options(populate_existing=True)).first()
    if row is None:
        row = Verdict(proposal_id=proposal.id, person_id=by.id, verdict=verdict, version=1, time=now())
        session.add(row)
    else:
        row.verdict, row.version, row.time = verdict, row.version + 1, now()
    session.flush()
    payload = {"proposal": proposal.id, "person": by.id, "verdict": verdict, "version": row.version}
    revisions.record(session, "verdict", row.id, row.version, by, payload)
    return proposal


def proposals_of(session: Session, photo_id: int) -> list[Proposal]:
    """The newest proposal for every object of a photo, and of those without an object the newest call's."""
    wanted = select(Proposal).where(Proposal.photo_id == photo_id).order_by(Proposal.id)
    rows = list(session.scalars(wanted))
    newest = {row.object_id: row for row in rows if row.object_id is not None}
    free = [row for row in rows if row.object_id is None]
    return [*newest.values(), *(row for row in free if row.time == free[-1].time)]


def proposal_document(proposal: Proposal, verdict: str = OPEN) -> Document:
    """A proposal in plain values, with the verdict of who looks at it."""
    photo = proposal.photo
    return {
        "id": proposal.id,
        "photo": proposal.photo_id,
        "object": proposal.object_id,
        "method": proposal.method,
        "label": proposal.label,
        "box": proposal.box,
        "score": proposal.score,
        "amodal": rle_of(proposal.amodal, photo),
        "inmodal": rle_of(proposal.inmodal, photo),
        "edges": proposal.edges,
        "verdict": verdict,
    }


def verdicts_of(session: Session, person: Person, proposals: Sequence[Proposal]) -> dict[int, str]:
    """Proposal id -> what this person said of it."""
    wanted = select(Verdict).where(
        Verdict.person_id == person.id, Verdict.proposal_id.in_([one.id for one in proposals])
    )
    return {row.proposal_id: row.verdict for row in session.scalars(wanted)}
