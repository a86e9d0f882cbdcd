"""What the asker is to do."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Worker
from amodal.annotate.api.parameters import Limit, Offset

router = APIRouter(tags=["tasks"])
Pass = Annotated[Literal["1", "2"] | None, Query(alias="pass")]


@router.get("/tasks")
def get_tasks(here: Here, asker: Worker, pass_: Pass = None, offset: Offset = 0, limit: Limit = 100) -> schemas.Tasks:
    """The asker's own queue."""
    raise NotImplementedError


@router.get("/tasks/next")
def get_next_task(here: Here, asker: Worker, pass_: Pass = None) -> schemas.NextTask:
    """The first one of it."""
    raise NotImplementedError
