"""Who is let in, what happens when a session ends, and what is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from helpers.annotate_page import Desk
from helpers.annotate_team import PASSWORD, team_place
from helpers.command_line import save_truncated_jpeg

if TYPE_CHECKING:
    from playwright.sync_api import Page

BOX, OTHER_BOX = (153, 113, 457, 339), (127, 290, 265, 402)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with team_place(tmp_path_factory.mktemp("team"), expert="erna", annotator="anna") as url:
        yield url


@pytest.fixture
def logged_in(url: str, open_page: Callable[..., Page]) -> Callable[[str], Desk]:
    """Opens the page of somebody."""

    def open(name: str) -> Desk:
        desk = Desk(open_page(), url)
        desk.log_in(name, PASSWORD)
        desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
        return desk

    return open


def test_a_wrong_password_is_told_in_words(url: str, open_page: Callable[..., Page]) -> None:
    desk = Desk(open_page(), url)
    desk.log_in("anna", "wrong horse")
    desk.page.get_by_role("alert").get_by_text("name or password is wrong").wait_for()
    desk.log_in("anna", PASSWORD)
    desk.page.get_by_text("anna, annotator").wait_for()


def test_after_the_log_out_another_one_can_log_in(logged_in: Callable[[str], Desk]) -> None:
    desk = logged_in("anna")
    desk.page.get_by_role("button", name="Log out").click()
    desk.log_in("erna", PASSWORD)
    desk.page.get_by_text("erna, expert").wait_for()


def cookies_lost(desk: Desk) -> None:
    desk.page.context.clear_cookies()


def ended_on_the_server(desk: Desk) -> None:
    token = desk.get("/session")["csrf"]
    cookies = {one["name"]: one["value"] for one in desk.page.context.cookies()}
    answer = desk.page.request.delete(f"{desk.url}/api/session", headers={"X-CSRF-Token": token})
    assert answer.ok
    # The page keeps the cookie of the ended session, as it would hours later.
    desk.page.context.add_cookies([{"name": "amodal_session", "value": cookies["amodal_session"], "url": desk.url}])


@pytest.mark.parametrize("end", [cookies_lost, ended_on_the_server])
def test_what_was_drawn_when_the_session_ended_is_saved_after_the_log_in(
    logged_in: Callable[[str], Desk], end: Callable[[Desk], Any]
) -> None:
    desk = logged_in("erna")
    desk.open("boxes", 1)
    before = len(desk.get("/photos/1")["objects"])
    desk.draw_box(*BOX)
    desk.saved()
    end(desk)
    desk.draw_box(*OTHER_BOX)
    badge = desk.page.locator("[data-testid=save][data-state=refused]")
    badge.get_by_text("Not saved").wait_for()
    badge.get_by_role("link", name="Log in again").click()
    desk.log_in("erna", PASSWORD)
    desk.size_of(1)
    desk.saved()
    boxes = [one["box"] for one in desk.get("/photos/1")["objects"][before:]]
    assert boxes == [pytest.approx(BOX, abs=1.5), pytest.approx(OTHER_BOX, abs=1.5)]


def test_a_page_that_is_asked_after_the_session_ended_asks_for_the_password(logged_in: Callable[[str], Desk]) -> None:
    desk = logged_in("erna")
    desk.page.context.clear_cookies()
    desk.page.get_by_label("Sort by").select_option("objects")
    desk.log_in("erna", PASSWORD)
    desk.page.get_by_role("article").first.wait_for()


@pytest.mark.parametrize(
    ("name", "page", "role"),
    [("anna", "manager", "manager"), ("anna", "boxes/1", "expert"), ("maria", "boxes/1", "expert")],
)
def test_who_opens_a_page_of_another_role_is_told_so(
    logged_in: Callable[[str], Desk], name: str, page: str, role: str
) -> None:
    desk = logged_in(name)
    desk.go(page)
    desk.page.get_by_role("alert").get_by_text(f"This page is for the role {role}; {name} is").wait_for()


def test_a_broken_photo_is_refused_in_words(logged_in: Callable[[str], Desk], tmp_path: Path) -> None:
    desk = logged_in("erna")
    before = desk.get("/photos")["total"]
    desk.upload("Take photos in", save_truncated_jpeg(tmp_path / "half.jpg"))
    desk.page.get_by_role("alert").get_by_text("half.jpg").wait_for()
    assert desk.get("/photos")["total"] == before
