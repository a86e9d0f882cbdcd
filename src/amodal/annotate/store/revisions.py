"""Every version of everything: who wrote what when. Nothing here is ever changed or taken away."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Document, Draft, Missing
from amodal.annotate.store.tables import Base, Person, Revision, now

Row = TypeVar("Row", bound=Base)


def record(session: Session, kind: str, subject: int, version: int, by: Person | None, payload: Document) -> None:
    """Append what stands in the database after a write; a row that was just made gets its id first."""
    author = None if by is None else by.id
    session.add(
        Revision(
            kind=kind, subject=subject, version=version, author_id=author, time=now(), refused=False, payload=payload
        )
    )
    session.flush()


def keep_draft(session: Session, draft: Draft) -> None:
    """Append what somebody wanted to write and could not."""
    session.add(
        Revision(
            kind=draft.kind,
            subject=draft.subject,
            version=draft.version,
            author_id=draft.author,
            time=now(),
            refused=True,
            payload=dict(draft.payload),
        )
    )


def revisions_of(session: Session, kind: str, subject: int) -> list[Revision]:
    """All versions of one thing, the first first."""
    wanted = select(Revision).where(Revision.kind == kind, Revision.subject == subject).order_by(Revision.id)
    return list(session.scalars(wanted))


def replayed(session: Session, kind: str) -> dict[int, Document]:
    """What the revisions say that stands now: the last written version of every thing of a kind."""
    written = select(Revision).where(Revision.kind == kind, Revision.refused.is_(False)).order_by(Revision.id)
    return {one.subject: dict(one.payload) for one in session.scalars(written)}


def document(session: Session, revision: Revision) -> Document:
    """A version as the history shows it."""
    author = None if revision.author_id is None else session.get(Person, revision.author_id)
    return {
        "id": revision.id,
        "kind": revision.kind,
        "subject": revision.subject,
        "version": revision.version,
        "author": None if author is None else author.name,
        "time": revision.time.isoformat(),
        "refused": revision.refused,
        "payload": revision.payload,
    }


def row_of(session: Session, table: type[Row], id: int, what: str) -> Row:
    """One row.

    Raises:
        Missing: there is none.
    """
    return _there(session.get(table, id), id, what)


def locked(session: Session, table: type[Row], id: int, what: str) -> Row:
    """A row that nobody else can write until this transaction ends.

    Raises:
        Missing: there is none.
    """
    return _there(session.get(table, id, with_for_update=True, populate_existing=True), id, what)


def _there(row: Row | None, id: int, what: str) -> Row:
    if row is None:
        raise Missing(f"there is no {what} {id}")
    return row


def check_version(
    kind: str,
    subject: int,
    by: Person,
    *,
    seen: int,
    found: int,
    current: Document,
    wanted: dict[str, Any],
) -> None:
    """Refuse a write that was made looking at another version than stands there now.

    Raises:
        Conflict: with `current`, and with what was `wanted` as a draft to keep.
    """
    if seen != found:
        said = f"somebody else wrote this first: it is at version {found}, yours began at {seen}"
        raise Conflict(said, current, Draft(kind, subject, seen, by.id, wanted))
