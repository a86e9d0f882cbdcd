from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from amodal.masks import CropMask
from helpers.annotate_client import HEIGHT, WIDTH, Person, both_databases

pytestmark = both_databases
AsPerson = Callable[[str], Person]


def test_clusters_and_numbers_follow_from_boxes_and_order(alone: Person) -> None:
    a, b, c = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 30), alone.box(1, 60, 40, 75, 55)
    said = alone.put("/photos/1/order", {"version": 0, "edges": [[a, b]]}).json()
    assert said["numbers"] == {str(a): 0, str(b): 1, str(c): 0}
    assert sorted(map(sorted, said["clusters"])) == [[a, b], [c]]


def test_a_box_sent_again_after_a_lost_answer_is_the_same_object(alone: Person) -> None:
    asked = {"label": "car", "box": [5, 5, 30, 30], "key": "0f3c-page-made"}
    first, again = (alone.post("/photos/1/objects", asked) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert [one["key"] for one in alone.get("/photos/1").json()["objects"]] == ["0f3c-page-made"]


def test_an_order_that_goes_in_a_circle_is_refused_with_the_circle_named(alone: Person) -> None:
    a, b, c = alone.box(1, 5, 5, 30, 30), alone.box(1, 10, 5, 50, 30), alone.box(1, 8, 8, 40, 40)
    said = alone.put("/photos/1/order", {"version": 0, "edges": [[a, b], [b, c], [c, a]]})
    assert said.status_code == 422
    assert all(str(id) in said.json()["error"]["message"] for id in (a, b, c))
    assert alone.get("/photos/1").json()["order"]["version"] == 0


def test_objects_that_overlap_without_an_order_are_shown_as_a_contradiction(alone: Person) -> None:
    a, b = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 30)
    (found,) = alone.get("/photos/1").json()["order"]["contradictions"]
    assert (found["what"], found["ids"]) == ("equal numbers", [a, b])


def test_the_visible_mask_is_the_whole_one_less_what_is_in_front(alone: Person) -> None:
    a, b = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 30)
    alone.put("/photos/1/order", {"version": 0, "edges": [[a, b]]})
    alone.draw(a, 5, 5, 30, 30)
    said = alone.draw(b, 20, 5, 50, 30).json()
    whole, front = np.zeros((2, HEIGHT, WIDTH), bool)
    whole[5:30, 20:50] = True
    front[5:30, 5:30] = True
    assert (CropMask.from_coco_rle(said["inmodal"]).to_dense() == (whole & ~front)).all()
    assert not said["inmodal_corrected"]


