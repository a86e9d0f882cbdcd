from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Forbidden, Invalid
from amodal.annotate.store.checks import mask_of
from amodal.annotate.store.database import Database
from amodal.annotate.store.masks import Drawn, checked, mask_document, own_mask, put_mask
from amodal.annotate.store.places import take_place
from amodal.annotate.store.proposals import Proposed, add_proposals, judge, proposals_of, verdicts_of
from amodal.annotate.store.revisions import revisions_of
from amodal.annotate.store.tables import Assignment
from amodal.masks import CropMask
from helpers.annotation import HEIGHT, WIDTH, Team, car, painted, photo, rectangle, set_project, team


@pytest.fixture
def drawn(sqlite_database: Database) -> tuple[Database, Team, int]:
    with sqlite_database.write() as session:
        all_of = team(session)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
    return sqlite_database, all_of, one.id


def put(place: tuple[Database, Team, int], what: Drawn, version: int = 0, who: int = 0, round_: int = 1) -> Any:
    database, all_of, id = place
    with database.write() as session:
        by = all_of.annotators[who]
        return mask_document(put_mask(session, by, id, what, version=version, stage=1, round_=round_))


def test_outlines_become_the_pixels_whose_centres_lie_inside(drawn: tuple[Database, Team, int]) -> None:
    found = put(drawn, rectangle(2, 3, 12, 9))
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[3:9, 2:12] = True
    assert CropMask.from_coco_rle(found["amodal"]) == CropMask.from_dense(truth)
    assert found["polygons"] == [[2, 3, 12, 3, 12, 9, 2, 9]]


def test_a_mask_ends_at_the_frame_and_its_outline_does_not(drawn: tuple[Database, Team, int]) -> None:
    found = put(drawn, rectangle(-10, -10, 5, 5))
    assert CropMask.from_coco_rle(found["amodal"]).box == (0, 0, 5, 5)
    assert found["polygons"][0][0] == -10


def test_a_painted_mask_comes_back_as_it_was(drawn: tuple[Database, Team, int]) -> None:
    truth = np.random.default_rng(3).random((HEIGHT, WIDTH)) < 0.5
    found = put(drawn, painted(truth))
    assert np.array_equal(CropMask.from_coco_rle(found["amodal"]).to_dense(), truth)


EMPTY = CropMask.empty(HEIGHT, WIDTH).to_coco_rle()
ALL = CropMask.from_dense(np.ones((HEIGHT, WIDTH), bool)).to_coco_rle()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Drawn(), "either polygons or run lengths"),
        (Drawn(polygons=[[0, 0, 9, 0, 9, 9]], amodal=ALL), "either polygons or run lengths"),
        (Drawn(polygons=[[0, 0, 9, 0]]), "outline 0 has 4 numbers"),
        (Drawn(polygons=[[0, 0, 9, 0, 9, 9], [0, 0, 9, 0, 9]]), "outline 1 has 5 numbers"),
        (Drawn(polygons=[[0, 0, float("nan"), 0, 9, 9]]), "no pixel"),
        (Drawn(polygons=[[0, 0, 1e300, 0, 9, 9]]), "no pixel"),
        (Drawn(polygons=[[50, 50, 60, 50, 60, 60]]), "outside the picture of 40 × 30 px"),
        (Drawn(amodal=EMPTY, state="done"), "no pixel inside the picture"),
        (Drawn(polygons=[], state="done"), "no pixel inside the picture"),
        (Drawn(amodal={"size": [WIDTH, HEIGHT], "counts": EMPTY["counts"]}), "found a mask of 30 × 40 px"),
        (Drawn(amodal={"size": [HEIGHT, WIDTH], "counts": "%%%"}), "amodal"),
        (Drawn(amodal="text"), "amodal"),
        (Drawn(polygons=[[0, 0, 9, 0, 9, 9]], inmodal=ALL), "pixels outside the whole mask"),
        (Drawn(amodal=ALL, source="dreamt"), "source"),
        (Drawn(amodal=ALL, state="perhaps"), "state"),
        (Drawn(amodal=ALL, seconds=-1), "seconds"),
        (Drawn(amodal=ALL, seconds=float("nan")), "seconds"),
    ],
)
def test_what_cannot_be_a_mask_is_refused(session: Session, what: Drawn, said: str) -> None:
    all_of = team(session, annotators=1)
    with pytest.raises(Invalid, match=said):
        checked(what, photo(session, all_of.expert))


def test_a_draft_may_be_empty(drawn: tuple[Database, Team, int]) -> None:
    assert put(drawn, Drawn(polygons=[]))["state"] == "draft"


def test_a_corrected_visible_mask_is_kept_and_can_be_taken_back(drawn: tuple[Database, Team, int]) -> None:
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, :10] = True
    seen = CropMask.from_dense(half).to_coco_rle()
    assert put(drawn, Drawn(amodal=ALL, inmodal=seen))["inmodal"] == seen
    assert put(drawn, Drawn(amodal=ALL), version=1)["inmodal_corrected"] is False


