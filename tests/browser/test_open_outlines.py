"""Outlines that are not closed yet: none is lost by a reload or by choosing another object."""

from __future__ import annotations

import pytest

from helpers.annotate_page import Desk

PHOTO = 1
BOXES = [(40, 100, 180, 400), (220, 100, 380, 400), (420, 100, 600, 400)]
CORNERS = [(440, 120), (520, 110), (580, 120), (590, 300), (580, 380), (440, 380)]


@pytest.fixture
def begun(desk: Desk) -> Desk:
    """Three objects, and an outline of the third with six corners, not closed."""
    desk.open("boxes", PHOTO)
    for box in BOXES:
        desk.draw_box(*box)
    desk.saved()
    desk.open("masks", PHOTO)
    desk.choose(" 3")
    desk.outline(CORNERS, close=False)
    return desk


def drawn(desk: Desk) -> list[int]:
    """How many corners the server has of each object's outlines."""
    desk.saved()
    masks = [one["mask"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]
    return [sum(len(line) // 2 for line in mask["polygons"]) if mask else 0 for mask in masks]


def chosen(desk: Desk) -> str:
    return desk.page.get_by_role("region", name="Objects").locator("[aria-pressed=true]").inner_text()


def test_after_a_reload_its_object_is_chosen_again_and_the_outline_goes_on(begun: Desk) -> None:
    begun.reload()
    assert " 3" in chosen(begun)
    begun.click(430, 250)
    begun.press("Enter")
    assert drawn(begun) == [0, 0, 7]


def test_it_waits_while_another_object_is_drawn(begun: Desk) -> None:
    begun.choose(" 1")
    begun.outline([(60, 120), (160, 120), (160, 380), (60, 380)])
    begun.choose(" 3")
    begun.press("Enter")
    assert drawn(begun) == [4, 0, 6]


def test_enter_does_not_close_that_of_another_object(begun: Desk) -> None:
    begun.choose(" 1")
    begun.press("Enter")
    begun.page.get_by_role("region", name="Objects").get_by_text("outline open").wait_for()
    assert drawn(begun) == [0, 0, 0]


def test_undo_brings_back_what_escape_left(begun: Desk) -> None:
    begun.press("Escape")
    begun.press("Control+z")
    begun.press("Enter")
    assert drawn(begun) == [0, 0, 6]


def test_after_another_stroke_undo_takes_that_back(begun: Desk) -> None:
    begun.press("Escape")
    begun.outline([(440, 120), (520, 110), (580, 380)])
    assert drawn(begun) == [0, 0, 3]
    begun.press("Control+z")
    assert drawn(begun) == [0, 0, 0]


def test_what_undo_brought_back_once_is_not_brought_back_again(begun: Desk) -> None:
    begun.press("Escape")
    begun.press("Control+z")
    begun.press("Enter")
    begun.press("Control+z")
    begun.press("Control+z")
    begun.press("Enter")
    assert drawn(begun) == [0, 0, 0]
