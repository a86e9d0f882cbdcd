from __future__ import annotations

import math

import pytest
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Forbidden, Invalid, Missing
from amodal.annotate.store import objects as store
from amodal.annotate.store.database import Database
from amodal.annotate.store.orders import edges_of, order_document, put_order
from amodal.annotate.store.photos import add_photo
from amodal.annotate.store.revisions import revisions_of
from helpers.annotation import HEIGHT, WIDTH, Team, car, photo, team


@pytest.fixture
def all_of(session: Session) -> Team:
    return team(session)


@pytest.fixture
def street(session: Session, all_of: Team) -> int:
    return photo(session, all_of.expert).id


def test_pass_1_is_the_experts(session: Session, all_of: Team, street: int) -> None:
    one = car(session, all_of.expert, street)
    for person in (all_of.manager, all_of.annotators[0]):
        with pytest.raises(Forbidden, match="needs the role expert"):
            car(session, person, street)
        with pytest.raises(Forbidden):
            store.change_object(session, person, one.id, version=1, box=(0, 0, 5, 5))
        with pytest.raises(Forbidden):
            store.delete_object(session, person, one.id, version=1)
        with pytest.raises(Forbidden):
            put_order(session, person, street, version=0, edges=[])


def test_a_box_may_leave_the_picture_but_must_meet_it(session: Session, all_of: Team, street: int) -> None:
    assert car(session, all_of.expert, street, -30, -20, 5, HEIGHT + 40).box == (-30, -20, 5, HEIGHT + 40)
    for box in ((-9, 0, 0, 9), (WIDTH, 0, WIDTH + 9, 9), (0, -9, 9, 0), (0, HEIGHT, 9, HEIGHT + 9)):
        with pytest.raises(Invalid, match="outside the picture"):
            car(session, all_of.expert, street, *box)


@pytest.mark.parametrize("box", [(5, 0, 5, 9), (9, 0, 5, 9), (0, 0, math.nan, 9), (0, 0, math.inf, 9), (0, 0, 9)])
def test_a_box_that_is_none_is_refused(session: Session, all_of: Team, street: int, box: tuple[float, ...]) -> None:
    with pytest.raises(Invalid, match="box"):
        store.add_object(session, all_of.expert, street, label="car", box=box)


def test_a_class_must_be_the_projects(session: Session, all_of: Team, street: int) -> None:
    with pytest.raises(Invalid, match="found 'elephant', expected one of pedestrian"):
        store.add_object(session, all_of.expert, street, label="elephant", box=(0, 0, 9, 9))


def test_a_box_asked_for_twice_with_one_key_is_made_once(session: Session, all_of: Team, street: int) -> None:
    made = [
        store.add_object(session, all_of.expert, street, label="car", box=(0, 0, 9, 9), key="abcd-1234")
        for _ in range(2)
    ]
    assert made[0].id == made[1].id
    assert [one.id for one in store.objects_of(session, street)] == [made[0].id]
    assert len(revisions_of(session, "object", made[0].id)) == 1


def test_the_same_key_on_another_photo_is_another_object(session: Session, all_of: Team, street: int) -> None:
    elsewhere = photo(session, all_of.expert, "b.png").id
    made = [
        store.add_object(session, all_of.expert, where, label="car", box=(0, 0, 9, 9), key="abcd-1234").id
        for where in (street, elsewhere)
    ]
    assert made[0] != made[1]


def test_the_second_of_two_writers_is_told_what_the_first_wrote(session: Session, all_of: Team, street: int) -> None:
    one = car(session, all_of.expert, street)
    store.change_object(session, all_of.expert, one.id, version=1, label="van")
    with pytest.raises(Conflict) as conflict:
        store.change_object(session, all_of.expert, one.id, version=1, box=(1, 1, 9, 9))
    assert (conflict.value.current["label"], conflict.value.current["version"]) == ("van", 2)
    assert conflict.value.draft is not None and conflict.value.draft.payload == {"box": [1, 1, 9, 9]}