def test_annotators_draw_and_others_do_not(drawn: tuple[Database, Team, int]) -> None:
    database, all_of, id = drawn
    for person in (all_of.expert, all_of.manager):
        with pytest.raises(Forbidden, match="needs the role annotator"), database.write() as session:
            put_mask(session, person, id, rectangle(0, 0, 9, 9), version=0, stage=1, round_=1)


def test_annotators_do_not_get_in_each_others_way(drawn: tuple[Database, Team, int]) -> None:
    assert [put(drawn, rectangle(0, 0, 9, 9 + who), who=who)["version"] for who in range(3)] == [1, 1, 1]


def test_of_two_windows_of_one_annotator_the_second_is_told_and_loses_nothing(database: Database) -> None:
    with database.write() as session:
        all_of = team(session)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
    place = (database, all_of, one.id)
    first = put(place, rectangle(0, 0, 9, 9))
    put(place, rectangle(0, 0, 15, 9, source="edited"), version=1)
    with pytest.raises(Conflict, match="it is at version 2, yours began at 1") as conflict:
        put(place, rectangle(0, 0, 20, 20), version=1)
    assert conflict.value.current["source"] == "edited"
    with database.read() as session:
        kept = revisions_of(session, "mask", first["id"])
        now = own_mask(session, all_of.annotators[0], one.id, 1, 1)
    assert [row.refused for row in kept] == [False, False, True]
    assert kept[2].payload["polygons"] == [[0, 0, 20, 0, 20, 20, 0, 20]]
    assert now is not None and now.version == 2


def test_who_saves_into_a_round_that_ended_gets_the_new_rounds_empty_mask(drawn: tuple[Database, Team, int]) -> None:
    put(drawn, rectangle(0, 0, 9, 9))
    with pytest.raises(Conflict) as conflict:
        put(drawn, rectangle(0, 0, 9, 10), version=1, round_=2)
    assert (conflict.value.current["version"], conflict.value.current["round"]) == (0, 2)
    database, _, id = drawn
    with database.read() as session:
        assert [row.refused for row in revisions_of(session, "lost mask", id)] == [True]


def test_of_writers_at_the_same_moment_exactly_one_wins(database: Database) -> None:
    with database.write() as session:
        all_of = team(session)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
    place = (database, all_of, one.id)
    put(place, rectangle(0, 0, 9, 9))
    ready = Barrier(4)

    def write(number: int) -> str:
        ready.wait()
        try:
            put(place, rectangle(0, 0, 10 + number, 9), version=1)
        except Conflict:
            return "told"
        return "won"

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(write, range(4)))
    assert said == ["told", "told", "told", "won"]
    with database.read() as session:
        mask = own_mask(session, all_of.annotators[0], one.id, 1, 1)
        assert mask is not None and mask.version == 2
        kept = revisions_of(session, "mask", mask.id)
    assert sorted(row.refused for row in kept) == [False, False, True, True, True]


def test_of_two_annotators_who_want_the_last_place_one_gets_it(database: Database) -> None:
    with database.write() as session:
        all_of = team(session, annotators=3)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
        set_project(session, annotators_per_object=1)
    ready = Barrier(3)

    def take(who: int) -> bool:
        ready.wait()
        try:
            with database.write() as session:
                take_place(session, all_of.annotators[who], one.id, 1, 1)
        except Forbidden:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(take, range(3))) == [False, False, True]
    with database.read() as session:
        assert session.query(Assignment).count() == 1


def test_finds_of_an_earlier_call_of_the_same_method_are_over(drawn: tuple[Database, Team, int]) -> None:
    database, all_of, _ = drawn
    mask = CropMask.from_box((0, 0, 9, 9), HEIGHT, WIDTH)
    for _ in range(2):
        with database.write() as session:
            found = [Proposed("car", (0, 0, 9, 9), mask, mask), Proposed("van", (1, 1, 9, 9), mask, mask)]
            last = add_proposals(session, all_of.expert, 1, "student", found)
    with database.read() as session:
        assert [row.id for row in proposals_of(session, 1)] == [row.id for row in last]


def test_a_verdict_on_a_proposal_is_each_persons_own(drawn: tuple[Database, Team, int]) -> None:
    database, all_of, id = drawn
    first, second = all_of.annotators[:2]
    mask = CropMask.from_box((0, 0, 9, 9), HEIGHT, WIDTH)
    with database.write() as session:
        wanted = [Proposed("car", (0, 0, 9, 9), mask, mask, object_id=id)]
        proposal = add_proposals(session, first, 1, "student", wanted)[0]
        judge(session, first, proposal.id, "accepted")
        judge(session, first, proposal.id, "edited")
    with database.read() as session:
        rows = proposals_of(session, 1)
        assert mask_of(rows[0].amodal, rows[0].photo) == mask
        assert verdicts_of(session, first, rows) == {proposal.id: "edited"}
        assert verdicts_of(session, second, rows) == {}
        assert [row.payload["verdict"] for row in revisions_of(session, "verdict", 1)] == ["accepted", "edited"]
    with pytest.raises(Invalid, match="verdict"), database.write() as session:
        judge(session, first, proposal.id, "great")