def test_a_corrected_visible_mask_stays_until_it_is_taken_back(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    part = CropMask.from_box((5, 5, 10, 30), HEIGHT, WIDTH).to_coco_rle()
    whole = CropMask.from_box((5, 5, 30, 30), HEIGHT, WIDTH).to_coco_rle()
    said = alone.put(f"/objects/{one}/mask", {"version": 0, "amodal": whole, "inmodal": part}).json()
    assert (said["inmodal"], said["inmodal_corrected"]) == (part, True)
    said = alone.put(f"/objects/{one}/mask", {"version": 1, "amodal": whole, "inmodal": None}).json()
    assert (said["inmodal"], said["inmodal_corrected"]) == (whole, False)


def test_who_comes_second_is_told_what_is_there_and_loses_nothing(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    alone.patch(f"/objects/{one}", {"version": 1, "box": [5, 5, 31, 30]})
    said = alone.patch(f"/objects/{one}", {"version": 1, "box": [5, 5, 99, 30]})
    assert said.status_code == 409
    assert said.json()["current"] == alone.get("/photos/1").json()["objects"][0] | {"proposal": None}
    lost = [line for line in alone.get(f"/objects/{one}/history").json()["revisions"] if line["refused"]]
    assert [line["payload"]["box"] for line in lost] == [[5, 5, 99, 30]]


def lost(person: Person, one: int) -> list[object]:
    """The outlines of what was refused."""
    written = person.get(f"/objects/{one}/history").json()["revisions"]
    return [line["payload"]["polygons"] for line in written if line["refused"]]


def test_a_drawing_that_comes_after_the_expert_s_word_stays_in_the_history(as_person: AsPerson) -> None:
    erna, anna = as_person("erna"), as_person("anna")
    one = erna.box(1, 5, 5, 30, 30)
    whole = CropMask.from_box((5, 5, 30, 30), HEIGHT, WIDTH).to_coco_rle()
    erna.post(f"/objects/{one}/settle", {"version": 0, "choice": "drawn", "amodal": whole})
    assert anna.draw(one, 5, 5, 20, 20).status_code == 403
    assert lost(anna, one) == [[[5, 5, 20, 5, 20, 20, 5, 20]]]
    assert lost(as_person("ben"), one) == []  # who did not draw it is not shown it


def test_a_drawing_of_who_is_no_annotator_any_more_stays_in_the_history(as_person: AsPerson) -> None:
    erna, anna, maria = as_person("erna"), as_person("anna"), as_person("maria")
    one = erna.box(1, 5, 5, 30, 30)
    anna.draw(one, 5, 5, 30, 30, state="draft")
    id = anna.get("/session").json()["person"]["id"]
    maria.patch(f"/people/{id}", {"role": "expert"})
    assert anna.draw(one, 5, 5, 20, 20, version=1).status_code == 403
    assert lost(erna, one) == [[[5, 5, 20, 5, 20, 20, 5, 20]]]


def test_a_drawing_of_an_object_deleted_meanwhile_stays_in_the_history(as_person: AsPerson) -> None:
    erna, anna = as_person("erna"), as_person("anna")
    one = erna.box(1, 5, 5, 30, 30)
    erna.delete(f"/objects/{one}?version=1")
    assert anna.draw(one, 5, 5, 20, 20).status_code == 404
    assert lost(anna, one) == [[[5, 5, 20, 5, 20, 20, 5, 20]]]


WHOLE = CropMask.from_box((5, 5, 30, 30), HEIGHT, WIDTH).to_coco_rle()
SEEN = CropMask.from_box((5, 5, 20, 30), HEIGHT, WIDTH).to_coco_rle()


@pytest.mark.parametrize("meanwhile", ["settled", "nothing stands", "deleted"])
def test_all_that_an_expert_sent_in_vain_stays_in_the_history(as_person: AsPerson, meanwhile: str) -> None:
    erna = as_person("erna")
    one = erna.box(1, 5, 5, 30, 30)
    if meanwhile == "settled":
        erna.post(f"/objects/{one}/settle", {"version": 0, "choice": "drawn", "amodal": SEEN})
    elif meanwhile == "deleted":
        erna.delete(f"/objects/{one}?version=1")
    version = 4 if meanwhile == "nothing stands" else 0
    sent = {"version": version, "choice": "drawn", "amodal": WHOLE, "inmodal": SEEN}
    said = erna.post(f"/objects/{one}/settle", sent)
    assert said.status_code == (404 if meanwhile == "deleted" else 409)
    (kept,) = [line for line in erna.get(f"/objects/{one}/history").json()["revisions"] if line["refused"]]
    assert (kept["payload"]["amodal"], kept["payload"]["inmodal"]) == (WHOLE, SEEN)


def test_what_was_drawn_while_the_second_stage_began_is_told_that_nothing_stands_there(as_person: AsPerson) -> None:
    erna, maria = as_person("erna"), as_person("maria")
    one = erna.box(1, 10, 10, 50, 40)
    for name in ("anna", "ben", "cleo"):
        as_person(name).draw(one, 10, 10, 50, 40)
    maria.post("/manager/stage", {"share": 1.0, "seed": 3})
    said = as_person("anna").draw(one, 10, 10, 50, 30, version=1)
    assert said.status_code == 409
    current = said.json()["current"]
    assert (current["version"], current["stage"], current["state"], current["polygons"]) == (0, 2, "draft", [])
    assert as_person("anna").draw(one, 10, 10, 50, 30, version=current["version"]).status_code == 200


def test_who_never_drew_leaves_nothing_in_the_history(as_person: AsPerson) -> None:
    erna = as_person("erna")
    one = erna.box(1, 5, 5, 30, 30)
    assert erna.draw(one, 5, 5, 20, 20).status_code == 403
    assert lost(erna, one) == []


def test_an_object_outside_the_second_stage_s_sample_cannot_be_opened_again(alone: Person) -> None:
    ones = [alone.box(1, 5, 5, 30, 30), alone.box(2, 5, 5, 30, 30)]
    for one in ones:
        alone.draw(one, 5, 5, 30, 30)
    assert alone.post("/manager/stage", {"share": 0.5}).json()["objects"] == 1
    objects = [alone.get(f"/photos/{photo}").json()["objects"][0] for photo in (1, 2)]
    (left,) = [one for one in objects if one["consensus"] is not None]
    assert (left["consensus"]["state"], left["consensus"]["may_reopen"]) == ("agreed", False)
    assert alone.post(f"/objects/{left['id']}/reopen", {"version": 1}).status_code == 403


def test_a_mask_saved_from_two_windows_is_a_conflict_with_the_first_one_s_mask(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    first = alone.draw(one, 5, 5, 30, 30, state="draft").json()
    said = alone.draw(one, 5, 5, 20, 20, state="draft")
    assert said.status_code == 409
    assert said.json()["current"] == first
    assert alone.draw(one, 5, 5, 20, 20, version=1, state="draft").status_code == 200


def test_an_order_written_twice_is_a_conflict_with_the_whole_order(alone: Person) -> None:
    a, b = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 30)
    first = alone.put("/photos/1/order", {"version": 0, "edges": [[a, b]]}).json()
    said = alone.put("/photos/1/order", {"version": 0, "edges": [[b, a]]})
    assert (said.status_code, said.json()["current"]) == (409, first)


def test_a_deleted_object_comes_back_with_its_masks(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    alone.draw(one, 5, 5, 30, 30)
    assert alone.delete(f"/objects/{one}?version=1").json()["deleted"]
    assert alone.get("/photos/1").json()["objects"] == []
    assert alone.draw(one, 5, 5, 30, 30, version=1).status_code == 404
    assert alone.post(f"/objects/{one}/restore").json()["mask"]["state"] == "done"


def test_masks_that_disagree_go_to_another_round_and_then_to_the_expert(as_person: AsPerson) -> None:
    erna, maria = as_person("erna"), as_person("maria")
    drawing = [as_person(name) for name in ("anna", "ben", "cleo")]
    maria.patch("/project", {"version": 1, "max_rounds": 2})
    one = erna.box(1, 0, 0, 60, 50)
    for round_ in (1, 2):
        for k, person in enumerate(drawing):
            mask = person.get("/photos/1").json()["objects"][0]["mask"]
            assert mask is None or (mask["version"], mask["state"]) == (0, "draft")
            said = person.draw(one, 15 * k, 0, 15 * k + 20, 50)
            assert said.json()["round"] == round_
    assert erna.get("/tasks", **{"pass": "settle"}).json()["tasks"][0]["object_id"] == one
    (dispute,) = erna.get("/manager/disagreements").json()["disagreements"]
    assert (dispute["state"], dispute["rounds_left"]) == ("disputed", 0)
    standing = erna.get("/photos/1").json()["objects"][0]["consensus"]
    chosen = standing["masks"][1]
    said = erna.post(
        f"/objects/{one}/settle", {"version": standing["version"], "choice": "mask", "mask_id": chosen["id"]}
    ).json()
    assert (said["state"], said["settled_by"], said["amodal"]) == ("settled", "erna", chosen["amodal"])
    assert drawing[0].draw(one, 0, 0, 9, 9).status_code == 403
    reopened = erna.post(f"/objects/{one}/reopen", {"version": said["version"]}).json()
    assert reopened["state"] == "open"


def disputed(as_person: AsPerson) -> int:
    """An object of which three annotators have drawn masks with a mean IoU of 0.4167, in the only round."""
    erna, maria = as_person("erna"), as_person("maria")
    maria.patch("/project", {"version": 1, "max_rounds": 1})
    one = erna.box(1, 0, 0, 60, 50)
    for name, x1 in (("anna", 20), ("ben", 40), ("cleo", 10)):
        as_person(name).draw(one, 0, 0, x1, 50)
    assert state_of(erna, one) == "disputed"
    return one


def state_of(person: Person, one: int) -> str:
    objects = person.get("/photos/1").json()["objects"]
    return str(next(it["consensus"]["state"] for it in objects if it["id"] == one))


def test_a_lower_threshold_decides_what_was_disputed(as_person: AsPerson) -> None:
    one, erna, maria = disputed(as_person), as_person("erna"), as_person("maria")
    maria.patch("/project", {"version": 2, "agreement_threshold": 0.42})  # (1/2 + 1/2 + 1/4) / 3 = 0.4167
    assert state_of(erna, one) == "disputed"
    maria.patch("/project", {"version": 3, "agreement_threshold": 0.41})
    assert state_of(erna, one) == "agreed"


def test_more_rounds_open_what_was_disputed_again(as_person: AsPerson) -> None:
    one, maria = disputed(as_person), as_person("maria")
    maria.patch("/project", {"version": 2, "max_rounds": 2})
    task = as_person("anna").get("/tasks/next", **{"pass": "2"}).json()["task"]
    assert (task["object_id"], task["round"]) == (one, 2)


def test_fewer_annotators_decide_what_waits_for_the_last_one(as_person: AsPerson) -> None:
    one = as_person("erna").box(1, 0, 0, 60, 50)
    for name in ("anna", "ben"):
        as_person(name).draw(one, 0, 0, 60, 50)
    as_person("maria").patch("/project", {"version": 1, "annotators_per_object": 2})
    assert state_of(as_person("erna"), one) == "agreed"


def test_a_higher_threshold_leaves_what_is_agreed(as_person: AsPerson) -> None:
    one = as_person("erna").box(1, 0, 0, 60, 50)
    for name, x1 in (("anna", 60), ("ben", 60), ("cleo", 50)):
        as_person(name).draw(one, 0, 0, x1, 50)
    as_person("maria").patch("/project", {"version": 1, "agreement_threshold": 0.99})
    assert state_of(as_person("erna"), one) == "agreed"


def test_next_task_is_the_annotator_s_and_says_which_photo(as_person: AsPerson) -> None:
    one = as_person("erna").box(2, 10, 10, 50, 40)
    task = as_person("anna").get("/tasks/next", **{"pass": "2"}).json()["task"]
    assert (task["photo_id"], task["object_id"], task["kind"]) == (2, one, "pass2")


def test_the_manager_s_pages_answer_for_an_empty_project_and_a_drawn_one(as_person: AsPerson) -> None:
    erna, maria = as_person("erna"), as_person("maria")
    pages = ("progress", "agreement", "consistency", "statistics", "disagreements")
    assert all(maria.get(f"/manager/{page}").status_code == 200 for page in pages)
    one = erna.box(1, 10, 10, 50, 40)
    for name in ("anna", "ben", "cleo"):
        as_person(name).draw(one, 10, 10, 50, 40)
    table = maria.get("/manager/consistency").json()
    assert table["columns"] == ["anna", "ben", "cleo", "majority vote"]
    assert maria.get("/manager/agreement").json()["mean"] == 1.0
    assert maria.get("/manager/statistics").json()["statistics"]["objects"] == 1
    assert maria.post("/manager/stage", {"share": 1.0, "seed": 3}).json() == {"stage": 2, "objects": 1}
    assert as_person("anna").get("/photos/1").json()["objects"][0]["consensus"] is None


def test_a_long_history_comes_in_pages_from_the_newest(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    for version in range(1, 7):
        said = alone.patch(f"/objects/{one}", {"version": version, "box": [5, 5, 30 + version, 30]})
        assert said.status_code == 200

    def page(offset: int) -> tuple[list[int], int]:
        said = alone.get(f"/objects/{one}/history", offset=offset, limit=3).json()
        return [line["version"] for line in said["revisions"]], said["total"]

    assert [page(offset) for offset in (0, 3, 6, 9)] == [([7, 6, 5], 7), ([4, 3, 2], 7), ([1], 7), ([], 7)]
