"""What the drawing page promises: nothing lost, undo after a reload, every window size, fingers, keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from helpers.annotate_page import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

PHOTO = 1
BOX = (60, 100, 300, 400)
OTHER = (330, 60, 520, 360)
SQUARE = [(80, 120), (280, 120), (280, 380), (80, 380)]
OBJECTS = f"**/api/photos/{PHOTO}/objects"


def boxes(desk: Desk) -> list[list[float]]:
    return [one["box"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]


def test_undo_and_redo_go_on_after_a_reload(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.draw_box(*OTHER)
    desk.saved()
    first, second = boxes(desk)
    desk.reload()
    desk.press("Control+z")
    desk.saved()
    assert boxes(desk) == [first]
    desk.reload()
    desk.press("Control+z", "Control+y", "Control+y")
    desk.saved()
    assert boxes(desk) == [first, second]


def test_undo_of_masks_goes_on_after_a_reload(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.saved()
    desk.open("masks", PHOTO)
    desk.outline(SQUARE)
    desk.press("b")
    desk.drag((280, 150), (280, 350))
    desk.saved()
    desk.reload()
    desk.press("Control+z")
    desk.saved()
    (polygon,) = desk.get(f"/photos/{PHOTO}")["objects"][0]["mask"]["polygons"]
    assert polygon == pytest.approx([value for corner in SQUARE for value in corner], abs=1.5)


@pytest.mark.parametrize("reload", [False, True], ids=["stays", "reloads"])
def test_a_box_whose_answer_was_lost_is_not_made_twice(desk: Desk, reload: bool) -> None:
    def lost(route: Route) -> None:
        route.fetch()
        route.abort()

    desk.open("boxes", PHOTO)
    desk.page.route(OBJECTS, lost)
    desk.draw_box(*BOX)
    desk.page.locator("[data-testid=save][data-state=offline]").wait_for()
    desk.page.unroute(OBJECTS)
    if reload:
        desk.reload()
    desk.saved()
    assert len(boxes(desk)) == 1
    assert desk.page.get_by_role("region", name="Objects").get_by_role("button").count() == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Log in again"),
        (403, " 1: this is what the server says."),
        (413, " 1: this is what the server says."),
        (422, " 1: this is what the server says."),
        (503, "will be tried again: this is what the server says."),
    ],
)
def test_what_the_server_refuses_is_said_in_words_and_kept(desk: Desk, status: int, words: str) -> None:
    said = json.dumps({"error": {"message": "this is what the server says", "field": ""}})
    desk.open("boxes", PHOTO)
    desk.page.route(OBJECTS, lambda route: route.fulfill(status=status, content_type="application/json", body=said))
    desk.draw_box(*BOX)
    badge = desk.page.get_by_test_id("save")
    badge.get_by_text(words).wait_for()
    assert "It is kept in this browser." in badge.inner_text()
    assert boxes(desk) == []
    desk.reload()
    badge.get_by_text(words).wait_for()
    desk.page.unroute(OBJECTS)
    badge.get_by_role("button", name="Try again").click()
    desk.saved()
    assert len(boxes(desk)) == 1


def test_a_box_that_is_refused_holds_up_no_other_and_can_be_left(desk: Desk) -> None:
    desk.open("boxes", PHOTO)

    def first_refused(route: Route) -> None:
        if route.request.post_data_json["box"][0] < OTHER[0] - 2:
            return route.fulfill(status=422, json={"error": {"message": "not this one", "field": ""}})
        return route.continue_()

    desk.page.route(OBJECTS, first_refused)
    desk.draw_box(*BOX)
    desk.draw_box(*OTHER)
    badge = desk.page.get_by_test_id("save")
    badge.get_by_text("not this one").wait_for()
    desk.press("Enter")
    desk.page.get_by_text("The photo is not called done: not everything is saved.").wait_for()
    assert [box[0] for box in boxes(desk)] == [pytest.approx(OTHER[0], abs=1.5)]
    assert desk.get(f"/photos/{PHOTO}")["photo"]["boxed"] is False
    badge.get_by_role("button", name="Leave it").click()
    desk.saved()
    desk.reload()
    desk.saved()
    assert len(boxes(desk)) == 1


def test_a_photo_whose_order_goes_round_is_not_called_done(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    for shift in (0, 40, 80):
        desk.draw_box(60 + shift, 100 + shift, 300 + shift, 300 + shift)
    desk.saved()
    one, two, three = [f"object {number}" for number in (1, 2, 3)]
    order = desk.page.get_by_role("region", name="Order")
    desk.press("o")
    places = {one: (62, 102), two: (310, 150), three: (370, 370)}
    for front, behind in ((one, two), (two, three), (three, one)):
        desk.click(*places[front])
        desk.click(*places[behind])
    order.get_by_text("These hide each other in a circle").wait_for()
    desk.press("Enter")
    desk.page.get_by_text("The photo is not called done: not everything is saved. Not saved: the order").wait_for()
    assert desk.get(f"/photos/{PHOTO}")["photo"]["boxed"] is False


@pytest.mark.parametrize("current", [{}, None])
def test_a_conflict_without_a_mask_of_others_is_shown_and_can_be_resolved(desk: Desk, current: object) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.saved()
    desk.open("masks", PHOTO)
    said = {"error": {"message": "a new round began", "field": ""}, "current": current}
    desk.page.route("**/api/objects/*/mask", lambda route: route.fulfill(status=409, json=said))
    desk.outline(SQUARE)
    desk.page.get_by_role("button", name="Keep mine").wait_for()
    desk.page.unroute("**/api/objects/*/mask")
    desk.page.get_by_role("button", name="Keep mine").click()
    desk.saved()
    assert desk.get(f"/photos/{PHOTO}")["objects"][0]["mask"]["version"] == 1


def test_a_page_that_fails_says_so_and_how_to_go_on(serve: Callable[..., str], chromium: Browser) -> None:
    # Not with `open_page`, which takes every script error for a failure of the test.
    page = chromium.new_page()
    desk = Desk(page, serve())
    broken = desk.get(f"/photos/{PHOTO}") | {"objects": None}
    page.route(f"**/api/photos/{PHOTO}", lambda route: route.fulfill(json=broken))
    page.goto(f"{desk.url}/#/boxes/{PHOTO}")
    page.get_by_role("heading", name="This page has failed").wait_for()
    page.get_by_role("button", name="Back to the photos").click()
    page.get_by_role("heading", name="Photos", exact=True).wait_for()
    page.close()


def test_a_refusal_of_a_proposal_is_told_at_once_and_a_taking_too(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.draw_box(*OTHER)
    desk.saved()
    ids = [one["id"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]
    told: list[tuple[str, str]] = []

    def verdict(route: Route) -> None:
        told.append((route.request.url.split("/")[-2], route.request.post_data_json["verdict"]))
        route.fulfill(json={})

    desk.open("masks", PHOTO)
    desk.page.route("**/api/proposals/*/verdict", verdict)
    desk.page.route("**/api/photos/1/proposals", lambda route: route.fulfill(status=201, json=proposals(desk, ids)))
    desk.press("p")
    desk.page.get_by_role("button", name="Refuse").nth(1).wait_for()
    desk.press("r")
    desk.page.wait_for_function("() => document.querySelectorAll('.proposals li').length === 1")
    desk.press("Tab", "a")
    desk.saved()
    assert told == [("900", "refused"), ("901", "accepted")]
    desk.press("b")
    desk.drag((400, 100), (450, 300))
    desk.press("Enter")
    desk.saved()
    assert told[2:] == [("901", "edited")]


def proposals(desk: Desk, ids: list[int]) -> dict[str, Any]:
    """As the server would answer: each object's box as its mask."""
    from amodal.masks import CropMask

    width, height = desk.size
    rows = []
    for number, (id, box) in enumerate(zip(ids, (BOX, OTHER), strict=True)):
        mask = CropMask.from_box(box, height, width).to_coco_rle()
        rows.append(
            {"id": 900 + number, "object_id": id, "method": "orm", "label": "car", "box": box, "score": 1.0,
             "amodal": mask, "inmodal": mask, "verdict": "open"}
        )  # fmt: skip
    return {"proposals": rows, "edges": []}


