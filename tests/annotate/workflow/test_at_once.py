"""Two people at the same moment, on a server's database: a file takes one write after the other by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy.orm import Session

from amodal.annotate.store.consensus import standing
from amodal.annotate.store.database import Database, open_database
from amodal.annotate.store.objects import change_object
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import change_project
from amodal.annotate.workflow.rounds import conclude_all, save_mask, settle
from amodal.annotate.workflow.scenes import refresh
from amodal.masks import CropMask
from helpers.annotation import HEIGHT, WIDTH, Team, car, photo, rectangle, team

SECONDS = 1.0  # how long the second has to come between, where nothing keeps it from that


@pytest.fixture
def server(postgres_url: str) -> Iterator[Database]:
    database = open_database(postgres_url)
    yield database
    database.close()


@pytest.fixture
def all_of(server: Database) -> Team:
    """People, and a photo with object 1 in front of object 2, whose right half it hides."""
    with server.write() as session:
        found = team(session, annotators=2)
        id = photo(session, found.expert).id
        front, behind = car(session, found.expert, id, 10, 0, 20, 20), car(session, found.expert, id, 0, 0, 20, 20)
        put_order(session, found.expert, id, version=0, edges=[(front.id, behind.id)])
    return found


def at_once(server: Database, first: Callable[[Session], object], second: Callable[[Session], object]) -> None:
    """The second begins when the first has written and not yet committed."""

    def write() -> None:
        with server.write() as session:
            second(session)

    with ThreadPoolExecutor(1) as pool:
        with server.write() as session:
            first(session)
            other = pool.submit(write)
            wait([other], SECONDS)
        other.result()


def drawn(session: Session, by: Team, object_id: int, x0: int) -> None:
    whole = CropMask.from_box((x0, 0, 20, 20), HEIGHT, WIDTH).to_coco_rle()
    settle(session, by.expert, object_id, choice="drawn", version=0, amodal=whole)


def hidden(server: Database, object_id: int) -> float | None:
    with server.read() as session:
        row = standing(session, object_id, 1)
        return None if row is None else row.occlusion


def test_of_two_objects_settled_at_once_the_hidden_share_is_known(server: Database, all_of: Team) -> None:
    at_once(server, lambda session: drawn(session, all_of, 1, 10), lambda session: drawn(session, all_of, 2, 0))
    assert hidden(server, 2) == pytest.approx(0.5)


def test_a_class_changed_while_an_object_is_settled_leaves_no_old_share(server: Database, all_of: Team) -> None:
    def change(session: Session) -> None:
        refresh(session, change_object(session, all_of.expert, 1, version=1, label="van").photo_id, 1)

    with server.write() as session:
        drawn(session, all_of, 2, 0)
    at_once(server, lambda session: drawn(session, all_of, 1, 10), change)
    assert hidden(server, 2) == pytest.approx(0.5)


def test_fewer_annotators_meanwhile_conclude_the_mask_that_is_just_saved(server: Database, all_of: Team) -> None:
    def fewer(session: Session) -> None:
        change_project(session, all_of.manager, annotators_per_object=1)
        conclude_all(session)

    def save(session: Session) -> None:
        save_mask(session, all_of.annotators[0], 1, rectangle(10, 0, 20, 20), version=0)

    at_once(server, save, fewer)
    with server.read() as session:
        row = standing(session, 1, 1)
        assert row is not None and row.state == "agreed"
