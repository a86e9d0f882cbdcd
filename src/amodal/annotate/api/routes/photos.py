"""Photos: the list, their documents and pictures, uploads."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response, UploadFile

from amodal.annotate.api import photo_files, schemas
from amodal.annotate.api.admission import UploadRoute
from amodal.annotate.api.asking import Anyone, Expert, Here, Overseer
from amodal.annotate.api.documents import photo_document, photo_item
from amodal.annotate.api.parameters import PICTURE, IdPath, Limit, Offset, PhotoSort, TextQuery, topic
from amodal.annotate.api.place import file_of, has_file
from amodal.annotate.api.taking_in import Register
from amodal.annotate.api.uploading import take_uploads
from amodal.annotate.store.objects import labels_in_use
from amodal.annotate.store.photos import photo_of, put_box_seconds, put_boxed
from amodal.annotate.workflow.listing import Wanted, photo_list

router = topic("photos")
uploads = topic("photos", route_class=UploadRoute)


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
    at = None if register is None else register.reading  # before the list: what comes in between is asked for again
    reading = None if at is None else schemas.Reading(done=at[0], of=at[1])
    with here.database.read() as session:
        found, total = photo_list(session, asker.person(session), Wanted(offset, limit, sort, label, level))
        photos = [schemas.PhotoItem(**one, found=has_file(here, photo_of(session, one["id"]))) for one in found]
        return schemas.Photos(total=total, photos=photos, labels=sorted(labels_in_use(session)), reading=reading)


@uploads.post("/photos", status_code=201)
def add_photos(here: Here, asker: Overseer, files: list[UploadFile]) -> schemas.Uploaded:
    """Take photos in; each is decoded first. Those that cannot be used are named, and the others are taken."""
    return take_uploads(here, asker, files)


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


router.routes.extend(uploads.routes)