def test_the_seconds_of_an_object_survive_a_reload(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.saved()
    desk.open("masks", PHOTO)
    desk.page.wait_for_timeout(2500)
    desk.reload()
    desk.outline(SQUARE)
    desk.saved()
    assert desk.get(f"/photos/{PHOTO}")["objects"][0]["mask"]["seconds"] >= 2.5


def test_the_photo_refits_when_the_window_changes(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.page.set_viewport_size({"width": 1600, "height": 900})
    desk.draw_box(*BOX)
    desk.saved()
    assert boxes(desk)[0] == pytest.approx(BOX, abs=1.5)


WINDOWS = [(1280, 720), (1024, 768), (768, 1024)]


@pytest.mark.parametrize("size", WINDOWS, ids=str)
@pytest.mark.parametrize("where", ["boxes", "masks"])
def test_nothing_is_cut_off_and_the_photo_has_room(
    serve: Callable[..., str], open_page: Callable[..., Page], size: tuple[int, int], where: str
) -> None:
    desk = Desk(open_page(has_touch=size != (1280, 720)), serve())
    desk.page.set_viewport_size({"width": size[0], "height": size[1]})
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.draw_box(*OTHER)
    desk.saved()
    desk.open(where, PHOTO)
    desk.page.wait_for_timeout(300)
    assert desk.page.evaluate(OVER) == [0, 0]
    assert desk.page.evaluate(CUT) == []
    stage = desk.page.get_by_test_id("stage").bounding_box()
    assert stage is not None
    assert stage["width"] * stage["height"] > 0.3 * size[0] * size[1]


# Pixels that the page is wider and higher than the window.
OVER = """() => {
  const page = document.scrollingElement;
  return [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight];
}"""
# Buttons of the head and the tools that do not lie in the window; what scrolls in its own panel may.
CUT = """() => [...document.querySelectorAll(".work-head button, .work-tools button")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
}).map((one) => one.textContent)"""


class Fingers:
    """Touches as the screen of a tablet gives them."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.touch("touchStart", start)
        for step in range(1, 9):
            part = step / 8
            self.touch("touchMove", (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part))
        self.touch("touchEnd")

    def pinch(self, middle: tuple[float, float], before: float, after: float) -> None:
        x, y = middle
        for step in range(9):
            reach = (before + (after - before) * step / 8) / 2
            self.touch("touchStart" if step == 0 else "touchMove", (x - reach, y), (x + reach, y))
        self.touch("touchEnd")


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024)], ids=str)
def test_one_finger_draws_and_two_zoom(
    serve: Callable[..., str], open_page: Callable[..., Page], size: tuple[int, int]
) -> None:
    desk = Desk(open_page(has_touch=True), serve())
    desk.page.set_viewport_size({"width": size[0], "height": size[1]})
    desk.open("boxes", PHOTO)
    fingers = Fingers(desk.page)
    desk.press("b")
    fingers.drag(desk.at(BOX[0], BOX[1]), desk.at(BOX[2], BOX[3]))
    desk.saved()
    assert boxes(desk)[0] == pytest.approx(BOX, abs=1.5)
    stage = desk.page.get_by_test_id("stage").bounding_box()
    assert stage is not None
    middle = (stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)
    fingers.pinch(middle, 100, 200)
    assert len(boxes(desk)) == 1
    fingers.drag((middle[0] - 60, middle[1] - 60), (middle[0] + 60, middle[1] + 60))
    desk.saved()
    wide = boxes(desk)[1][2] - boxes(desk)[1][0]
    scale = (desk.at(100, 0)[0] - desk.at(0, 0)[0]) / 100
    assert wide == pytest.approx(120 / (2 * scale), rel=0.05)


def test_dialogs_keep_the_focus_and_escape_closes_them(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.press("?")
    dialog = desk.page.get_by_role("dialog")
    dialog.wait_for()
    for _ in range(4):
        desk.press("Tab")
        assert desk.page.evaluate("() => ['DIALOG', 'BODY'].includes(document.activeElement.tagName) "
                                  "|| !!document.activeElement.closest('dialog')")  # fmt: skip
    desk.press("Escape")
    dialog.wait_for(state="detached")


def test_focus_is_seen(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    button = desk.page.get_by_role("button", name="In front of")
    button.focus()
    desk.press("Shift+Tab")
    outline = desk.page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def test_a_server_that_was_started_anew_does_not_stop_saving(desk: Desk) -> None:
    asked: list[str] = []

    def of_the_server_before(route: Route) -> None:
        response = route.fetch()
        asked.append(route.request.url)
        said = response.json() | ({"csrf": "a token that nobody knows any more"} if len(asked) == 1 else {})
        route.fulfill(response=response, json=said)

    desk.page.route("**/api/session", of_the_server_before)
    desk.page.reload()
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.saved()
    assert len(boxes(desk)) == 1
    assert len(asked) == 2


def test_why_a_photo_cannot_be_shown_is_said(desk: Desk) -> None:
    said = {"error": {"code": 404, "message": "street.jpg is not where it was", "field": ""}}
    desk.page.route("**/api/photos/*/picture", lambda route: route.fulfill(status=404, json=said))
    desk.open("boxes", PHOTO)
    desk.page.get_by_role("alert").get_by_text("street.jpg is not where it was").wait_for()


def test_without_its_picture_a_photo_can_be_worked_on(desk: Desk) -> None:
    desk.page.route("**/api/photos/*/picture", lambda route: route.abort())
    desk.open("boxes", PHOTO)
    desk.page.get_by_text("The server cannot be reached.").wait_for()
    desk.draw_box(60, 100, 300, 400)
    desk.saved()
    assert len(desk.get(f"/photos/{PHOTO}")["objects"]) == 1