def test_a_refused_draft_is_kept_and_changes_nothing(database: Database) -> None:
    with database.write() as session:
        all_of = team(session)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
    with pytest.raises(Conflict), database.write() as session:
        store.change_object(session, all_of.expert, one.id, version=7, label="tram")
    with database.read() as session:
        kept = revisions_of(session, "object", one.id)
        assert [(row.refused, row.author_id) for row in kept] == [(False, all_of.expert.id), (True, all_of.expert.id)]
        assert kept[1].payload == {"label": "tram"}
        assert store.object_of(session, one.id).label == "car"


def test_deleting_hides_an_object_and_its_edges_and_restoring_brings_both_back(
    session: Session, all_of: Team, street: int
) -> None:
    front, behind = car(session, all_of.expert, street), car(session, all_of.expert, street)
    put_order(session, all_of.expert, street, version=0, edges=[(front.id, behind.id)])
    store.delete_object(session, all_of.expert, front.id, version=1)
    assert [one.id for one in store.objects_of(session, street)] == [behind.id]
    assert edges_of(session, street) == []
    with pytest.raises(Missing):
        store.object_of(session, front.id)
    with pytest.raises(Missing):
        store.change_object(session, all_of.expert, front.id, version=2, label="van")
    store.restore_object(session, all_of.expert, front.id)
    assert edges_of(session, street) == [(front.id, behind.id)]
    assert [row.payload["deleted"] for row in revisions_of(session, "object", front.id)] == [False, True, False]


def test_a_circle_is_refused_and_named(session: Session, all_of: Team, street: int) -> None:
    a, b, c = (car(session, all_of.expert, street).id for _ in range(3))
    with pytest.raises(Invalid, match=f"{a} in front of {b} in front of {c} in front of {a}"):
        put_order(session, all_of.expert, street, version=0, edges=[(a, b), (b, c), (c, a)])
    assert order_document(session, street)["version"] == 0


def test_edges_join_two_objects_of_the_photo_one_way(session: Session, all_of: Team, street: int) -> None:
    a, b = (car(session, all_of.expert, street).id for _ in range(2))
    elsewhere = car(session, all_of.expert, photo(session, all_of.expert, "b.png").id).id
    for edges in ([(a, a)], [(a, b), (b, a)], [(a, b), (a, b)], [(a, elsewhere)], [(a, 999)], [(a, b, a)]):
        with pytest.raises(Invalid, match="edges"):
            put_order(session, all_of.expert, street, version=0, edges=edges)


def test_the_order_has_its_own_version(session: Session, all_of: Team, street: int) -> None:
    a, b = (car(session, all_of.expert, street).id for _ in range(2))
    put_order(session, all_of.expert, street, version=0, edges=[(a, b)])
    with pytest.raises(Conflict) as conflict:
        put_order(session, all_of.expert, street, version=0, edges=[(b, a)])
    assert conflict.value.current == {"photo": street, "edges": [[a, b]], "version": 1}
    put_order(session, all_of.expert, street, version=1, edges=[(b, a)])
    assert edges_of(session, street) == [(b, a)]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../a.png", "a/../b.png", "a//b.png", "C:/a.png", "a\\b.png", "a/",
                                  "<img>.png", "a\x00.png"])  # fmt: skip
def test_a_photos_name_stays_below_its_folder(session: Session, all_of: Team, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        photo(session, all_of.expert, name)


def test_a_photo_is_added_once_by_experts_and_managers(session: Session, all_of: Team, street: int) -> None:
    with pytest.raises(Invalid, match="already a photo"):
        photo(session, all_of.manager)
    with pytest.raises(Forbidden):
        photo(session, all_of.annotators[0], "b.png")
    with pytest.raises(Invalid, match="0 × 5 px"):
        add_photo(session, all_of.expert, name="c.png", width=0, height=5, sha256="")
