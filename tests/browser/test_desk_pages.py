"""Accounts, the audit log, histories, decisions taken back, and proposals whose hidden part is finished by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from amodal.masks import CropMask
from helpers.annotate_drawn import RIDER, SIZE
from helpers.annotate_page import Desk, Pages
from helpers.annotate_team import PASSWORD, Team, team_place, tell

STREET_PHOTO, RIDER_PHOTO = 1, 2
NEW_PASSWORD = "battery staple"
BOX, OTHER_BOX = [60.0, 100.0, 300.0, 400.0], [80.0, 120.0, 320.0, 420.0]
SMALL = [100.0, 150.0, 200.0, 150.0, 200.0, 250.0, 100.0, 250.0]
LARGE = [70.0, 110.0, 290.0, 110.0, 290.0, 390.0, 70.0, 390.0]
SEEN = (slice(300, 360), slice(150, 250))  # rows and columns that an imported file says are visible


@pytest.fixture(scope="module")
def team(module_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A manager, an expert and an annotator; one annotator is enough for an object."""
    with team_place(tmp_path_factory.mktemp("team"), expert="erna", annotator="anna") as url:
        team = Team(url, module_pages)
        version = team.desk("maria").get("/project")["version"]
        tell(team.desk("maria"), "patch", "/project", {"version": version, "annotators_per_object": 1})
        yield team


def new_object(team: Team) -> int:
    """A box in the street's photo."""
    body = {"label": "car", "box": BOX}
    return int(tell(team.desk("erna"), "post", f"/photos/{STREET_PHOTO}/objects", body)["id"])


def draw(team: Team, id: int, polygon: list[float], version: int, state: str) -> None:
    body = {"version": version, "polygons": [polygon], "source": "drawn", "seconds": 1, "state": state}
    tell(team.desk("anna"), "put", f"/objects/{id}/mask", body)


@pytest.fixture
def agreed(team: Team) -> int:
    """An object of which anna first drew a small mask, then a large one, which stands."""
    id = new_object(team)
    draw(team, id, SMALL, 0, "draft")
    draw(team, id, LARGE, 1, "done")
    return id


def standing(team: Team, id: int) -> Any:
    (one,) = [one for one in team.desk("erna").get(f"/photos/{STREET_PHOTO}")["objects"] if one["id"] == id]
    return one["consensus"]


def dense(rle: Any) -> np.ndarray[Any, Any]:
    return CropMask.from_coco_rle(rle).to_dense()


def opened_again(team: Team, id: int) -> Desk:
    """The expert took the decision about an object back and is about to settle it."""
    desk = team.desk("erna")
    desk.open("settle", STREET_PHOTO, id)
    desk.page.get_by_role("region", name="Decision").get_by_role("button", name="Open again").click()
    desk.page.get_by_role("region", name="Settle").wait_for()
    desk.size_of(STREET_PHOTO)
    return desk


def add_person(team: Team, name: str) -> int:
    body = {"name": name, "role": "annotator", "password": PASSWORD}
    return int(tell(team.desk("maria"), "post", "/people", body)["id"])


def set_password(desk: Desk, password: str, again: str, old: str | None = None) -> None:
    dialog = desk.page.get_by_role("dialog")
    if old is not None:
        dialog.get_by_label("Password until now").fill(old)
    dialog.get_by_label("New password").fill(password)
    dialog.get_by_label("Once more").fill(again)
    dialog.get_by_role("button", name="Set password").click()


def test_the_audit_log_is_paged_from_the_newest_line(team: Team) -> None:
    desk = team.desk("maria")
    version = desk.get("/project")["version"]
    for place in range(25):
        tell(desk, "patch", "/project", {"version": version + place, "name": f"streets {place}"})
    desk.go("manager")
    log = desk.page.get_by_role("region", name="Audit log")
    log.get_by_text("change project: streets 24").wait_for()
    assert [row[1] for row in desk.table("Audit log")] == ["maria"] * 20
    log.get_by_role("button", name="Older").click()
    log.get_by_text("change project: streets 4 ").wait_for()
    assert desk.table("Audit log")[0][2].startswith("change project: streets 4")


