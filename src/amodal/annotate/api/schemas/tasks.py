"""What the asker is to do."""

from __future__ import annotations

from typing import Literal

from amodal.annotate.api.schemas.values import Said


class Task(Said):
    """Something for the asker to do."""

    kind: Literal["pass1", "pass2", "settle"]
    photo_id: int
    photo: str
    object_id: int | None = None
    label: str | None = None
    stage: int = 1
    round: int = 1
    state: Literal["open", "draft"] = "open"


class Tasks(Said):
    """The asker's queue."""

    tasks: list[Task]
    total: int


class NextTask(Said):
    """The next one, null where nothing is left."""

    task: Task | None
