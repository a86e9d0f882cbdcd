"""An object that three annotators do not agree about: who sees what of it, who may decide, and what is seen then."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from helpers.annotate_drawn import STREET
from helpers.annotate_page import Desk, Pages
from helpers.annotate_team import ANNOTATORS, PASSWORD, Team, team_place, tell

if TYPE_CHECKING:
    from playwright.sync_api import Locator

PHOTO = 1
BOX = [60.0, 100.0, 260.0, 300.0]
# What anna, ben and cleo drew inside the box: the whole of it, its left half, its upper left quarter.
DRAWN = {"anna": (60, 100, 260, 300), "ben": (60, 100, 160, 300), "cleo": (60, 100, 160, 200)}


@pytest.fixture(scope="module")
def team(module_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A manager, an expert and three annotators; one round is all there is."""
    with team_place(tmp_path_factory.mktemp("team"), expert="erna") as url:
        team = Team(url, module_pages)
        maria = team.desk("maria")
        for name in ANNOTATORS:
            tell(maria, "post", "/people", {"name": name, "role": "annotator", "password": PASSWORD})
        version = maria.get("/project")["version"]
        tell(maria, "patch", "/project", {"version": version, "max_rounds": 1})
        yield team


@pytest.fixture
def disputed(team: Team) -> int:
    """Such an object."""
    id = int(tell(team.desk("erna"), "post", f"/photos/{PHOTO}/objects", {"label": "car", "box": BOX})["id"])
    for name, (x0, y0, x1, y1) in DRAWN.items():
        drawn = {"version": 0, "polygons": [[x0, y0, x1, y0, x1, y1, x0, y1]], "state": "done", "seconds": 1}
        tell(team.desk(name), "put", f"/objects/{id}/mask", drawn)
    return id


def standing(team: Team, id: int) -> Any:
    (one,) = [one for one in team.desk("erna").get(f"/photos/{PHOTO}")["objects"] if one["id"] == id]
    return one["consensus"]


def settled(team: Team, id: int) -> None:
    """By erna, with ben's mask."""
    there = standing(team, id)
    (of_ben,) = [mask["id"] for mask in there["masks"] if mask["author"] == "ben"]
    chosen = {"version": there["version"], "choice": "mask", "mask_id": of_ben}
    tell(team.desk("erna"), "post", f"/objects/{id}/settle", chosen)


def decision(desk: Desk, id: int) -> Locator:
    desk.open("settle", PHOTO, id)
    region = desk.page.get_by_role("region", name="Decision")
    region.wait_for()
    return region


def test_the_managers_links_of_disagreements_lead_to_the_masks_of_all(team: Team, disputed: int) -> None:
    desk = team.desk("maria")
    desk.go("manager")
    listed = desk.page.get_by_role("region", name="Disagreements")
    listed.locator(f"a[href$='/{disputed}']").click()
    region = desk.page.get_by_role("region", name="Decision")
    for name in (*ANNOTATORS, "The vote", "Agreement map"):
        region.get_by_role("figure", name=name).get_by_role("img").first.wait_for()
    desk.page.get_by_text("History of car").click()
    masks = desk.page.get_by_role("list", name="History of car").get_by_role("listitem").filter(has_text="Mask")
    masks.first.wait_for()
    assert masks.count() == len(ANNOTATORS)


def test_a_manager_who_is_no_expert_is_told_who_decides_and_cannot(team: Team, disputed: int) -> None:
    region = decision(team.desk("maria"), disputed)
    region.get_by_text("Only an expert decides: erna.").wait_for()
    buttons = {button.inner_text() for button in region.get_by_role("button").all()}
    assert buttons == {"On the photo"}


def test_a_manager_looks_at_each_mask_on_the_photo(team: Team, disputed: int) -> None:
    desk = team.desk("maria")
    region = decision(desk, disputed)
    seen = []
    for name in ("anna", "cleo"):
        button = region.get_by_role("figure", name=name).get_by_role("button", name="On the photo")
        button.click()
        region.locator("button[aria-pressed=true]").wait_for()
        desk.page.wait_for_timeout(300)
        seen.append(desk.page.get_by_test_id("stage").screenshot())
    assert seen[0] != seen[1]


def test_an_annotator_has_no_way_to_the_masks_of_others(team: Team, disputed: int) -> None:
    desk = team.desk("ben")
    desk.page.goto(f"{desk.url}/#/settle/{PHOTO}/{disputed}")
    desk.page.get_by_role("heading", name="Not your page").wait_for()


def test_the_agreement_map_says_how_many_drew_the_same(team: Team, disputed: int) -> None:
    # of the box ben drew half and cleo a quarter: half of it is anna's alone, a quarter hers and ben's
    legend = decision(team.desk("maria"), disputed).get_by_role("figure", name="Agreement map").get_by_role("listitem")
    assert [one.inner_text() for one in legend.all()] == ["1 of 3: 50 %", "2 of 3: 25 %", "3 of 3: 25 %"]


