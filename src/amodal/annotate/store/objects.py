"""Pass 1: whole boxes and classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Invalid, Missing
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import check_box, permit
from amodal.annotate.store.people import project_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Object, Person, Photo, now


def add_object(
    session: Session,
    by: Person,
    photo_id: int,
    *,
    label: str,
    box: Sequence[float],
    meta: dict[str, Any] | None = None,
    key: str | None = None,
    roles: Sequence[str] = ("expert",),
) -> Object:
    """A new object; experts may, or who an import allows.

    `key` is the page's own name for it: asked again with the same one, because the answer was lost, the object that
    was made first is given as it is now, deleted or not.

    Raises:
        Missing, Forbidden, Invalid: no such photo; a class that the project lacks; a box that cannot be.
    """
    permit(by, *roles)
    photo = locked(session, Photo, photo_id, "photo")
    if key is not None:  # the same request twice at once: the second has waited, and finds it
        there = session.scalars(select(Object).where(Object.photo_id == photo_id, Object.client_key == key)).first()
        if there is not None:
            return there
    x0, y0, x1, y1 = check_box(box, photo)
    one = Object(
        photo_id=photo.id,
        label=_label(session, label),
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        version=1,
        author_id=by.id,
        time=now(),
        deleted=False,
        meta=meta or {},
        client_key=key,
    )
    session.add(one)
    session.flush()
    revisions.record(session, "object", one.id, 1, by, object_document(one))
    return one


def change_object(
    session: Session,
    by: Person,
    object_id: int,
    *,
    version: int,
    label: str | None = None,
    box: Sequence[float] | None = None,
) -> Object:
    """Another class or box; experts may.

    Raises:
        Missing, Forbidden, Invalid, Conflict: somebody wrote after `version`.
    """
    wanted = {key: value for key, value in (("label", label), ("box", box and list(box))) if value is not None}
    one = _to_write(session, by, object_id, version, wanted)
    if one.deleted:
        raise Missing(f"object {object_id} was deleted")
    if label is not None:
        one.label = _label(session, label)
    if box is not None:
        one.x0, one.y0, one.x1, one.y1 = check_box(box, one.photo)
    return _written(session, by, one)


def delete_object(session: Session, by: Person, object_id: int, *, version: int) -> Object:
    """Put an object aside; its masks and its edges stay, and come back with `restore_object`.

    Raises:
        Missing, Forbidden, Conflict: as in `change_object`.
    """
    one = _to_write(session, by, object_id, version, {"deleted": True})
    if one.deleted:
        raise Missing(f"object {object_id} was deleted before")
    one.deleted = True
    return _written(session, by, one)


def restore_object(session: Session, by: Person, object_id: int) -> Object:
    """Bring a deleted object back; one that is there stays as it is."""
    permit(by, "expert")
    one = _locked(session, object_id)
    if not one.deleted:
        return one
    one.deleted = False
    return _written(session, by, one)


def object_of(session: Session, object_id: int) -> Object:
    """One object that was not deleted.

    Raises:
        Missing: there is none.
    """
    one = revisions.row_of(session, Object, object_id, "object")
    if one.deleted:
        raise Missing(f"object {object_id} was deleted")
    return one


def objects_of(session: Session, photo_id: int) -> list[Object]:
    """The objects of a photo that were not deleted, the oldest first."""
    wanted = select(Object).where(Object.photo_id == photo_id, Object.deleted.is_(False)).order_by(Object.id)
    return list(session.scalars(wanted))


def labels_in_use(session: Session) -> set[str]:
    """Classes that objects have; deleted ones too, for they may come back."""
    return set(session.scalars(select(Object.label).distinct()))


def object_document(one: Object) -> Document:
    """An object in plain values."""
    return {
        "id": one.id,
        "photo": one.photo_id,
        "label": one.label,
        "box": list(one.box),
        "version": one.version,
        "deleted": one.deleted,
        "author": one.author_id,
        "time": one.time.isoformat(),
        "meta": one.meta,
        "key": one.client_key,
    }


def _to_write(session: Session, by: Person, object_id: int, version: int, wanted: dict[str, Any]) -> Object:
    permit(by, "expert")
    one = _locked(session, object_id)
    revisions.check_version(
        "object", one.id, by, seen=version, found=one.version, current=object_document(one), wanted=wanted
    )
    return one


def _locked(session: Session, object_id: int) -> Object:
    """An object and its photo; the photo first, as everybody does, for numbers of the others follow from this one."""
    locked(session, Photo, revisions.row_of(session, Object, object_id, "object").photo_id, "photo")
    return locked(session, Object, object_id, "object")


def _written(session: Session, by: Person, one: Object) -> Object:
    one.version += 1
    one.author_id, one.time = by.id, now()
    revisions.record(session, "object", one.id, one.version, by, object_document(one))
    return one


def _label(session: Session, label: str) -> str:
    known = [one["name"] for one in project_of(session).categories]
    if label not in known:
        raise Invalid(f"label: found {label!r}, expected one of {', '.join(known)}", "label")
    return label
