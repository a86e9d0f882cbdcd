"""The whole project as one JSON file: people, boxes, order, everybody's masks, what is settled.

Its history and passwords are not in it: those are in a backup. Rows are named by their place in the file, photos and
people by their names, so the same project gives the same file whatever its ids are. Names are sorted here, for each
database has an alphabet of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.store.checks import (
    rle_of,
)
from amodal.annotate.store.people import (
    project_of,
)
from amodal.annotate.store.tables import (
    Assignment,
    BoxTime,
    Consensus,
    Mask,
    Object,
    Order,
    Person,
    Photo,
    Sample,
)
from amodal.data.fields import Field
from amodal.data.write import write_text_atomically

PROJECT_JSON, KIND, VERSION = "project.json", "amodal-annotate-project", 1
_SETTINGS = ("name", "categories", "annotators_per_object", "agreement_threshold", "max_rounds", "stage")


def is_project(root: Field) -> bool:
    """Whether a parsed file is one of these."""
    return isinstance(root.value, dict) and root.value.get("kind") == KIND


def write_project(session: Session, path: Path) -> None:
    """Write it."""
    text = json.dumps(project_content(session), indent=1, ensure_ascii=False)
    write_text_atomically(path, text + "\n")


def project_content(session: Session) -> dict[str, Any]:
    """What the file says."""
    project = project_of(session)
    names: dict[int | None, str | None] = {row.id: row.name for row in session.scalars(select(Person))}
    names[None] = None
    photos = {row.id: row.name for row in session.scalars(select(Photo))}
    rows = sorted(session.scalars(select(Object)), key=lambda row: (photos[row.photo_id], row.id))
    place = {row.id: number for number, row in enumerate(rows)}
    in_file = sorted(place, key=lambda id: place[id])
    times = session.scalars(select(BoxTime))

    def of_objects(table: Any, *then: Any) -> list[Any]:
        found = session.scalars(select(table).order_by(*then))
        return sorted(found, key=lambda row: place[row.object_id])

    return {
        "kind": KIND,
        "version": VERSION,
        "project": {key: getattr(project, key) for key in _SETTINGS},
        "people": [
            {"name": row.name, "role": row.role, "every_role": row.every_role}
            for row in sorted(session.scalars(select(Person)), key=lambda row: row.name)
        ],
        "photos": [
            {
                "name": row.name,
                "width": row.width,
                "height": row.height,
                "sha256": row.sha256,
                "boxed_by": names[row.boxed_by_id],
                "boxed_at": None if row.boxed_at is None else row.boxed_at.isoformat(),
                "meta": row.meta,
            }
            for row in sorted(session.scalars(select(Photo)), key=lambda row: row.name)
        ],
        "objects": [
            {
                "photo": photos[row.photo_id],
                "label": row.label,
                "box": list(row.box),
                "deleted": row.deleted,
                "author": names[row.author_id],
                "time": row.time.isoformat(),
                "meta": row.meta,
            }
            for row in (session.get_one(Object, id) for id in in_file)
        ],
        "orders": [
            {"photo": photos[row.photo_id], "edges": sorted([place[a], place[b]] for a, b in row.edges)}
            for row in sorted(session.scalars(select(Order)), key=lambda row: photos[row.photo_id])
        ],
        "times": sorted(
            ({"photo": photos[row.photo_id], "person": names[row.person_id], "seconds": row.seconds} for row in times),
            key=lambda one: (one["photo"], one["person"]),
        ),
        "masks": [
            {
                "object": place[row.object_id],
                "annotator": names[row.annotator_id],
                **{key: getattr(row, key) for key in ("stage", "round", "state", "source", "seconds", "polygons")},
                "amodal": rle_of(row.amodal, row.object.photo),
                "inmodal": None if row.inmodal is None else rle_of(row.inmodal, row.object.photo),
                "time": row.time.isoformat(),
            }
            for row in _by_name(of_objects(Mask, Mask.stage, Mask.round), names)
        ],
        "assignments": [
            {
                "object": place[row.object_id],
                "stage": row.stage,
                "place": row.place,
                "annotator": names[row.annotator_id],
                "time": row.time.isoformat(),
            }
            for row in of_objects(Assignment, Assignment.stage, Assignment.place)
        ],
        "samples": [[row.stage, place[row.object_id]] for row in of_objects(Sample, Sample.stage)],
        "consensus": [
            {
                "object": place[row.object_id],
                **{key: getattr(row, key) for key in ("stage", "round", "state", "agreement", "choice")},
                "amodal": None if row.amodal is None else rle_of(row.amodal, row.object.photo),
                "inmodal": None if row.inmodal is None else rle_of(row.inmodal, row.object.photo),
                "author": names[row.author_id],
                "time": row.time.isoformat(),
            }
            for row in of_objects(Consensus, Consensus.stage)
        ],
    }


def _by_name(rows: Iterable[Mask], names: Mapping[int | None, str | None]) -> list[Mask]:
    listed = list(rows)
    first = {row.object_id: number for number, row in reversed(list(enumerate(listed)))}
    return sorted(listed, key=lambda row: (first[row.object_id], row.stage, row.round, names[row.annotator_id] or ""))
