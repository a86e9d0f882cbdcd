"""Photos: the list, their documents and pictures, uploads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, UploadFile

from amodal.annotate.api import photo_files, schemas
from amodal.annotate.api.asking import Anyone, Expert, Here, Overseer
from amodal.annotate.api.documents import photo_document, photo_item
from amodal.annotate.api.parameters import PICTURE, IdPath, Limit, Offset, PhotoSort, TextQuery
from amodal.annotate.api.place import file_of
from amodal.annotate.api.taking_in import Register
from amodal.annotate.store.audit import note
from amodal.annotate.store.objects import labels_in_use
from amodal.annotate.store.photos import add_photo, put_boxed
from amodal.annotate.workflow.listing import Wanted, photo_list

router = APIRouter(tags=["photos"])


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


@router.post("/photos", status_code=201)
def add_photos(here: Here, asker: Overseer, files: list[UploadFile]) -> schemas.Uploaded:
    """Take photos in; each is decoded first, and none is taken if one is refused."""
    names = [photo_files.plain_name(file.filename) for file in files]
    new: list[Path] = []
    try:
        found = []
        for file, name in zip(files, names, strict=True):
            is_there = (here.uploads / name).exists()
            described, path = photo_files.take_in(file.file, name, here.uploads)
            found.append(described)
            new += [] if is_there else [path]
        with here.database.write() as session:
            person = asker.person(session)
            rows = [add_photo(session, person, **asdict(one), uploaded=True) for one in found]
            note(session, person, "upload", f"{len(rows)} photos", {"names": names[:20]})
            return schemas.Uploaded(photos=[photo_item(session, person, row) for row in rows])
    except Exception:
        for path in new:
            path.unlink(missing_ok=True)
        raise


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


@router.get("/photos/{id}/picture", response_class=Response, responses=PICTURE)
def get_picture(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo itself."""
    return photo_files.picture(*file_of(here, id))


@router.get("/photos/{id}/thumbnail", response_class=Response, responses=PICTURE)
def get_thumbnail(here: Here, asker: Anyone, id: IdPath) -> Response:
    """The photo within 320 × 320 px."""
    return photo_files.thumbnail(*file_of(here, id), here.thumbnails)