def test_who_changes_the_own_password_stays_and_comes_in_with_it_later(team: Team, module_pages: Pages) -> None:
    add_person(team, "dora")
    desk = team.desk("dora")
    desk.page.get_by_role("button", name="Change my password").click()
    set_password(desk, NEW_PASSWORD, NEW_PASSWORD, "wrong horse")
    desk.page.get_by_role("alert").get_by_text("not your password until now").wait_for()
    set_password(desk, NEW_PASSWORD, NEW_PASSWORD, PASSWORD)
    desk.page.get_by_role("dialog").wait_for(state="detached")
    assert desk.get("/session")["person"]["name"] == "dora"
    later = Desk(module_pages.open(), team.url)
    later.log_in("dora", NEW_PASSWORD)
    later.page.get_by_text("dora, annotator").wait_for()


def test_two_passwords_that_differ_are_not_sent(team: Team) -> None:
    desk = team.desk("anna")
    desk.page.get_by_role("button", name="Change my password").click()
    set_password(desk, NEW_PASSWORD, PASSWORD, PASSWORD)
    desk.page.get_by_role("alert").get_by_text("The two passwords differ.").wait_for()
    desk.page.get_by_role("button", name="Close").click()
    assert desk.get("/session")["person"]["name"] == "anna"


def test_the_manager_lets_somebody_in_who_was_switched_off(team: Team, module_pages: Pages) -> None:
    id = add_person(team, "emil")
    tell(team.desk("maria"), "patch", f"/people/{id}", {"active": False})
    desk = team.desk("maria")
    desk.go("manager")
    desk.page.get_by_role("button", name="Let in: emil").click()
    set_password(desk, NEW_PASSWORD, NEW_PASSWORD)
    desk.page.get_by_role("button", name="Set password: emil").wait_for()
    emil = Desk(module_pages.open(), team.url)
    emil.log_in("emil", NEW_PASSWORD)
    emil.page.get_by_text("emil, annotator").wait_for()


def test_an_older_box_is_taken_back_from_the_history(team: Team) -> None:
    id = new_object(team)
    erna = team.desk("erna")
    tell(erna, "patch", f"/objects/{id}", {"version": 1, "label": "car", "box": OTHER_BOX})
    history = opened_history(team, id)
    history.get_by_role("listitem").last.get_by_role("button", name="Take this version").click()
    erna.saved()
    (box,) = [one["box"] for one in erna.get(f"/photos/{STREET_PHOTO}")["objects"] if one["id"] == id]
    assert box == BOX


def test_a_box_that_was_refused_is_in_the_history(team: Team) -> None:
    id = new_object(team)
    erna = team.desk("erna")
    tell(erna, "patch", f"/objects/{id}", {"version": 1, "label": "car", "box": OTHER_BOX})
    tell(erna, "patch", f"/objects/{id}", {"version": 1, "label": "van", "box": BOX}, status=409)
    newest = opened_history(team, id).get_by_role("listitem").first
    assert "Box, version 1: van refused" in newest.inner_text().replace("\n", " ")
    assert "erna" in newest.inner_text()


def test_a_long_history_shows_more_on_demand(team: Team) -> None:
    id = new_object(team)
    for version in range(1, 25):
        moved = [BOX[0], BOX[1], BOX[2] + version, BOX[3]]
        tell(team.desk("erna"), "patch", f"/objects/{id}", {"version": version, "label": "car", "box": moved})
    versions = opened_history(team, id).get_by_role("listitem")
    assert versions.count() == 20
    team.desk("erna").page.get_by_text("20 of 25.").get_by_role("button", name="Show more").click()
    versions.nth(24).wait_for()
    assert versions.last.inner_text().startswith("Box, version 1:")


