"""One photo in two windows: what is done in one is not undone by opening the other again."""

from __future__ import annotations

import pytest

from helpers.annotate_page import Desk, Pages

PHOTO = 1
BOX, SMALL = (60, 100, 300, 400), (80, 120, 281, 381)


@pytest.fixture
def drawn(desk: Desk) -> Desk:
    """A box that the mouse has drawn and dragged between whole pixels, saved."""
    desk.open("boxes", PHOTO)
    desk.draw_box(*BOX)
    desk.press("v")
    desk.drag((200.3, 250.7), (217.9, 261.4))
    desk.saved()
    return desk


@pytest.fixture
def elsewhere(drawn: Desk, module_pages: Pages) -> Desk:
    """The same photo in another browser."""
    other = Desk(module_pages.open(), drawn.url)
    other.open("boxes", PHOTO)
    return other


def names(desk: Desk) -> list[str]:
    return [one["label"] for one in desk.get(f"/photos/{PHOTO}")["objects"]]


def test_a_box_that_was_deleted_elsewhere_stays_deleted_after_a_reload(drawn: Desk, elsewhere: Desk) -> None:
    elsewhere.press("Tab", "Delete")
    elsewhere.saved()
    assert names(drawn) == []
    drawn.reload()
    drawn.page.get_by_role("region", name="Objects").wait_for()
    drawn.page.wait_for_timeout(1000)  # longer than the page waits before it saves
    drawn.saved()
    assert drawn.page.get_by_role("region", name="Objects").get_by_role("button").count() == 0
    assert names(drawn) == []


def test_what_was_changed_elsewhere_is_seen_after_a_reload(drawn: Desk, elsewhere: Desk) -> None:
    elsewhere.press("Tab", "2")
    elsewhere.saved()
    (name,) = names(drawn)
    drawn.reload()
    drawn.page.get_by_role("region", name="Objects").get_by_role("button", name=f"{name} 1").wait_for()


def test_one_person_is_told_of_another_window_and_keeps_what_was_deleted_there(drawn: Desk, elsewhere: Desk) -> None:
    elsewhere.press("Tab", "Delete")
    elsewhere.saved()
    drawn.press("Shift+ArrowRight")
    dialog = drawn.page.get_by_role("dialog", name="Changed in another window")
    dialog.get_by_text("by you in another window").wait_for()
    dialog.get_by_role("button", name="Keep mine").click()
    drawn.saved()
    assert len(names(drawn)) == 1
