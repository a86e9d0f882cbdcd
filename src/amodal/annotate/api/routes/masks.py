"""Pass 2: masks, and what becomes of them."""

from __future__ import annotations

from fastapi import APIRouter

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Annotator, Expert, Here
from amodal.annotate.api.parameters import CONFLICT, IdPath

router = APIRouter(tags=["pass 2"])


@router.put("/objects/{id}/mask", responses=CONFLICT)
def put_mask(here: Here, asker: Annotator, id: IdPath, asked: schemas.MaskWrite) -> schemas.Mask:
    """Save the asker's own mask. Where another window was faster, 409 has that mask, and nothing is lost."""
    raise NotImplementedError


@router.post("/objects/{id}/settle", responses=CONFLICT)
def settle(here: Here, asker: Expert, id: IdPath, asked: schemas.Settle) -> schemas.Consensus:
    """The expert's word on an object, at any time."""
    raise NotImplementedError
