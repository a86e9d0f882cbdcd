from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from helpers.annotate_client import Person, both_databases

pytestmark = both_databases
AsPerson = Callable[[str], Person]
BOX = {"label": "car", "box": [5, 5, 30, 30]}

# What each route needs; who has none of these roles is refused, whatever else is wrong with the request.
NEEDED: list[tuple[str, str, Any, set[str]]] = [
    ("POST", "/photos/1/objects", BOX, {"expert"}),
    ("PATCH", "/objects/1", {"version": 1}, {"expert"}),
    ("DELETE", "/objects/1?version=1", None, {"expert"}),
    ("POST", "/objects/1/restore", None, {"expert"}),
    ("PUT", "/photos/1/order", {"version": 0, "edges": []}, {"expert"}),
    ("PUT", "/photos/1/seconds", {"seconds": 1.5}, {"expert"}),
    ("POST", "/objects/1/settle", {"version": 0, "choice": "vote"}, {"expert"}),
    ("POST", "/objects/1/reopen", {"version": 0}, {"expert"}),
    ("PUT", "/objects/1/mask", {"version": 0, "polygons": [[0, 0, 9, 0, 9, 9]]}, {"annotator"}),
    ("POST", "/photos/1/snap", {"polygon": [0, 0, 9, 0, 9, 9]}, {"expert", "annotator"}),
    ("GET", "/tasks", None, {"expert", "annotator"}),
    ("GET", "/tasks/next", None, {"expert", "annotator"}),
    ("GET", "/people", None, {"manager"}),
    ("POST", "/people", {"name": "x", "role": "expert", "password": "12345678"}, {"manager"}),
    ("PATCH", "/project", {"version": 1}, {"manager"}),
    ("GET", "/audit", None, {"manager"}),
    ("GET", "/manager/progress", None, {"manager"}),
    ("GET", "/manager/consistency", None, {"manager"}),
    ("GET", "/manager/statistics", None, {"manager"}),
    ("GET", "/manager/agreement", None, {"manager", "expert"}),
    ("GET", "/manager/disagreements", None, {"manager", "expert"}),
    ("GET", "/manager/stage?share=0.5", None, {"manager"}),
    ("POST", "/manager/stage", {"share": 0.5}, {"manager"}),
    ("POST", "/imports", None, {"manager", "expert"}),
    ("POST", "/exports", {"format": "coco"}, {"manager", "expert"}),
]
PEOPLE = {"erna": "expert", "anna": "annotator", "maria": "manager"}


@pytest.mark.parametrize("name", PEOPLE)
def test_a_role_gets_what_is_its_own_and_403_for_the_rest(as_person: AsPerson, name: str) -> None:
    person = as_person(name)
    for method, path, content, roles in NEEDED:
        said = person._write(method, path, content)
        assert (said.status_code == 403) == (PEOPLE[name] not in roles), (method, path, said.text)
        assert said.status_code < 500


def test_annotators_are_blind_to_each_other_until_an_object_is_settled(as_person: AsPerson) -> None:
    erna, anna, ben, cleo = (as_person(name) for name in ("erna", "anna", "ben", "cleo"))
    one = erna.box(1, 10, 10, 50, 40)
    anna.draw(one, 10, 10, 50, 40)
    ben.draw(one, 10, 10, 50, 41)
    seen = ben.get("/photos/1").json()["objects"][0]
    assert seen["mask"]["author"] == "ben"
    assert seen["consensus"] is None or not seen["consensus"]["masks"]
    assert "anna" not in ben.get(f"/objects/{one}/history").text
    assert {one["worst"] for one in ben.get("/photos").json()["photos"]} == {None}
    assert len(erna.get("/photos/1").text) > 0
    cleo.draw(one, 10, 10, 50, 40)
    after = ben.get("/photos/1").json()["objects"][0]["consensus"]
    assert after["state"] == "agreed"
    assert after["amodal"] is not None
    assert after["masks"] == []
    whole = erna.get("/photos/1").json()["objects"][0]["consensus"]
    assert {mask["author"] for mask in whole["masks"]} == {"anna", "ben", "cleo"}


def test_of_what_is_settled_each_is_told_whether_it_may_be_opened_again(as_person: AsPerson) -> None:
    one = as_person("erna").box(1, 10, 10, 50, 40)
    for name in ("anna", "ben", "cleo"):
        as_person(name).draw(one, 10, 10, 50, 40)
    may = {
        name: as_person(name).get("/photos/1").json()["objects"][0]["consensus"]["may_reopen"]
        for name in ("erna", "anna", "maria")
    }
    assert may == {"erna": True, "anna": False, "maria": False}
    assert as_person("anna").draw(one, 10, 10, 50, 41, version=1, state="draft").status_code == 403


def test_annotators_cannot_sort_by_what_others_drew(as_person: AsPerson) -> None:
    assert as_person("anna").get("/photos", sort="worst").status_code == 403
    assert as_person("erna").get("/photos", sort="worst").status_code == 200


def test_a_fourth_annotator_has_no_place_at_an_object(as_person: AsPerson) -> None:
    maria, erna = as_person("maria"), as_person("erna")
    maria.post("/people", {"name": "dora", "role": "annotator", "password": "correct horse"})
    one = erna.box(1, 10, 10, 50, 40)
    for name in ("anna", "ben", "cleo"):
        as_person(name).draw(one, 10, 10, 50, 40, state="draft")
    assert as_person("dora").draw(one, 10, 10, 50, 40).status_code == 403
