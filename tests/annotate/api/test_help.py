from __future__ import annotations

from collections.abc import Callable

import pytest

from amodal.segmenter import METHODS
from helpers.annotate_client import Person


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("student", "orm"):
        monkeypatch.setitem(METHODS, method, "helpers.stub_segmenter:load")


def test_proposals_come_with_masks_and_order_for_the_boxes_that_are_there(alone: Person) -> None:
    a, b = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 40)
    said = alone.post("/photos/1/proposals", {}).json()
    assert [one["object_id"] for one in said["proposals"]] == [a, b]
    assert said["edges"] == [[b, a]]
    assert [one["proposal"]["verdict"] for one in alone.get("/photos/1").json()["objects"]] == ["open", "open"]


def test_a_verdict_is_kept_for_who_gave_it(as_person: Callable[[str], Person]) -> None:
    erna, anna = as_person("erna"), as_person("anna")
    erna.box(1, 5, 5, 30, 30)
    id = anna.post("/photos/1/proposals", {}).json()["proposals"][0]["id"]
    assert anna.post(f"/proposals/{id}/verdict", {"verdict": "edited"}).json()["proposal"]["verdict"] == "edited"
    assert anna.get("/photos/1").json()["objects"][0]["proposal"]["verdict"] == "edited"
    assert erna.get("/photos/1").json()["objects"][0]["proposal"]["verdict"] == "open"


def test_an_accepted_box_of_the_detector_becomes_an_object(alone: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from amodal.annotate.store.proposals import Proposed, add_proposals
    from amodal.annotate.store.tables import Person as Row
    from amodal.masks import CropMask

    place = alone.http.app.state.place  # type: ignore[attr-defined]
    mask = CropMask.from_box((5, 5, 30, 30), 60, 80)
    with place.database.write() as session:
        me = session.get_one(Row, place.alone)
        (row,) = add_proposals(session, me, 1, "detector", [Proposed("car", (5, 5, 30, 30), mask, mask, 0.9)])
        id = row.id
    assert [one["id"] for one in alone.get("/photos/1").json()["proposals"]] == [id]
    said = alone.post(f"/proposals/{id}/verdict", {"verdict": "accepted"}).json()
    assert said["object"]["box"] == [5, 5, 30, 30]
    after = alone.get("/photos/1").json()
    assert (after["proposals"], after["objects"][0]["proposal"]["id"]) == ([], id)
    again = alone.post(f"/proposals/{id}/verdict", {"verdict": "accepted"}).json()
    assert again["object"] is None


def test_boxes_that_were_found_bring_the_model_s_order_when_the_second_is_taken(
    alone: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from amodal.masks import CropMask
    from amodal.order import OrderEdge, OrderGraph
    from amodal.scene import Instance, Scene

    boxes = [(5.0, 5.0, 30.0, 30.0), (20.0, 5.0, 50.0, 40.0), (40.0, 5.0, 60.0, 40.0)]
    masks = [CropMask.from_box(box, 60, 80) for box in boxes]
    found = [
        Instance(7 + n, "car", box, 0.9, mask, mask) for n, (box, mask) in enumerate(zip(boxes, masks, strict=True))
    ]
    order = OrderGraph((OrderEdge(8, 7, 0.9), OrderEdge(8, 9, 0.8)))
    place = alone.http.app.state.place  # type: ignore[attr-defined]
    monkeypatch.setattr(
        place.proposer, "propose", lambda *_: ("stub", Scene(60, 80, tuple(found), order, exclusive=False))
    )
    proposals = [one["id"] for one in alone.post("/photos/1/proposals", {}).json()["proposals"]]
    taken = {}
    said = []
    for place_ in (2, 1):
        answer = alone.post(f"/proposals/{proposals[place_]}/verdict", {"verdict": "accepted"}).json()
        taken[place_] = answer["object"]["id"]
        said.append(answer["edges"])
    assert said == [[], [[taken[1], taken[2]]]]
    assert alone.delete(f"/objects/{taken[1]}?version=1").status_code == 200
    last = alone.post(f"/proposals/{proposals[0]}/verdict", {"verdict": "accepted"}).json()
    assert last["edges"] == []  # the one that was in front of it is gone


@pytest.mark.parametrize("method", ["magic", "pcnet-m", "x" * 51, 5])
def test_methods_that_there_are_not_are_refused(alone: Person, method: object) -> None:
    assert alone.post("/photos/1/proposals", {"method": method}).status_code == 422


def test_a_polygon_snaps_through_the_api(alone: Person) -> None:
    said = alone.post("/photos/1/snap", {"polygon": [10, 10, 40, 10, 40, 40, 10, 40]})
    assert said.status_code == 200
    assert len(said.json()["polygon"]) >= 6
