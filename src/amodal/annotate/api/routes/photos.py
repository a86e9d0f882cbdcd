"""Photos: the list, their documents and pictures, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, UploadFile
from sqlalchemy.orm import Session

from amodal.annotate.api import photo_files, schemas
from amodal.annotate.api.admission import UploadRoute
from amodal.annotate.api.asking import Anyone, Asker, Expert, Here, Overseer
from amodal.annotate.api.documents import photo_document, photo_item
from amodal.annotate.api.parameters import PICTURE, IdPath, Limit, Offset, PhotoSort, TextQuery
from amodal.annotate.api.place import Place, file_of
from amodal.annotate.api.taking_in import Register
from amodal.annotate.errors import Missing
from amodal.annotate.store.audit import note
from amodal.annotate.store.objects import labels_in_use
from amodal.annotate.store.photos import add_photo, photo_named, put_box_seconds, put_boxed, put_uploaded
from amodal.annotate.store.tables import Person, Photo
from amodal.annotate.workflow.listing import Wanted, photo_list

router = APIRouter(tags=["photos"])
uploads = APIRouter(route_class=UploadRoute)


@router.get("/photos")
def get_photos(
    here: Here,
    asker: Anyone,
    request: Request,
    offset: Offset = 0,
    limit: Limit = 100,
    sort: PhotoSort = "name",
    label: TextQuery = None,
    level: Annotated[schemas.Level | None, Query()] = None,
) -> schemas.Photos:
    """A page of the list, of photos with objects of this class and level of occlusion.

    Photos that came into the folder since are taken in meanwhile, and are in the next answer.
    """
    register: Register | None = getattr(request.app.state, "register", None)
    if register is not None:
        register.start_if_changed()
    with here.database.read() as session:
        found, total = photo_list(session, asker.person(session), Wanted(offset, limit, sort, label, level))
        photos = [schemas.PhotoItem(**one) for one in found]
        return schemas.Photos(total=total, photos=photos, labels=sorted(labels_in_use(session)))


@uploads.post("/photos", status_code=201)
def add_photos(here: Here, asker: Overseer, files: list[UploadFile]) -> schemas.Uploaded:
    """Take photos in; each is decoded first, and none is taken if one is refused."""
    names = [photo_files.plain_name(file.filename) for file in files]
    sent: list[photo_files.Sent] = []
    try:
        for file, name in zip(files, names, strict=True):
            sent.append(photo_files.received(file.file, name, here.uploads))
        with here.uploading:
            return _taken_in(here, asker, sent)
    finally:
        for one in sent:
            one.part.unlink(missing_ok=True)


@router.get("/photos/{id}")
def get_photo(here: Here, asker: Anyone, id: IdPath) -> schemas.PhotoDocument:
    """A photo with its objects and order. Annotators see their own masks, and what is settled."""
    with here.database.read() as session:
        return photo_document(session, asker.person(session), id)


@router.patch("/photos/{id}")
def change_photo(here: Here, asker: Expert, id: IdPath, change: schemas.PhotoChange) -> schemas.PhotoItem:
    """Call boxes and order of a photo done, or not done."""
    with here.database.write() as session:
        person = asker.person(session)
        return photo_item(session, person, put_boxed(session, person, id, boxed=change.boxed))


@router.put("/photos/{id}/seconds")
def put_seconds(here: Here, asker: Expert, id: IdPath, asked: schemas.BoxSeconds) -> schemas.BoxSeconds:
    """Say how long the asker has worked on boxes and order; less than was said before changes nothing."""
    with here.database.write() as session:
        return schemas.BoxSeconds(seconds=put_box_seconds(session, asker.person(session), id, asked.seconds))


@router.get("/photos/{id}/picture", response_class=Response, responses=PICTURE)
def get_picture(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo itself."""
    return photo_files.picture(*file_of(here, id))


@router.get("/photos/{id}/thumbnail", response_class=Response, responses=PICTURE)
def get_thumbnail(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo within 320 × 320 px."""
    return photo_files.thumbnail(*file_of(here, id), here.thumbnails)


router.include_router(uploads)


def _taken_in(here: Place, asker: Asker, sent: Sequence[photo_files.Sent]) -> schemas.Uploaded:
    """Photos get their names and rows; where one does not, only the files that this request brought go again."""
    new: list[Path] = []
    try:
        for one in sent:
            if photo_files.put_in_place(one):
                new.append(one.place)
        with here.database.write() as session:
            person = asker.person(session)
            rows = [_row(here, session, person, one.photo) for one in sent]
            note(session, person, "upload", f"{len(rows)} photos", {"names": [row.name for row in rows[:20]]})
            return schemas.Uploaded(photos=[photo_item(session, person, row) for row in rows])
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise


def _row(here: Place, session: Session, by: Person, photo: photo_files.PhotoFile) -> Photo:
    """A new photo's, or that of one whose file was not here: an imported project names photos before they come."""
    known = photo_named(session, photo.name)
    if known is not None and known.sha256 == photo.sha256 and not known.uploaded:
        try:
            photo_files.inside(here.images, known.name)
        except Missing:
            return put_uploaded(session, by, known.id)
    return add_photo(session, by, **asdict(photo), uploaded=True)
