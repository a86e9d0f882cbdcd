"""Photos: names, sizes and fingerprints. The pictures themselves stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import MAX_SECONDS, check_photo_name, permit
from amodal.annotate.store.tables import BoxTime, Person, Photo, now


def add_photo(
    session: Session,
    by: Person | None,
    *,
    name: str,
    width: int,
    height: int,
    sha256: str,
    uploaded: bool = False,
    meta: dict[str, Any] | None = None,
) -> Photo:
    """A photo that is not there yet; experts and managers may, and (`by` None) who starts the server.

    Raises:
        Forbidden, Invalid: among others, a name that is there already.
    """
    if by is not None:
        permit(by, "expert", "manager")
    photo = Photo(
        name=check_photo_name(name),
        width=width,
        height=height,
        sha256=sha256,
        uploaded=uploaded,
        added=now(),
        author_id=None if by is None else by.id,
        meta=meta or {},
    )
    if min(width, height) < 1:
        raise Invalid(f"{name}: found {width} × {height} px, expected sides of at least 1", "file")
    try:
        with session.begin_nested():
            session.add(photo)
    except IntegrityError:
        raise Invalid(f"name: there is already a photo {name!r}", "name") from None
    revisions.record(session, "photo", photo.id, 1, by, photo_document(photo))
    return photo


def photo_of(session: Session, photo_id: int) -> Photo:
    """One photo.

    Raises:
        Missing: there is none.
    """
    return revisions.row_of(session, Photo, photo_id, "photo")


def put_boxed(session: Session, by: Person, photo_id: int, *, boxed: bool, roles: Sequence[str] = ("expert",)) -> Photo:
    """Call boxes and order of a photo done, or not done; experts may. A photo may be done with no object in it.

    Raises:
        Missing, Forbidden.
    """
    permit(by, *roles)
    photo = revisions.locked(session, Photo, photo_id, "photo")
    if (photo.boxed_at is not None) == boxed:
        return photo
    photo.boxed_at, photo.boxed_by_id = (now(), by.id) if boxed else (None, None)
    return _written(session, by, photo)


def put_uploaded(session: Session, by: Person, photo_id: int) -> Photo:
    """The file of a photo that was known by name and fingerprint alone has come; experts and managers may.

    Raises:
        Missing, Forbidden.
    """
    permit(by, "expert", "manager")
    photo = revisions.locked(session, Photo, photo_id, "photo")
    photo.uploaded = True
    return _written(session, by, photo)


def box_seconds(session: Session, by: Person, photo_id: int) -> float:
    """How long this person has worked on the boxes and the order of a photo."""
    row = session.get(BoxTime, (photo_id, by.id))
    return 0.0 if row is None else row.seconds


def put_box_seconds(session: Session, by: Person, photo_id: int, seconds: float) -> float:
    """All the time spent so far; of two windows the one that measured more is believed. Experts may.

    Raises:
        Missing, Forbidden, Invalid.
    """
    permit(by, "expert")
    if not 0 <= seconds <= MAX_SECONDS:
        raise Invalid(f"seconds: found {seconds}, expected 0 to {MAX_SECONDS}", "seconds")
    photo = revisions.locked(session, Photo, photo_id, "photo")
    row = session.get(BoxTime, (photo.id, by.id), populate_existing=True)
    if row is None:
        row = BoxTime(photo_id=photo.id, person_id=by.id, seconds=0.0)
        session.add(row)
    row.seconds = max(row.seconds, seconds)
    session.flush()
    return row.seconds


def photo_named(session: Session, name: str) -> Photo | None:
    """The photo of this name, or None."""
    return session.scalars(select(Photo).where(Photo.name == name)).first()


def photos_called(session: Session, file_name: str) -> list[Photo]:
    """The photos whose file has this name, in whatever folder."""
    in_a_folder = Photo.name.endswith(f"/{file_name}", autoescape=True)  # SQLite's LIKE does not tell cases apart
    found = session.scalars(select(Photo).where(or_(Photo.name == file_name, in_a_folder)).order_by(Photo.name))
    return [one for one in found if one.name.rpartition("/")[2] == file_name]


def photos(session: Session) -> list[Photo]:
    """All photos, by name."""
    return list(session.scalars(select(Photo).order_by(Photo.name)))


def photo_document(photo: Photo) -> Document:
    """A photo in plain values."""
    return {
        "id": photo.id,
        "name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "sha256": photo.sha256,
        "uploaded": photo.uploaded,
        "boxed": photo.boxed_at is not None,
        "meta": photo.meta,
    }


def _written(session: Session, by: Person, photo: Photo) -> Photo:
    session.flush()
    version = len(revisions.revisions_of(session, "photo", photo.id)) + 1
    revisions.record(session, "photo", photo.id, version, by, photo_document(photo))
    return photo
