"""The whole project as one JSON file: people, boxes, order, everybody's masks, what is settled.

Its history and passwords are not in it: those are in a backup. Rows are named by their place in the file, photos and
people by their names, so the same project gives the same file whatever its ids are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import check_box, check_name, check_photo_name, check_polygons, mask_from_rle, rle_of
from amodal.annotate.store.consensus import consensus_document
from amodal.annotate.store.masks import SOURCES, STATES, mask_document
from amodal.annotate.store.objects import object_document
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import IMPORTERS, check_categories, person_document, project_document, project_of
from amodal.annotate.store.photos import photo_document, photo_named
from amodal.annotate.store.tables import (
    ROLES,
    Assignment,
    Consensus,
    Mask,
    Object,
    Order,
    Person,
    Photo,
    Project,
    Sample,
    new_uid,
    now,
)
from amodal.annotate.workflow.scenes import refresh
from amodal.data.fields import Field, read_json
from amodal.data.write import write_text_atomically

Row = TypeVar("Row", Person, Photo, Object, Mask, Consensus)
Named = TypeVar("Named", Person, Photo)
PROJECT_JSON, KIND, VERSION = "project.json", "amodal-annotate-project", 1
_SETTINGS = ("name", "categories", "annotators_per_object", "agreement_threshold", "max_rounds", "stage")
_STANDINGS = ("open", "disputed", "agreed", "settled")


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
    photos = {row.id: row.name for row in session.scalars(select(Photo).order_by(Photo.name))}
    rows = sorted(session.scalars(select(Object)), key=lambda row: (photos[row.photo_id], row.id))
    place = {row.id: number for number, row in enumerate(rows)}
    in_file = sorted(place, key=lambda id: place[id])

    def of_objects(table: Any, *then: Any) -> list[Any]:
        found = session.scalars(select(table).order_by(*then))
        return sorted(found, key=lambda row: place[row.object_id])

    return {
        "kind": KIND,
        "version": VERSION,
        "project": {key: getattr(project, key) for key in _SETTINGS},
        "people": [
            {"name": row.name, "role": row.role, "every_role": row.every_role}
            for row in session.scalars(select(Person).order_by(Person.name))
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
            for row in session.scalars(select(Photo).order_by(Photo.name))
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


def read_project(session: Session, by: Person, path: Path) -> dict[str, int]:
    """Fill a project that has no objects yet; returns how many rows of each kind came in.

    People that are not there come in without a password and switched off: a manager gives them one. Photos that are not
    there are known by name and size until their files are.

    Raises:
        Invalid: there are objects already, or a mask, box or name cannot be.
        InputError: the file is broken; names the field.
    """
    root = read_json(path)
    if not is_project(root) or root["version"].value != VERSION:
        raise root.error("is no such project", f"kind {KIND!r} of version {VERSION}")
    if session.scalar(select(func.count()).select_from(Object)):
        raise Invalid("this project has objects already; import a whole project into a new one", "file")
    project = revisions.locked(session, Project, 1, "project")
    _set(project, root["project"])
    project.version += 1
    revisions.record(session, "project", 1, project.version, by, project_document(project))
    people = {one["name"].text(): _person(session, by, one) for one in root["people"].items()}
    photos = {one["name"].text(): _photo(session, by, one, people) for one in root["photos"].items()}
    known = {one["name"] for one in project.categories}
    objects = [_object(session, one, photos, people, known) for one in root["objects"].items()]
    for one in root["orders"].items():
        edges = [[_at(objects, end).id for end in edge.items()] for edge in one["edges"].items()]
        put_order(session, by, _named(photos, one["photo"]).id, version=0, edges=edges, roles=IMPORTERS)
    masks = [_mask(session, one, objects, people) for one in root["masks"].items()]
    for one in root["assignments"].items():
        session.add(
            Assignment(
                object_id=_at(objects, one["object"]).id,
                stage=one["stage"].integer(1),
                place=one["place"].integer(1),
                annotator_id=_named(people, one["annotator"]).id,
                time=_time(one["time"]),
            )
        )
    for pair in root["samples"].items():
        stage, place = pair.items()
        session.add(Sample(stage=stage.integer(1), object_id=_at(objects, place).id))
    standing = [_consensus(session, one, objects, people) for one in root["consensus"].items()]
    session.flush()
    for photo in photos.values():
        refresh(session, photo.id, project.stage)
    return {"photos": len(photos), "objects": len(objects), "masks": len(masks), "settled": len(standing)}


def _by_name(rows: Iterable[Mask], names: Mapping[int | None, str | None]) -> list[Mask]:
    listed = list(rows)
    first = {row.object_id: number for number, row in reversed(list(enumerate(listed)))}
    return sorted(listed, key=lambda row: (first[row.object_id], row.stage, row.round, names[row.annotator_id] or ""))


def _set(project: Project, said: Field) -> None:
    project.uid = new_uid()  # rows get new ids: what browsers kept by the old ones is of no use here
    project.name = check_name(said["name"].text(), "name")
    project.categories = check_categories(
        [{"name": one["name"].text(), "group": one["group"].text()} for one in said["categories"].items()]
    )
    project.annotators_per_object = said["annotators_per_object"].integer(1, 20)
    project.max_rounds = said["max_rounds"].integer(1, 20)
    project.stage = said["stage"].integer(1, 2)
    threshold = said["agreement_threshold"].number()
    if not 0 < threshold <= 1:
        raise said["agreement_threshold"].error(f"is {threshold}", "above 0 and at most 1")
    project.agreement_threshold = threshold


def _person(session: Session, by: Person, said: Field) -> Person:
    name = check_name(said["name"].text(), "name")
    there = session.scalars(select(Person).where(Person.name == name)).first()
    if there is not None:
        return there
    person = Person(
        name=name,
        role=said["role"].one_of(*ROLES),
        every_role=False,  # that is nobody's to give away in a file
        password_hash=None,
        active=False,
        version=1,
        created=now(),
    )
    return _added(session, "person", person, by, person_document)


def _photo(session: Session, by: Person, said: Field, people: Mapping[str, Person]) -> Photo:
    name, width, height = check_photo_name(said["name"].text()), said["width"].integer(1), said["height"].integer(1)
    there = photo_named(session, name)
    if there is not None:
        if (there.width, there.height) != (width, height):
            raise said.error(f"is {width} × {height} px", f"{there.width} × {there.height} as the photo that is here")
        there.meta, there.boxed_at, there.boxed_by_id = said["meta"].object(), *_boxed(said, people)
        return there
    boxed_at, boxed_by = _boxed(said, people)
    photo = Photo(
        name=name,
        width=width,
        height=height,
        sha256=said["sha256"].text()[:64],
        uploaded=False,
        added=now(),
        author_id=by.id,
        boxed_at=boxed_at,
        boxed_by_id=boxed_by,
        meta=said["meta"].object(),
    )
    return _added(session, "photo", photo, by, photo_document)


def _boxed(said: Field, people: Mapping[str, Person]) -> tuple[datetime | None, int | None]:
    """When boxes and order were called done, and by whom."""
    time, by = said.get("boxed_at"), said.get("boxed_by")
    return None if time is None else _time(time), None if by is None else _named(people, by).id


def _object(
    session: Session, said: Field, photos: Mapping[str, Photo], people: Mapping[str, Person], known: set[str]
) -> Object:
    photo, author = _named(photos, said["photo"]), _author(people, said["author"])
    label = said["label"].text()
    if label not in known:
        raise said["label"].error(f"is {label!r}", "a class of the project")
    x0, y0, x1, y1 = check_box([edge.number() for edge in said["box"].items()], photo)
    row = Object(
        photo_id=photo.id,
        label=label,
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        version=1,
        author_id=None if author is None else author.id,
        time=_time(said["time"]),
        deleted=said["deleted"].flag(),
        meta=said["meta"].object(),
    )
    return _added(session, "object", row, author, object_document)


def _mask(session: Session, said: Field, objects: list[Object], people: Mapping[str, Person]) -> Mask:
    one, author = _at(objects, said["object"]), _named(people, said["annotator"])
    photo = one.photo
    row = Mask(
        object_id=one.id,
        annotator_id=author.id,
        stage=said["stage"].integer(1),
        round=said["round"].integer(1),
        state=said["state"].one_of(*STATES),
        source=said["source"].one_of(*SOURCES),
        seconds=said["seconds"].number(),
        polygons=check_polygons([[number.number() for number in ring.items()] for ring in said["polygons"].items()]),
        amodal=_counts(said["amodal"], photo),
        inmodal=_counts_or_none(said.get("inmodal"), photo),
        version=1,
        time=_time(said["time"]),
    )
    return _added(session, "mask", row, author, mask_document)


def _consensus(session: Session, said: Field, objects: list[Object], people: Mapping[str, Person]) -> Consensus:
    one, author = _at(objects, said["object"]), _author(people, said["author"])
    agreement, choice = said.get("agreement"), said.get("choice")
    row = Consensus(
        object_id=one.id,
        stage=said["stage"].integer(1),
        round=said["round"].integer(1),
        state=said["state"].one_of(*_STANDINGS),
        agreement=None if agreement is None else agreement.number(),
        amodal=_counts_or_none(said.get("amodal"), one.photo),
        inmodal=_counts_or_none(said.get("inmodal"), one.photo),
        choice=None if choice is None else choice.one_of("vote", "mask", "drawn"),
        version=1,
        author_id=None if author is None else author.id,
        time=_time(said["time"]),
    )
    return _added(session, "consensus", row, author, consensus_document)


def _added(session: Session, kind: str, row: Row, by: Person | None, document: Callable[[Row], Any]) -> Row:
    session.add(row)
    session.flush()
    revisions.record(session, kind, row.id, 1, by, document(row))
    return row


def _counts(said: Field, photo: Photo) -> str:
    mask_from_rle(said.object(), photo, f"{said.file}: {said.name}")
    return said["counts"].text()


def _counts_or_none(said: Field | None, photo: Photo) -> str | None:
    return None if said is None else _counts(said, photo)


def _at(objects: list[Object], said: Field) -> Object:
    return objects[said.integer(0, len(objects) - 1)]


def _named(rows: Mapping[str, Named], said: Field) -> Named:
    row = rows.get(said.text())
    if row is None:
        raise said.error(f"is {said.text()[:100]!r}", "a name of the list")
    return row


def _author(people: Mapping[str, Person], said: Field) -> Person | None:
    return None if said.value is None else _named(people, said)


def _time(said: Field) -> datetime:
    try:
        found = datetime.fromisoformat(said.text())
    except ValueError:
        raise said.error(f"is {said.text()[:50]!r}", "a time as 2026-01-31T12:00:00+00:00") from None
    if found.tzinfo is None:
        raise said.error(f"is {said.text()[:50]!r}", "a time with its zone")
    return found