def test_the_small_pictures_show_the_same_part_of_the_photo(team: Team, disputed: int) -> None:
    desk = team.desk("erna")
    desk.open("settle", PHOTO, disputed)
    pictures = [picture_of(desk, name) for name in ANNOTATORS]
    # nobody drew in the lower left corner of the picture, beside the box
    corners = [pixels[-20:, :20] for pixels in pictures]
    assert corners[0].std() > 0, "the photo is not painted yet"
    assert all(np.array_equal(corners[0], other) for other in corners[1:])
    # the right half of the box is anna's alone; her mask is not in ben's picture there
    right = np.s_[100:180, 160:200]
    assert not np.array_equal(pictures[0][right], pictures[1][right])
    assert np.array_equal(pictures[1][right], pictures[2][right])


def picture_of(desk: Desk, name: str) -> np.ndarray[Any, Any]:
    canvas = desk.page.get_by_role("figure", name=name).locator("canvas")
    # only where the photo was painted nothing is transparent
    painted = "one => one.getContext('2d').getImageData(140, 140, 1, 1).data[3] === 255"
    desk.page.wait_for_function(painted, arg=canvas.element_handle())
    sent = canvas.evaluate("one => one.toDataURL('image/png').split(',')[1]")
    return np.asarray(Image.open(BytesIO(b64decode(sent))).convert("RGB"))


def test_the_key_for_done_settles_with_what_is_drawn(team: Team, disputed: int) -> None:
    desk = team.desk("erna")
    desk.open("settle", PHOTO, disputed)
    desk.page.get_by_role("region", name="Settle").wait_for()
    desk.press("Enter")
    desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
    now = standing(team, disputed)
    assert (now["state"], now["choice"], now["settled_by"]) == ("settled", "drawn", "erna")


def test_what_is_settled_says_by_whom_when_and_how(team: Team, disputed: int) -> None:
    settled(team, disputed)
    for name in ("erna", "maria"):
        region = decision(team.desk(name), disputed)
        region.get_by_text(re.compile(r"Settled by erna on .*\d{4}.*: the mask of ben was taken\.")).wait_for()


def test_what_is_settled_is_not_drawn_before_it_is_opened_again(team: Team, disputed: int) -> None:
    settled(team, disputed)
    desk = team.desk("erna")
    region = decision(desk, disputed)
    assert desk.page.get_by_role("button", name="Brush").count() == 0
    assert region.get_by_role("button", name=re.compile("Choose|Take|Settle")).count() == 0
    region.get_by_role("button", name="Open again").click()
    of_anna = desk.page.get_by_role("figure", name="anna")
    of_anna.get_by_role("button", name="Choose this one").click()
    desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
    now = standing(team, disputed)
    (anna,) = [mask for mask in now["masks"] if mask["author"] == "anna"]
    assert (now["state"], now["amodal"]) == ("settled", anna["amodal"])
    assert STREET in desk.page.get_by_role("article").first.inner_text()


def test_the_photos_card_leads_the_expert_to_what_waits_for_a_decision(team: Team, disputed: int) -> None:
    waiting = [task["object_id"] for task in team.desk("erna").get("/tasks?pass=settle")["tasks"]]
    desk = team.desk("erna")
    desk.go("photos")
    card = desk.page.get_by_role("article").filter(has_text=STREET)
    card.get_by_role("link", name=f"Settle {len(waiting)}", exact=True).click()
    desk.page.get_by_role("region", name="Settle").wait_for()
    assert disputed in waiting and desk.page.url.endswith(f"#/settle/{PHOTO}/{waiting[0]}")
    maria = team.desk("maria")
    maria.go("photos")
    maria.page.get_by_role("article").first.wait_for()
    assert maria.page.get_by_role("link", name="Settle").count() == 0


def test_on_a_tablet_held_upright_each_picture_stands_under_its_name(team: Team, disputed: int) -> None:
    desk = team.desk("erna")
    desk.page.set_viewport_size({"width": 768, "height": 1024})
    try:
        desk.open("settle", PHOTO, disputed)
        figure = desk.page.get_by_role("figure", name="anna")
        name, picture = figure.locator("figcaption").bounding_box(), figure.locator("canvas").bounding_box()
        assert name is not None and picture is not None
        assert picture["x"] == pytest.approx(name["x"], abs=2) and picture["x"] + picture["width"] <= 768
        assert 0 <= picture["y"] - (name["y"] + name["height"]) < 10
    finally:
        desk.page.set_viewport_size({"width": 1280, "height": 720})


def test_the_masks_page_says_that_a_second_round_is_on(module_pages: Pages, tmp_path: Path) -> None:
    with team_place(tmp_path, expert="erna") as url:
        team = Team(url, module_pages)
        for name in ANNOTATORS:
            tell(team.desk("maria"), "post", "/people", {"name": name, "role": "annotator", "password": PASSWORD})
        car = {"label": "car", "box": BOX}
        id = int(tell(team.desk("erna"), "post", f"/photos/{PHOTO}/objects", car)["id"])
        team.desk("anna").open("masks", PHOTO)
        assert team.desk("anna").page.get_by_text("Round ").count() == 0
        for name, (x0, y0, x1, y1) in DRAWN.items():
            mask = {"version": 0, "polygons": [[x0, y0, x1, y0, x1, y1, x0, y1]], "state": "done", "seconds": 1}
            tell(team.desk(name), "put", f"/objects/{id}/mask", mask)
        team.desk("anna").open("masks", PHOTO)
        team.desk("anna").page.get_by_text("Round 2 of car 1: the masks before did not settle it.").wait_for()
