"""A small project with people, a photo and objects, for tests of the annotation app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from amodal.annotate.store.masks import Drawn
from amodal.annotate.store.objects import add_object
from amodal.annotate.store.people import add_person, create_project, project_of
from amodal.annotate.store.photos import add_photo
from amodal.annotate.store.tables import Object, Person, Photo
from amodal.masks import CropMask

WIDTH, HEIGHT = 40, 30
PASSWORD = "correct horse"


@dataclass(frozen=True)
class Team:
    manager: Person
    expert: Person
    annotators: tuple[Person, ...]


def team(session: Session, annotators: int = 3) -> Team:
    """A project with a manager, an expert and annotators, all of one password."""
    create_project(session, "street", annotators_per_object=annotators)
    manager = add_person(session, None, name="Mia", role="manager", password=PASSWORD)
    expert = add_person(session, manager, name="Eva", role="expert", password=PASSWORD)
    others = tuple(
        add_person(session, manager, name=f"Ann {number}", role="annotator", password=PASSWORD)
        for number in range(1, annotators + 1)
    )
    return Team(manager, expert, others)


def photo(session: Session, by: Person, name: str = "street/a.png") -> Photo:
    return add_photo(session, by, name=name, width=WIDTH, height=HEIGHT, sha256="0" * 64)


def car(session: Session, by: Person, photo_id: int, *box: float) -> Object:
    return add_object(session, by, photo_id, label="car", box=box or (0, 0, 20, 20))


def rectangle(x0: float, y0: float, x1: float, y1: float, state: str = "done", **more: Any) -> Drawn:
    return Drawn(polygons=[[x0, y0, x1, y0, x1, y1, x0, y1]], state=state, **more)


def painted(mask: np.ndarray, state: str = "done", **more: Any) -> Drawn:
    return Drawn(amodal=CropMask.from_dense(mask).to_coco_rle(), state=state, **more)


def set_project(session: Session, **values: Any) -> None:
    """Settings without a manager's permission and without revisions."""
    project = project_of(session)
    for field, value in values.items():
        setattr(project, field, value)
    session.flush()
