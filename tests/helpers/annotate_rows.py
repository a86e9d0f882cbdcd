"""What must hold of a project's rows at any moment, whatever happened to the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.store.checks import check_box, check_polygons, mask_from_rle
from amodal.annotate.store.consensus import consensus_document
from amodal.annotate.store.masks import mask_document
from amodal.annotate.store.objects import object_document
from amodal.annotate.store.people import person_document
from amodal.annotate.store.photos import photo_document
from amodal.annotate.store.revisions import replayed, revisions_of
from amodal.annotate.store.tables import Consensus, Mask, Object, Order, Person, Photo


def check_file(path: Path) -> None:
    """SQLite finds nothing wrong with its file."""
    with closing(sqlite3.connect(path)) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert rows.execute("PRAGMA foreign_key_check").fetchall() == []


def check_revisions(session: Session) -> None:
    """What stands in the tables is what the revisions say, and every version is among them once."""
    for kind, (table, document) in KINDS.items():
        stands = {_id(row): document(row) for row in session.scalars(select(table))}
        assert replayed(session, kind) == stands, kind
        for subject in stands:
            versions = [row.version for row in revisions_of(session, kind, subject) if not row.refused]
            assert versions == list(range(1, len(versions) + 1)), (kind, subject)


def check_values(session: Session) -> None:
    """Every box and mask in the tables would be taken if it were handed in now."""
    for one in session.scalars(select(Object)):
        check_box(one.box, one.photo)
    for row in session.scalars(select(Mask)):
        check_polygons(row.polygons)
        for field in ("amodal", "inmodal"):
            code = mask_document(row)[field]
            assert code is None or mask_from_rle(code, row.object.photo, field)


def _order_row(row: Order) -> dict[str, Any]:
    return {"photo": row.photo_id, "edges": row.edges, "version": row.version}


KINDS: dict[str, tuple[Any, Any]] = {
    "person": (Person, person_document),
    "photo": (Photo, photo_document),
    "object": (Object, object_document),
    "order": (Order, _order_row),
    "mask": (Mask, mask_document),
    "consensus": (Consensus, consensus_document),
}


def _id(row: Any) -> int:
    return int(row.photo_id if isinstance(row, Order) else row.id)
