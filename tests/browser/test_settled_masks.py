"""What is settled stays on the page of masks, and is opened again there; who is blind to others stays so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amodal.masks import CropMask
from helpers.annotate_page import Desk, Pages
from helpers.annotate_team import ANNOTATORS, Team, team_place

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BOX, SQUARE = (60, 100, 300, 400), [(80, 120), (280, 120), (280, 380), (80, 380)]


def test_a_mask_that_is_done_alone_is_in_the_list_when_the_photo_is_opened_again(desk: Desk) -> None:
    draw_alone(desk)
    desk.open("masks", 1)
    row(desk, 0).get_by_text("settled").wait_for()
    assert coloured(desk, 180, 250)


def test_it_is_opened_again_by_a_control_beside_it_and_drawn_on(desk: Desk) -> None:
    draw_alone(desk)
    before = item(desk)
    desk.open("masks", 1)
    desk.page.get_by_role("button", name="Open again").click()
    desk.brush([(280, 200), (295, 300)])
    desk.press("Enter")
    desk.saved()
    after = item(desk)
    assert area(after["consensus"]["amodal"]) > area(before["consensus"]["amodal"])
    assert (after["consensus"]["state"], after["mask"]["version"] > before["mask"]["version"]) == ("agreed", True)


def test_what_was_opened_again_and_undone_is_settled_as_before(desk: Desk) -> None:
    draw_alone(desk)
    before = item(desk)
    desk.open("masks", 1)
    with desk.page.expect_response("**/mask"):
        desk.page.get_by_role("button", name="Open again").click()
    assert item(desk)["consensus"]["state"] == "open"
    desk.press("Control+z")
    desk.saved()
    desk.page.get_by_role("button", name="Open again").wait_for()
    after = item(desk)["consensus"]
    assert (after["state"], after["amodal"]) == ("agreed", before["consensus"]["amodal"])


def test_nothing_is_drawn_on_what_is_settled_by_a_slip_of_the_hand(desk: Desk) -> None:
    draw_alone(desk)
    desk.open("masks", 1)
    desk.brush([(100, 200), (200, 300)])
    desk.press("Delete", "Enter")
    desk.page.wait_for_timeout(900)  # a change would be saved by then
    assert item(desk)["consensus"]["state"] == "agreed"


def test_a_mask_that_nobody_drew_here_is_shown_and_opened_again_too(desk: Desk) -> None:
    desk.open("boxes", 1)
    desk.draw_box(*BOX)
    desk.saved()
    settle_as_an_import_does(desk)
    desk.open("masks", 1)
    assert coloured(desk, 180, 250)
    desk.page.get_by_role("button", name="Open again").click()
    desk.saved()
    assert item(desk)["mask"]["amodal"] == item(desk)["mask"]["inmodal"]
    assert area(item(desk)["mask"]["amodal"]) == 200 * 260


@pytest.fixture
def team(chromium: Browser, tmp_path: Path) -> Iterator[Team]:
    """An object that all three annotators agree about, and one that anna alone has drawn."""
    people = {"expert": "erna"}
    with team_place(tmp_path, **people) as url, Pages(chromium) as pages:
        team = Team(url, pages)
        maria = team.desk("maria")
        maria.go("manager")
        maria.add_people(dict.fromkeys(ANNOTATORS, "annotator"), "correct horse")
        erna = team.desk("erna")
        erna.open("boxes", 1)
        erna.draw_box(*BOX)
        erna.draw_box(400, 100, 600, 400)
        erna.saved()
        for name in ANNOTATORS:
            desk = team.desk(name)
            desk.open("masks", 1)
            desk.outline(SQUARE)
            desk.press("Enter")
            if name == "anna":
                desk.outline([(420, 120), (580, 120), (580, 380), (420, 380)])
                desk.press("Enter")
            desk.saved()
        yield team


def test_in_a_team_an_annotator_sees_what_is_settled_and_nothing_of_what_is_open(team: Team) -> None:
    ben = team.desk("ben")
    ben.open("masks", 1)
    row(ben, 0).get_by_text("settled").wait_for()
    row(ben, 1).get_by_text("to do").wait_for()
    row(ben, 0).click()
    ben.page.get_by_text("The expert can open it again.").wait_for()
    assert ben.page.get_by_role("button", name="Open again").count() == 0
    assert coloured(ben, 180, 250) and not coloured(ben, 500, 250)
    for counts in team.own_counts("anna", "coco_000000423617.jpg", 1):
        assert counts not in team.heard("ben")


def test_in_a_team_the_expert_opens_it_again_for_the_annotators(team: Team) -> None:
    erna = team.desk("erna")
    erna.open("masks", 1)
    with erna.page.expect_response("**/reopen"):
        erna.page.get_by_role("button", name="Open again for the annotators").click()
    row(erna, 0).get_by_text("to do").wait_for()
    ben = team.desk("ben")
    ben.open("masks", 1)
    row(ben, 0).get_by_text("done").wait_for()  # ben's own mask, which may change again
    row(ben, 0).click()
    ben.brush([(280, 200), (290, 300)])
    ben.saved()
    assert ben.get("/photos/1")["objects"][0]["mask"]["state"] == "draft"


def test_who_does_not_draw_is_offered_no_masks_of_the_model(team: Team) -> None:
    erna = team.desk("erna")
    document = erna.get("/photos/1")
    mask = CropMask.from_box((400, 100, 600, 400), erna.size[1], erna.size[0]).to_coco_rle()
    for one in document["objects"]:
        one["proposal"] = {
            "id": 900 + one["id"], "object_id": one["id"], "method": "orm", "label": "car", "box": one["box"],
            "score": 1.0, "amodal": mask, "inmodal": mask, "verdict": "open",
        }  # fmt: skip
    erna.page.route("**/api/photos/1", lambda route: route.fulfill(json=document))
    erna.open("masks", 1)
    row(erna, 1).click()
    erna.page.get_by_text("Annotators draw here").wait_for()
    assert erna.page.get_by_role("button", name="Take").count() == 0
    assert erna.page.get_by_role("button", name="Ask the model").is_disabled()


def draw_alone(desk: Desk) -> None:
    desk.open("boxes", 1)
    desk.draw_box(*BOX)
    desk.saved()
    desk.open("masks", 1)
    desk.outline(SQUARE)
    desk.press("Enter")
    desk.saved()
    assert item(desk)["consensus"]["state"] == "agreed"


def settle_as_an_import_does(desk: Desk) -> None:
    """A decision without anybody's mask behind it."""
    whole = CropMask.from_box((80, 120, 280, 380), desk.size[1], desk.size[0]).to_coco_rle()
    answer = desk.page.request.post(
        f"{desk.url}/api/objects/{item(desk)['id']}/settle",
        data={"version": 0, "choice": "drawn", "amodal": whole},
        headers={"X-CSRF-Token": desk.get("/session")["csrf"], "Origin": desk.url},
    )
    assert answer.ok, answer.text()


def item(desk: Desk) -> Any:
    return desk.get("/photos/1")["objects"][0]


def row(desk: Desk, place: int) -> Any:
    return desk.page.get_by_role("region", name="Objects").get_by_role("listitem").nth(place).get_by_role("button")


def area(rle: dict[str, Any]) -> int:
    return CropMask.from_coco_rle(rle).area


def coloured(desk: Desk, x: float, y: float) -> bool:
    """Whether a mask lies over the photo there: switched off, the place looks otherwise."""
    pictures = []
    for _ in range(2):
        desk.page.wait_for_timeout(300)
        pictures.append(_around(desk, x, y))
        desk.press("m")
    return pictures[0] != pictures[1]


def _around(desk: Desk, x: float, y: float) -> bytes:
    left, top = desk.at(x, y)
    return desk.page.screenshot(clip={"x": left - 4, "y": top - 4, "width": 8, "height": 8})
