"""Whether the server is there."""

from __future__ import annotations

from fastapi import APIRouter

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here

router = APIRouter(tags=["health"])


@router.get("/health")
def health(here: Here) -> schemas.Health:
    """Whether the server and its database answer."""
    raise NotImplementedError
