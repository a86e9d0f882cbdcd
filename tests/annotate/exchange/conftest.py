"""A project with settled objects, one in front of another, and an empty one with the same photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from amodal.annotate.api.place import Place
from amodal.annotate.store.masks import Drawn
from amodal.annotate.store.objects import add_object
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import person_of
from amodal.annotate.store.photos import put_box_seconds, put_boxed
from amodal.annotate.store.tables import Person
from amodal.annotate.workflow.rounds import save_mask
from helpers.annotate_client import project

OUTLINES = {
    "car": [[8, 20, 40, 18, 44, 50, 8, 52]],
    "pedestrian": [[30, 10, 46, 12, 44, 55, 32, 55]],
    "tram": [[60, 5, 78, 5, 78, 30, 70, 12, 60, 30]],
}


@pytest.fixture
def new_place(tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """Makes an empty project of one person with photos a.png and b.png."""
    made: list[Place] = []

    def make(name: str) -> Place:
        made.append(project(tmp_path / name))
        return made[-1]

    yield make
    for place in made:
        place.database.close()


@pytest.fixture
def drawn(new_place: Callable[[str], Place]) -> Place:
    """Three objects on photo 1, drawn and ordered; one on photo 2 that nobody has drawn."""
    place = new_place("drawn")
    with place.database.write() as session:
        me = the_person(place, session)
        ids = {}
        for label, (outline,) in OUTLINES.items():
            box = (min(outline[::2]) - 0.5, min(outline[1::2]), max(outline[::2]), max(outline[1::2]) + 0.25)
            ids[label] = add_object(session, me, 1, label=label, box=box).id
        put_boxed(session, me, 1, boxed=True)
        put_box_seconds(session, me, 1, 12.5)
        put_order(session, me, 1, version=0, edges=[(ids["pedestrian"], ids["car"])])
        for label, id in ids.items():
            save_mask(session, me, id, Drawn(polygons=OUTLINES[label], state="done", seconds=4.5), version=0)
        add_object(session, me, 2, label="van", box=(-4, 5, 30, 30))
    return place


def the_person(place: Place, session: Session) -> Person:
    """Who works in a project alone."""
    assert place.alone is not None
    return person_of(session, place.alone)
