"""One person, both passes, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from helpers.annotate_page import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHOTO = 1
FRONT, BEHIND = (60, 100, 300, 400), (200, 60, 520, 360)
SQUARE = [(80, 120), (280, 120), (280, 380), (80, 380)]
BEHIND_SQUARE = [(220, 80), (500, 80), (500, 340), (220, 340)]


def two_boxes(desk: Desk) -> list[int]:
    """Two overlapping boxes, the first in front; their ids."""
    desk.open("boxes", PHOTO)
    desk.draw_box(*FRONT)
    desk.draw_box(*BEHIND)
    desk.press("o")
    desk.click(100, 300)
    desk.click(450, 150)
    desk.saved()
    return [one["id"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]


def test_boxes_order_and_masks_reach_the_server(desk: Desk) -> None:
    front, behind = two_boxes(desk)
    document = desk.get(f"/photos/{PHOTO}")
    assert document["order"]["edges"] == [[front, behind]]
    assert [one["number"] for one in document["objects"]] == [0, 1]
    for one, box in zip(document["objects"], (FRONT, BEHIND), strict=True):
        assert one["box"] == pytest.approx(box, abs=1.5)

    desk.open("masks", PHOTO)
    desk.outline(SQUARE)
    desk.press("Enter")  # the object is done, and the next one is chosen
    desk.outline(BEHIND_SQUARE)
    desk.press("Enter")
    desk.saved()
    masks = [one["mask"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]
    assert [mask["state"] for mask in masks] == ["done", "done"]
    assert masks[0]["inmodal"] == masks[0]["amodal"]
    assert masks[1]["inmodal"] != masks[1]["amodal"]
    assert all(mask["seconds"] > 0 for mask in masks)


def test_a_box_may_leave_the_photo(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.draw_box(-20, 300, 120, 490)
    desk.saved()
    (one,) = desk.get(f"/photos/{PHOTO}")["objects"]
    assert one["box"][0] < -15 and one["box"][3] > 485


def test_undo_and_redo_reach_the_server(desk: Desk) -> None:
    first, second = two_boxes(desk)
    desk.press("v")
    desk.drag((90, 130), (110, 150))
    desk.saved()
    moved = desk.get(f"/photos/{PHOTO}")["objects"][0]["box"]
    assert moved[0] == pytest.approx(FRONT[0] + 20, abs=2)
    desk.press(*["Control+z"] * 3)  # the move, the order, the second box
    desk.saved()
    after = desk.get(f"/photos/{PHOTO}")
    assert [one["id"] for one in after["objects"] if not one["deleted"]] == [first]
    assert after["objects"][0]["box"][0] == pytest.approx(FRONT[0], abs=1.5)
    assert after["order"]["edges"] == []
    desk.press(*["Control+y"] * 3)
    desk.saved()
    again = desk.get(f"/photos/{PHOTO}")
    assert again["order"]["edges"] == [[first, second]]
    assert again["objects"][0]["box"] == moved


def test_a_circle_is_shown_and_not_saved(desk: Desk) -> None:
    two_boxes(desk)
    desk.draw_box(220, 200, 420, 440)
    desk.saved()
    desk.press("o")
    desk.click(450, 120)  # the second in front of the third
    desk.click(350, 420)
    desk.saved()
    desk.click(350, 420)  # the third in front of the first
    desk.click(80, 150)
    desk.page.get_by_text("These hide each other in a circle").wait_for()
    assert len(desk.get(f"/photos/{PHOTO}")["order"]["edges"]) == 2
    desk.page.get_by_test_id("save").get_by_text("Not saved: the order").wait_for()
    desk.reload()  # a circle is kept like all that is not saved
    desk.page.get_by_test_id("save").get_by_text("Not saved: the order").wait_for()
    desk.press("Control+z")
    desk.page.get_by_text("hide each other in a circle").first.wait_for(state="detached")
    desk.saved()


def test_brush_and_eraser_change_the_mask(desk: Desk) -> None:
    two_boxes(desk)
    desk.open("masks", PHOTO)
    desk.outline(SQUARE)
    desk.saved()

    def area() -> int:
        from amodal.masks import CropMask

        mask = desk.get(f"/photos/{PHOTO}")["objects"][0]["mask"]
        return CropMask.from_coco_rle(mask["amodal"]).area

    drawn = area()
    assert drawn == pytest.approx(200 * 260, rel=0.02)
    desk.press("b")
    desk.drag((280, 150), (280, 350))
    desk.saved()
    assert area() > drawn
    desk.press("x")
    desk.drag((280, 110), (280, 390))
    desk.saved()
    assert area() < drawn
    desk.press("Control+z", "Control+z")
    desk.saved()
    assert area() == drawn


def test_a_reload_in_the_middle_of_a_drawing_loses_nothing(desk: Desk) -> None:
    two_boxes(desk)
    desk.open("masks", PHOTO)
    desk.outline(SQUARE[:3], close=False)
    desk.page.wait_for_timeout(200)
    desk.reload()
    desk.press("g")
    desk.click(*SQUARE[3])
    desk.press("Enter")
    desk.saved()
    (polygon,) = desk.get(f"/photos/{PHOTO}")["objects"][0]["mask"]["polygons"]
    assert polygon == pytest.approx([value for corner in SQUARE for value in corner], abs=1.5)


def test_what_was_drawn_without_a_connection_is_saved_when_it_is_back(desk: Desk) -> None:
    desk.open("boxes", PHOTO)
    desk.page.route("**/api/photos/1/objects", lambda route: route.abort())
    desk.draw_box(*FRONT)
    desk.page.locator("[data-testid=save][data-state=offline]").wait_for()
    assert desk.get(f"/photos/{PHOTO}")["objects"] == []
    desk.reload()
    desk.page.unroute("**/api/photos/1/objects")
    desk.saved()
    assert len(desk.get(f"/photos/{PHOTO}")["objects"]) == 1


@pytest.mark.parametrize("keep", [True, False], ids=["keep mine", "take the other one"])
def test_two_on_one_object_are_told_and_lose_nothing(
    serve: Callable[..., str], open_page: Callable[..., Page], keep: bool
) -> None:
    url = serve()
    taxi = (127, 290, 265, 402)
    one, other = Desk(open_page(), url), Desk(open_page(), url)
    one.open("boxes", PHOTO)
    one.draw_box(*taxi)
    one.saved()
    other.open("boxes", PHOTO)
    for desk, to in ((one, -6), (other, 12)):
        desk.press("v")
        desk.drag((200, 350), (200 + to, 350))
        if desk is one:
            desk.saved()
    dialog = other.page.get_by_role("dialog")
    dialog.wait_for()
    dialog.get_by_role("button", name="Both side by side").click()
    dialog.get_by_text("The other window's", exact=True).wait_for()
    other.picture("conflict")
    dialog.get_by_role("button", name="Keep mine" if keep else "Take the other one").click()
    other.saved()
    (item,) = other.get(f"/photos/{PHOTO}")["objects"]
    assert item["box"][0] == pytest.approx(taxi[0] + (12 if keep else -6), abs=2)
    kept = [revision["payload"] for revision in other.get(f"/objects/{item['id']}/history")["revisions"]]
    assert len(kept) >= 2
