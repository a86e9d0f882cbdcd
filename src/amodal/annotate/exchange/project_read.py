"""The file of a whole project into a project that has no objects yet: nothing in it is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Invalid
from amodal.annotate.exchange.project_file import KIND, VERSION, is_project
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import (
    MAX_SECONDS,
    check_box,
    check_name,
    check_photo_name,
    check_polygons,
    mask_from_rle,
    permit,
)
from amodal.annotate.store.consensus import OVER, STANDINGS, consensus_document
from amodal.annotate.store.masks import SOURCES, STATES, mask_document
from amodal.annotate.store.objects import object_document
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import (
    IMPORTERS,
    check_categories,
    person_document,
    project_document,
)
from amodal.annotate.store.people import people as listed
from amodal.annotate.store.photos import photo_document, photo_named
from amodal.annotate.store.tables import (
    MAX_INTEGER,
    ROLES,
    Assignment,
    BoxTime,
    Consensus,
    Mask,
    Object,
    Person,
    Photo,
    Project,
    Sample,
    new_uid,
    now,
)
from amodal.annotate.workflow.scenes import refresh
from amodal.data.fields import Field, read_json, shortened
from amodal.images import MAX_SIDE

Row = TypeVar("Row", Person, Photo, Object, Mask, Consensus)
Named = TypeVar("Named", Person, Photo)
Seen = set[tuple[str | int, ...]]
_SHA256 = re.compile("[0-9a-f]{64}")
_CHOICES = ("vote", "mask", "drawn")
_STAGES = (1, 2)  # the first and the last


def read_project(session: Session, by: Person, path: Path) -> dict[str, int]:
    """Fill a project that has no objects yet; returns how many rows of each kind came in. Managers may.

    People that are not there come in without a password and switched off: a manager gives them one. Photos that are not
    there are known by name and size until their files are.

    Raises:
        Forbidden: the file sets what holds for all, and that is the managers' to change.
        Invalid: there are objects already, or a mask, box or name cannot be.
        InputError: the file is broken; names the field.
    """
    permit(by, "manager")
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
    seen: Seen = set()
    pairs = 0
    for one in root["orders"].items():
        _once(seen, one, "order", one["photo"].text())
        edges = [[_at(objects, end).id for end in edge.items()] for edge in one["edges"].items()]
        put_order(session, by, _named(photos, one["photo"]).id, version=0, edges=edges, roles=IMPORTERS)
        pairs += len(edges)
    times = root.get("times")  # nothing was measured before they were written
    for one in [] if times is None else times.items():
        _time_spent(session, one, photos, people, seen)
    masks = [_mask(session, one, objects, people, seen) for one in root["masks"].items()]
    for one in root["assignments"].items():
        _assignment(session, one, objects, people, seen)
    for pair in root["samples"].items():
        _sample(session, pair, objects, seen)
    standing = [_consensus(session, one, objects, people, seen) for one in root["consensus"].items()]
    session.flush()
    for photo in photos.values():
        refresh(session, photo.id, project.stage)
    over = sum(one.state in OVER for one in standing)
    return {"photos": len(photos), "objects": len(objects), "masks": len(masks), "settled": over, "edges": pairs}


def _set(project: Project, said: Field) -> None:
    project.uid = new_uid()  # rows get new ids: what browsers kept by the old ones is of no use here
    project.name = check_name(said["name"].text(), "name")
    project.categories = check_categories(
        [{"name": one["name"].text(), "group": one["group"].text()} for one in said["categories"].items()]
    )
    project.annotators_per_object = said["annotators_per_object"].integer(1, 20)
    project.max_rounds = said["max_rounds"].integer(1, 20)
    project.stage = said["stage"].integer(*_STAGES)
    threshold = said["agreement_threshold"].number()
    if not 0 < threshold <= 1:
        raise said["agreement_threshold"].error(f"is {threshold}", "above 0 and at most 1")
    project.agreement_threshold = threshold


def _person(session: Session, by: Person, said: Field) -> Person:
    name = check_name(said["name"].text(), "name")
    there = next((one for one in listed(session) if one.name.casefold() == name.casefold()), None)
    if there is not None and there.name != name:  # the same person or not? whoever guesses may be wrong
        found = f"is {name!r}, but here is {there.name!r}"
        raise said["name"].error(found, "a name that differs by more than large and small letters")
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
    name = check_photo_name(said["name"].text())
    width, height = (said[side].integer(1, MAX_SIDE) for side in ("width", "height"))
    there = photo_named(session, name)
    if there is not None:
        if (there.width, there.height) != (width, height):
            raise said.error(f"is {width} × {height} px", f"{there.width} × {there.height} as the photo that is here")
        there.meta, there.boxed_at, there.boxed_by_id = _meta(said["meta"]), *_boxed(said, people)
        return there
    boxed_at, boxed_by = _boxed(said, people)
    photo = Photo(
        name=name,
        width=width,
        height=height,
        sha256=_fingerprint(said["sha256"]),
        uploaded=False,
        added=now(),
        author_id=by.id,
        boxed_at=boxed_at,
        boxed_by_id=boxed_by,
        meta=_meta(said["meta"]),
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
        meta=_meta(said["meta"]),
    )
    return _added(session, "object", row, author, object_document)


def _time_spent(
    session: Session, said: Field, photos: Mapping[str, Photo], people: Mapping[str, Person], seen: Seen
) -> None:
    photo, person = _named(photos, said["photo"]), _named(people, said["person"])
    _once(seen, said, "time", photo.id, person.id)
    session.merge(BoxTime(photo_id=photo.id, person_id=person.id, seconds=_within(said["seconds"], 0, MAX_SECONDS)))


def _mask(session: Session, said: Field, objects: list[Object], people: Mapping[str, Person], seen: Seen) -> Mask:
    one, author = _at(objects, said["object"]), _named(people, said["annotator"])
    photo, stage, round_ = one.photo, said["stage"].integer(*_STAGES), said["round"].integer(1, MAX_INTEGER)
    _once(seen, said, "mask", one.id, author.id, stage, round_)
    row = Mask(
        object_id=one.id,
        annotator_id=author.id,
        stage=stage,
        round=round_,
        state=said["state"].one_of(*STATES),
        source=said["source"].one_of(*SOURCES),
        seconds=_within(said["seconds"], 0, MAX_SECONDS),
        polygons=check_polygons([[number.number() for number in ring.items()] for ring in said["polygons"].items()]),
        amodal=_counts(said["amodal"], photo),
        inmodal=_counts_or_none(said.get("inmodal"), photo),
        version=1,
        time=_time(said["time"]),
    )
    return _added(session, "mask", row, author, mask_document)


def _assignment(session: Session, said: Field, objects: list[Object], people: Mapping[str, Person], seen: Seen) -> None:
    one, annotator = _at(objects, said["object"]), _named(people, said["annotator"])
    stage, place = said["stage"].integer(*_STAGES), said["place"].integer(1, MAX_INTEGER)
    _once(seen, said, "place", one.id, stage, place)
    _once(seen, said, "assignment", one.id, stage, annotator.id)
    session.add(
        Assignment(object_id=one.id, stage=stage, place=place, annotator_id=annotator.id, time=_time(said["time"]))
    )


def _sample(session: Session, said: Field, objects: list[Object], seen: Seen) -> None:
    pair = list(said.items())
    if len(pair) != 2:
        raise said.error(f"has {len(pair)} numbers", "[stage, object]")
    stage, one = pair[0].integer(*_STAGES), _at(objects, pair[1])
    _once(seen, said, "sample", stage, one.id)
    session.add(Sample(stage=stage, object_id=one.id))


def _consensus(
    session: Session, said: Field, objects: list[Object], people: Mapping[str, Person], seen: Seen
) -> Consensus:
    one, author = _at(objects, said["object"]), _author(people, said["author"])
    agreement, choice = said.get("agreement"), said.get("choice")
    stage, round_ = said["stage"].integer(*_STAGES), said["round"].integer(1, MAX_INTEGER)
    _once(seen, said, "consensus", one.id, stage)
    row = Consensus(
        object_id=one.id,
        stage=stage,
        round=round_,
        state=said["state"].one_of(*STANDINGS),
        agreement=None if agreement is None else _within(agreement, 0, 1),
        amodal=_counts_or_none(said.get("amodal"), one.photo),
        inmodal=_counts_or_none(said.get("inmodal"), one.photo),
        choice=None if choice is None else choice.one_of(*_CHOICES),
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


def _once(seen: Seen, said: Field, *key: str | int) -> None:
    if key in seen:
        raise said.error("is there already", f"each {key[0]} once")
    seen.add(key)


def _fingerprint(said: Field) -> str:
    """Files are named by it, so it may be nothing else."""
    if not _SHA256.fullmatch(said.text()):
        raise said.error(f"is {shortened(said.text())}", "64 of the letters 0-9a-f")
    return said.text()


def _meta(said: Field) -> dict[str, Any]:
    """Anything that can be sent on as JSON."""
    try:
        json.dumps(said.object(), allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:  # half a character is one too
        raise said.error("holds half a character, NaN or Infinity", "plain JSON") from error
    return said.object()


def _within(said: Field, low: float, high: float) -> float:
    if not low <= said.number() <= high:
        raise said.error(f"is {said.number()}", f"{low} to {high}")
    return said.number()


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
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise said.error(f"is {said.text()[:50]!r}", "a time of the years 1 to 9999") from None
