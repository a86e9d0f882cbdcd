"""What the manager is told: that settings are saved, what a second stage will do, and that the first one stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from helpers.annotate_page import Pages
from helpers.annotate_team import ANNOTATORS, PASSWORD, Team, team_place, tell

if TYPE_CHECKING:
    from pathlib import Path

PHOTO = 1
BOXES = [(60, 100, 260, 300), (300, 100, 400, 300), (420, 100, 600, 300)]
LEFT_OPEN = (60, 320, 260, 460)  # nobody draws this one


@pytest.fixture
def team(module_pages: Pages, tmp_path: Path) -> Iterator[Team]:
    """Three objects that three annotators drew alike, and one that nobody drew."""
    with team_place(tmp_path, expert="erna") as url:
        team = Team(url, module_pages)
        for name in ANNOTATORS:
            tell(team.desk("maria"), "post", "/people", {"name": name, "role": "annotator", "password": PASSWORD})
        for box in (*BOXES, LEFT_OPEN):
            id = tell(team.desk("erna"), "post", f"/photos/{PHOTO}/objects", {"label": "car", "box": box})["id"]
            for name in ANNOTATORS if box != LEFT_OPEN else ():
                x0, y0, x1, y1 = box
                drawn = {"version": 0, "polygons": [[x0, y0, x1, y0, x1, y1, x0, y1]], "state": "done", "seconds": 1}
                tell(team.desk(name), "put", f"/objects/{id}/mask", drawn)
        yield team


def test_saved_settings_are_confirmed_until_something_is_changed_again(team: Team) -> None:
    desk = team.desk("maria")
    desk.go("manager")
    project = desk.page.get_by_role("region", name="Project")
    assert project.get_by_role("status").inner_text() == ""
    desk.change_project(**{"Rounds at most": "4"})
    said = project.get_by_role("status").get_by_text("Saved.")
    said.wait_for()
    project.get_by_label("Rounds at most").fill("5")
    said.wait_for(state="detached")


def test_what_was_changed_of_an_account_is_said(team: Team) -> None:
    desk = team.desk("maria")
    desk.go("manager")
    people = desk.page.get_by_role("region", name="People")
    people.get_by_label("Role of anna").select_option("expert")
    people.get_by_role("status").get_by_text("anna is expert from now on.").wait_for()
    people.get_by_label("anna is active").click()
    people.get_by_role("status").get_by_text("anna is switched off and logged out.").wait_for()
    people.get_by_label("anna is active").click()
    people.get_by_role("status").get_by_text("anna is switched on.").wait_for()


def test_a_second_stage_begins_after_its_consequences_were_told_and_only_then(team: Team) -> None:
    desk = team.desk("maria")
    desk.go("manager")
    stage = desk.page.get_by_role("region", name="Second stage")
    stage.get_by_label("Share in percent").fill("100")
    stage.get_by_role("button", name="Begin").click()
    dialog = desk.page.get_by_role("dialog", name="Begin the second stage?")
    dialog.get_by_text("3 of 3 settled objects will be drawn again").wait_for()
    assert dialog.get_by_role("listitem").all_inner_texts() == [f"{name}: 3" for name in ANNOTATORS]
    dialog.get_by_text("Not settled yet: 1 object.").wait_for()
    dialog.get_by_role("button", name="Not now").click()
    dialog.wait_for(state="detached")
    assert desk.get("/project")["stage"] == 1
    stage.get_by_role("button", name="Begin").click()
    dialog.get_by_role("button", name="Begin the second stage").click()
    stage.get_by_text("Stage 2 with 3 objects.").wait_for()
    assert desk.get("/project")["stage"] == 2


def test_the_first_stages_work_is_still_seen_once_all_of_it_is_drawn_again(team: Team) -> None:
    desk = team.desk("maria")
    tell(desk, "post", "/manager/stage", {"share": 1.0, "seed": 0})
    desk.go("manager")
    progress = desk.page.get_by_role("region", name="Progress")
    progress.get_by_text("First stage: 2 photos, 4 objects, 3 settled.").wait_for()
    progress.get_by_text("Second stage: 3 objects, 0 settled").wait_for()
    rows = {(row[0], row[1]): row[2] for row in desk.table("Progress")}
    assert "3 of 3" in rows["anna", "masks"] and "0 of 3" in rows["anna", "masks, second stage"]
    assert desk.table("Agreement, first stage") == [["car", "3", "1.000"]]
    assert [row[0] for row in desk.table("Consistency of annotators and votes, first stage")][:3] == list(ANNOTATORS)
    erna = team.desk("erna")
    erna.go("photos")
    erna.page.get_by_text("second stage: 0 of 3 done").wait_for()
