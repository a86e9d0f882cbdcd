"""Who did what that is not drawing: log-ins, roles, imports and exports, settling, backups."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document
from amodal.annotate.store.checks import permit
from amodal.annotate.store.tables import PHOTO_NAME_LENGTH, Audit, Person, now


def note(session: Session, by: Person | None, action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Write a line; `by` is None for what nobody logged in did, a refused log-in for one."""
    session.add(
        Audit(
            time=now(),
            person_id=None if by is None else by.id,
            action=action,
            subject=subject[:PHOTO_NAME_LENGTH],
            detail=detail or {},
        )
    )


def lines(session: Session, by: Person, *, offset: int = 0, limit: int = 100) -> list[Document]:
    """The newest lines first; managers may.

    Raises:
        Forbidden: not a manager.
    """
    permit(by, "manager")
    wanted = (
        select(Audit, Person.name)
        .outerjoin(Person, Audit.person_id == Person.id)
        .order_by(Audit.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [
        {
            "time": row.time.isoformat(),
            "person": name,
            "action": row.action,
            "subject": row.subject,
            "detail": row.detail,
        }
        for row, name in session.execute(wanted)
    ]
