"""Help by models: proposals, and polygons that snap to edges."""

from __future__ import annotations

from fastapi import APIRouter

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Worker
from amodal.annotate.api.parameters import IdPath

router = APIRouter(tags=["help"])


@router.post("/photos/{id}/proposals", status_code=201)
def ask_proposals(here: Here, asker: Worker, id: IdPath, asked: schemas.AskProposals) -> schemas.Proposals:
    """Let a model propose masks and order for the boxes of a photo, or boxes too where it has none. Takes seconds."""
    raise NotImplementedError


@router.post("/proposals/{id}/verdict")
def give_verdict(here: Here, asker: Worker, id: IdPath, asked: schemas.Verdict) -> schemas.VerdictTaken:
    """Accepted, edited or refused. A box that nobody drew becomes an object when an expert accepts it."""
    raise NotImplementedError


@router.post("/photos/{id}/snap")
def snap(here: Here, asker: Worker, id: IdPath, asked: schemas.SnapAsk) -> schemas.Snapped:
    """A polygon moved onto edges of the photo nearby."""
    raise NotImplementedError
