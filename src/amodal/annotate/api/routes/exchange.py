"""In and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Manager
from amodal.annotate.api.parameters import ARCHIVE

router = APIRouter(tags=["exchange"])
FormatField = Annotated[schemas.ImportFormat | None, Form()]


@router.post("/imports", status_code=201)
def take_in(here: Here, asker: Manager, file: UploadFile, format: FormatField = None) -> schemas.Import:
    """Take in a file (or a zip with it); its format is recognised unless said. All of it or nothing."""
    raise NotImplementedError


@router.post("/exports", response_class=Response, responses=ARCHIVE)
def give_out(here: Here, asker: Manager, asked: schemas.Export) -> Response:
    """A zip with the annotations in a format, and losses.json: what that format cannot say."""
    raise NotImplementedError
