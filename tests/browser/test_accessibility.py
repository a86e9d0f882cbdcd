"""What axe finds on every page, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.annotate_drawn import RIDER, STREET, drawn, write_truth
from helpers.annotate_page import AXE, Desk
from helpers.annotate_server import served
from helpers.annotate_team import draw_boxes, team_place

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in web/"),
    pytest.mark.parametrize("scheme", ["light", "dark"]),
]


def test_no_working_page_has_serious_findings(
    serve: Callable[..., str], open_page: Callable[..., Page], scheme: str
) -> None:
    desk = Desk(open_page(color_scheme=scheme), serve())
    desk.page.get_by_role("article").first.wait_for()
    found = {"photos": desk.findings()}
    desk.go("manager")
    desk.page.get_by_role("heading", name="Progress").wait_for()
    desk.change_project(**{"Categories, one a line: group: name, name": "all: person, car, bus, motorcycle"})
    found["manager"] = desk.findings()
    desk.open("boxes", 1)
    draw_boxes(desk, STREET)
    found["boxes"] = desk.findings()
    if scheme == "light":
        desk.picture("boxes")
    desk.press("?")
    desk.page.get_by_role("dialog").wait_for()
    found["keys"] = desk.findings()
    desk.press("Escape")
    desk.open("masks", 1)
    for one in drawn(STREET):
        desk.outline(one.outline)
        desk.press("Enter")
    desk.saved()
    desk.choose("bus 2")
    found["masks"] = desk.findings()
    desk.picture("masks" if scheme == "light" else "masks-dark")
    desk.open("settle", 1, desk.get("/photos/1")["objects"][0]["id"])
    desk.page.get_by_role("region", name="Decision").wait_for()
    found["decided"] = desk.findings()
    desk.page.get_by_role("button", name="Open again").click()
    desk.page.get_by_role("region", name="Settle").wait_for()
    found["settle"] = desk.findings()
    assert found == {page: [] for page in found}


def test_the_log_in_has_no_serious_findings(tmp_path: Path, open_page: Callable[..., Page], scheme: str) -> None:
    with team_place(tmp_path) as url:
        desk = Desk(open_page(color_scheme=scheme), url)
        desk.log_in("nobody", "wrong horse")
        desk.page.get_by_role("alert").wait_for()
        assert desk.findings() == []


def test_looking_has_no_serious_findings(tmp_path: Path, open_page: Callable[..., Page], scheme: str) -> None:
    from amodal.annotate.api.view_app import create_view_app
    from amodal.annotate.view.results import open_methods
    from helpers.annotate_drawn import DEMO

    write_truth(tmp_path / "scenes.json")
    shown = open_methods(tmp_path / "scenes.json", truth=tmp_path / "scenes.json", images=DEMO)
    with served(create_view_app(shown, Path("drawn"))) as url:
        desk = Desk(open_page(color_scheme=scheme), url)
        desk.page.get_by_role("article").first.wait_for()
        found = {"list": desk.findings()}
        desk.page.get_by_role("article").filter(has_text=RIDER).get_by_role("link", name="Look").click()
        desk.page.get_by_label("Both side by side").check()
        found["photo"] = desk.findings()
        assert found == {page: [] for page in found}
