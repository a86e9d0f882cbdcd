"""Pass 1 in the hand: what a key does is seen first, order is dragged to where the mark is, gaps are asked about."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.annotate_page import Desk

LEFT, MIDDLE, RIGHT = (60, 100, 260, 400), (200, 60, 420, 360), (380, 80, 600, 400)


def labels(desk: Desk) -> list[str]:
    desk.saved()
    return [one["label"] for one in desk.get("/photos/1")["objects"]]


@pytest.fixture
def three(desk: Desk) -> Desk:
    """Three boxes in a row, each over the next, without an order."""
    desk.open("boxes", 1)
    for box in (LEFT, MIDDLE, RIGHT):
        desk.draw_box(*box)
    desk.saved()
    return desk


def test_a_digit_after_escape_is_about_the_next_box(desk: Desk) -> None:
    names = [one["name"] for one in desk.get("/project")["categories"]]
    desk.open("boxes", 1)
    desk.page.get_by_text("Digits: what the next box is.").wait_for()
    desk.draw_box(*LEFT)
    desk.page.get_by_text(f"Digits: what {names[0]} 1 is").wait_for()
    desk.press("Escape", "2")
    assert labels(desk) == names[:1]
    desk.draw_box(*RIGHT)
    assert labels(desk) == names[:2]


def test_a_digit_renames_the_box_that_is_chosen(desk: Desk) -> None:
    names = [one["name"] for one in desk.get("/project")["categories"]]
    desk.open("boxes", 1)
    desk.draw_box(*LEFT)
    desk.press("2")
    assert labels(desk) == names[1:2]


def test_a_photo_with_pairs_without_an_order_is_done_only_after_a_question(three: Desk) -> None:
    three.press("Enter")
    question = three.page.get_by_role("dialog", name="Pairs without an order")
    question.get_by_text("2 pairs overlap").wait_for()
    three.press("Enter")  # the way back has the focus
    three.page.get_by_role("button", name="In front of", pressed=True).wait_for()
    assert not three.get("/photos/1")["photo"]["boxed"]
    three.press("Enter")
    with three.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        question.get_by_role("button", name="Done anyway").click()
    assert three.get("/photos/1")["photo"]["boxed"]


def test_a_photo_with_its_order_is_done_without_a_question(three: Desk) -> None:
    three.press("o")
    for x in (80, 300, 400, 590):
        three.click(x, 220)
    three.saved()
    three.press("v")
    with three.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        three.press("Enter")
    assert three.get("/photos/1")["photo"]["boxed"]


@pytest.mark.parametrize("moved", [(150, 0), (0, 0)], ids=["asked", "not asked"])
def test_a_mask_far_outside_its_box_is_done_only_after_a_question(desk: Desk, moved: tuple[int, int]) -> None:
    desk.open("boxes", 1)
    desk.draw_box(*LEFT)
    desk.saved()
    desk.open("masks", 1)
    corners = [(80, 120), (240, 120), (240, 380), (80, 380)]
    desk.outline([(x + moved[0], y + moved[1]) for x, y in corners])
    desk.press("Enter")
    if any(moved):
        desk.page.get_by_text("lies in its box").wait_for()
        desk.saved()
        assert desk.get("/photos/1")["objects"][0]["mask"]["state"] == "draft"
        desk.page.get_by_role("button", name="Done anyway").click()
    desk.saved()
    assert desk.get("/photos/1")["objects"][0]["mask"]["state"] == "done"


def test_a_mark_shows_where_a_dragged_object_lands(three: Desk) -> None:
    rows = three.page.get_by_role("list", name="From near to far").get_by_role("listitem")
    names = [row.get_by_role("button").first.inner_text().split(" ")[1] for row in rows.all()]
    assert names == ["1", "2", "3"]
    boxes = [row.bounding_box() for row in rows.all()]
    assert boxes[0] and boxes[2]
    mouse = three.page.mouse
    mouse.move(boxes[2]["x"] + 60, boxes[2]["y"] + 12)
    mouse.down()
    mouse.move(boxes[0]["x"] + 60, boxes[0]["y"] + 20, steps=4)
    mouse.move(boxes[0]["x"] + 60, boxes[0]["y"] + 4, steps=2)
    three.page.locator(".cluster li.before").wait_for()
    assert rows.nth(0).evaluate("row => row.classList.contains('before')")
    assert rows.nth(0).evaluate("row => getComputedStyle(row).boxShadow") != "none"
    mouse.up()
    three.saved()
    assert three.page.locator(".cluster li.before").count() == 0
    one, two, last = (object["id"] for object in three.get("/photos/1")["objects"])
    assert one < two < last
    assert three.get("/photos/1")["order"]["edges"] == [[last, two]]


def test_a_key_orders_the_moved_object_alone_and_the_other_pairs_are_still_asked_about(three: Desk) -> None:
    three.press("v")
    three.choose("3")
    three.press("Alt+ArrowUp")
    three.saved()
    _, two, last = (object["id"] for object in three.get("/photos/1")["objects"])
    assert three.get("/photos/1")["order"]["edges"] == [[last, two]]
    three.press("Enter")
    three.page.get_by_role("dialog", name="Pairs without an order").get_by_text("One pair overlaps").wait_for()


def test_time_for_boxes_is_measured_and_stands_on_the_manager_s_page(three: Desk) -> None:
    for x in range(0, 300, 10):
        three.page.mouse.move(500 + x, 400)
        three.page.wait_for_timeout(60)
    with three.page.expect_response("**/seconds"):
        three.page.goto(f"{three.url}/#/photos")
    seconds = three.get("/photos/1")["seconds"]
    assert seconds > 1.5
    three.go("manager")
    (boxes,) = [row for row in three.table("Progress") if row[1] == "boxes and order"]
    assert boxes[3] == f"0 min {round(seconds)} s"


def test_seconds_go_on_over_a_reload(three: Desk) -> None:
    three.page.wait_for_timeout(1200)
    three.reload()
    three.page.wait_for_timeout(300)
    before = three.get("/photos/1")["seconds"]
    assert before > 1
    three.page.mouse.move(500, 400)
    three.page.wait_for_timeout(1200)
    three.page.mouse.move(510, 400)
    with three.page.expect_response("**/seconds"):
        three.page.goto(f"{three.url}/#/photos")
    assert three.get("/photos/1")["seconds"] > before + 1


def test_nothing_is_wider_than_the_panel_and_no_keys_overlap(three: Desk) -> None:
    panels = three.page.get_by_role("complementary", name="Panels")
    assert panels.evaluate("side => side.scrollWidth <= side.clientWidth")
    three.press("?")
    badges = three.page.locator("dialog kbd")
    badges.first.wait_for()
    found = badges.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    entries = three.page.locator("dialog dd").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    for place, one in enumerate(found):
        for other in found[place + 1 :] + entries:
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def answering(desk: Desk, *finds: tuple[float, ...]) -> None:
    """The model answers at once, with persons in these boxes and no order."""
    rle = {"size": [1, 1], "counts": "1"}
    kept = {"object_id": None, "label": "person", "score": 0.99, "verdict": "open", "amodal": rle, "inmodal": rle}
    proposals: list[Any] = [{**kept, "id": 70 + place, "box": box} for place, box in enumerate(finds)]
    answer = {"proposals": proposals, "edges": []}
    desk.page.route("**/api/photos/*/proposals", lambda route: route.fulfill(json=answer))


def test_finds_are_numbered_and_told_apart_by_hand_and_by_ear(desk: Desk) -> None:
    desk.open("boxes", 1)
    answering(desk, LEFT, MIDDLE, RIGHT)
    desk.press("p")
    proposals = desk.page.get_by_role("region", name="Proposals")
    rows = proposals.get_by_role("listitem")
    rows.nth(2).wait_for()
    for name in ("Take person 1", "Refuse person 2", "Take person 3"):
        proposals.get_by_role("button", name=name, exact=True).wait_for()
    desk.click(500, 390)
    assert [row.get_attribute("aria-current") for row in rows.all()] == [None, None, "true"]
    stage = desk.page.get_by_test_id("stage")
    before = stage.screenshot()
    rows.nth(0).hover()
    desk.page.wait_for_timeout(200)
    assert [row.get_attribute("aria-current") for row in rows.all()] == ["true", None, None]
    assert stage.screenshot() != before


def test_a_find_keeps_its_number_when_another_one_is_refused(desk: Desk) -> None:
    desk.open("boxes", 1)
    answering(desk, LEFT, RIGHT)
    desk.page.route("**/verdict", lambda route: route.fulfill(json={"object": None, "edges": []}))
    desk.press("p")
    proposals = desk.page.get_by_role("region", name="Proposals")
    proposals.get_by_role("button", name="Refuse person 1").click()
    proposals.get_by_role("button", name="Refuse person 1").wait_for(state="detached")
    proposals.get_by_role("button", name="Take person 2").wait_for()


def test_the_model_says_so_where_it_has_nothing_to_propose(three: Desk) -> None:
    answering(three)
    three.press("p")
    three.page.get_by_text("The model sees no order of 2 pairs without one.").wait_for()
    three.press("o")
    for x in (80, 300, 400, 590):
        three.click(x, 220)
    three.press("p")
    three.page.get_by_text("No order to propose: every pair has one. Masks are proposed").wait_for()


def test_the_key_of_the_sheet_closes_it_too(desk: Desk) -> None:
    desk.open("boxes", 1)
    for state in ("visible", "detached", "visible"):
        desk.press("?")
        desk.page.get_by_role("dialog", name="Keys").wait_for(state=state)  # type: ignore[arg-type]


def test_a_digit_without_a_category_is_said(desk: Desk) -> None:
    names = [one["name"] for one in desk.get("/project")["categories"]]
    assert len(names) < 9
    desk.open("boxes", 1)
    desk.press("9")
    said = desk.page.get_by_text(f"There is no category 9: the project has {len(names)}.")
    said.wait_for()
    desk.press("v")
    said.wait_for(state="detached")


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (1280, 720), (1440, 900)])
def test_panels_and_the_graph_of_a_long_row_fit_their_place(three: Desk, width: int, height: int) -> None:
    three.draw_box(560, 60, 630, 380)
    three.press("o")
    for x in (80, 240, 300, 400, 500, 570):
        three.click(x, 220)
    three.saved()
    three.page.set_viewport_size({"width": width, "height": height})
    three.page.get_by_text("Only the chosen object").wait_for()
    panels = three.page.get_by_role("complementary", name="Panels")
    assert panels.evaluate("side => side.scrollWidth <= side.clientWidth")
    graph = three.page.get_by_role("group", name="Order graph")
    assert graph.get_by_role("button").count() == 7  # four objects, three arrows
    assert graph.evaluate("one => one.parentElement.scrollWidth <= one.parentElement.clientWidth")
