"""What the asker is to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Worker
from amodal.annotate.api.parameters import Limit, Offset, topic
from amodal.annotate.workflow import tasks

router = topic("tasks")
Pass = Annotated[Literal["1", "2", "settle"] | None, Query(alias="pass")]
KINDS = {"1": "pass1", "2": "pass2", "settle": "settle", None: None}


@router.get("/tasks")
def get_tasks(here: Here, asker: Worker, pass_: Pass = None, offset: Offset = 0, limit: Limit = 100) -> schemas.Tasks:
    """The asker's own queue."""
    with here.database.read() as session:
        found, total = tasks.tasks(session, asker.person(session), KINDS[pass_], offset=offset, limit=limit)
    return schemas.Tasks(tasks=[schemas.Task(**asdict(one)) for one in found], total=total)


@router.get("/tasks/next")
def get_next_task(here: Here, asker: Worker, pass_: Pass = None) -> schemas.NextTask:
    """The first one of it; an annotator who asks takes a place among the object's annotators.

    That is written without the token of writes: the cookie is SameSite=Strict, so pages of other sites ask as nobody,
    and where nobody logs in there is one person, whose places are taken from no one.
    """
    with here.database.write() as session:
        found = tasks.next_task(session, asker.person(session), KINDS[pass_])
    return schemas.NextTask(task=None if found is None else schemas.Task(**asdict(found)))
