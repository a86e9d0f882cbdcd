"""What somebody drew is stored as nobody else's, whoever logs in meanwhile in another tab of the same browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from helpers.annotate_page import Desk, Pages
from helpers.annotate_team import PASSWORD, Team, team_place

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHOTO = 1
BOX, OTHER = (60, 100, 300, 400), (330, 60, 520, 360)
SQUARE = [(80, 120), (280, 120), (280, 380), (80, 380)]
MASKS = "**/api/objects/*/mask"
FOCUS = "() => document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"


@pytest.fixture
def team(module_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A photo with boxes, and anna and ben to draw its masks."""
    with team_place(tmp_path_factory.mktemp("team"), expert="erna", annotator="anna") as url:
        team = Team(url, module_pages)
        manager = team.desk("maria")
        manager.go("manager")
        manager.add_people({"ben": "annotator"}, PASSWORD)
        expert = team.desk("erna")
        expert.open("boxes", PHOTO)
        expert.draw_box(*BOX)
        expert.draw_box(*OTHER)
        expert.saved()
        with expert.page.expect_response(lambda answer: answer.request.method == "PATCH") as answer:
            expert.press("Enter")
        assert answer.value.ok
        yield team


def other_tab(team: Team, page: Page, name: str) -> None:
    """Somebody logs in in another tab of the browser."""
    tab = Desk(page.context.new_page(), f"{team.url}/#/login")
    tab.log_in(name, PASSWORD)
    tab.page.get_by_text(f"{name}, annotator").wait_for()
    tab.page.close()


def drawn_by_anna(team: Team) -> Desk:
    """A page with a mask that could not be sent yet."""
    desk = team.desk("anna")
    desk.open("masks", PHOTO)
    desk.page.route(MASKS, lambda route: route.abort())
    desk.outline(SQUARE)
    desk.page.locator("[data-testid=save][data-state=offline]").wait_for()
    return desk


def test_a_mask_waits_for_its_annotator_when_another_has_logged_in(team: Team) -> None:
    desk = drawn_by_anna(team)
    other_tab(team, desk.page, "ben")
    desk.page.unroute(MASKS)
    desk.page.get_by_role("button", name="Try again").click()
    desk.page.get_by_text("Somebody else is logged in now").wait_for()
    assert [one["mask"] for one in desk.get(f"/photos/{PHOTO}")["objects"] if one["mask"]] == []
    desk.page.evaluate(FOCUS)
    desk.page.get_by_text("ben, annotator").wait_for()
    desk.size_of(PHOTO)
    desk.saved()
    assert [one["mask"] for one in desk.get(f"/photos/{PHOTO}")["objects"] if one["mask"]] == []
    other_tab(team, desk.page, "anna")
    desk.page.evaluate(FOCUS)
    desk.page.get_by_text("anna, annotator").wait_for()
    desk.size_of(PHOTO)
    desk.saved()
    assert len([one for one in desk.get(f"/photos/{PHOTO}")["objects"] if one["mask"]]) == 1