def opened_history(team: Team, id: int) -> Any:
    """The list of an object's versions beside the boxes, the newest first."""
    erna = team.desk("erna")
    erna.open("boxes", STREET_PHOTO)
    place = [one["id"] for one in erna.get(f"/photos/{STREET_PHOTO}")["objects"]].index(id)
    erna.choose(f"car {place + 1}")
    erna.page.get_by_text("History of car").click()
    history = erna.page.get_by_role("list", name="History of car")
    history.get_by_role("listitem").first.wait_for()
    return history


def test_an_older_mask_is_taken_to_settle_with(team: Team, agreed: int) -> None:
    desk = opened_again(team, agreed)
    desk.page.get_by_text("History of car").click()
    history = desk.page.get_by_role("list", name="History of car")
    drafts = history.get_by_role("listitem").filter(has_text="Mask, version 1, round 1: draft, drawn")
    drafts.get_by_role("button", name="Show").click()
    drafts.get_by_role("img").wait_for()
    drafts.get_by_role("button", name="Take this version").click()
    desk.page.get_by_role("button", name="Settle with what is drawn here").click()
    desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
    small = CropMask.from_polygons([SMALL], 480, 640).to_dense()
    assert np.array_equal(dense(standing(team, agreed)["amodal"]), small)


def test_the_expert_opens_a_settled_object_again(team: Team, agreed: int) -> None:
    assert standing(team, agreed)["state"] == "agreed"
    opened_again(team, agreed)
    assert standing(team, agreed)["state"] == "open"


def test_what_the_expert_drew_to_settle_lives_through_a_reload(team: Team, agreed: int) -> None:
    desk = opened_again(team, agreed)
    desk.brush([(400, 100), (440, 100)])
    desk.reload()
    desk.page.get_by_role("button", name="Settle with what is drawn here").click()
    desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
    assert dense(standing(team, agreed)["amodal"])[100, 420]


def test_the_manager_is_not_told_to_wait_for_tasks(team: Team) -> None:
    desk = team.desk("maria")
    refused: list[str] = []
    desk.page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    desk.go("photos")
    desk.page.get_by_role("article").first.wait_for()
    desk.page.wait_for_load_state("networkidle")
    assert refused == [] and desk.page.get_by_text("Looking for").count() == 0


@pytest.fixture(scope="module")
def imported(team: Team, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray[Any, Any]:
    """A COCO file said what is visible of one object in the rider's photo: these pixels."""
    height, width = SIZE[RIDER]
    seen = np.zeros((height, width), dtype=bool)
    seen[SEEN] = True
    rows, columns = SEEN
    box = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
    file = tmp_path_factory.mktemp("coco") / "visible.json"
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": int(seen.sum()), "iscrowd": 0}
    annotation["segmentation"] = CropMask.from_dense(seen).to_coco_rle()
    said = {
        "images": [{"id": 1, "file_name": RIDER, "width": width, "height": height}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "car", "supercategory": "vehicle"}],
    }
    file.write_text(json.dumps(said), "utf-8")
    part = {"name": file.name, "mimeType": "application/json", "buffer": file.read_bytes()}
    tell(team.desk("erna"), "post", "/imports", multipart={"file": part})
    return seen


def test_the_hidden_part_of_a_proposal_is_finished_and_what_is_visible_stays(
    team: Team, imported: np.ndarray[Any, Any]
) -> None:
    desk = team.desk("anna")
    desk.open("masks", RIDER_PHOTO)
    desk.page.get_by_role("button", name="Finish the hidden part").wait_for()
    desk.press("f")
    desk.drag((240, 330), (300, 330))  # with the brush that `f` gave
    desk.press("x")
    desk.drag((160, 330), (180, 330))  # the eraser over what is visible
    desk.press("Enter")
    desk.saved()
    (one,) = desk.get(f"/photos/{RIDER_PHOTO}")["objects"]
    whole, seen = dense(one["mask"]["amodal"]), dense(one["mask"]["inmodal"])
    assert np.array_equal(seen, imported)
    assert whole[imported].all() and whole[330, 290]
    assert (one["mask"]["source"], one["proposal"]["verdict"]) == ("edited", "edited")
