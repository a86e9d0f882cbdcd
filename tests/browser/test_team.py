"""One expert and three annotators, from accounts to a vote, an export and a second stage; truth is drawn by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from amodal.masks import CropMask
from helpers.annotate_drawn import ORDER, RIDER, STREET
from helpers.annotate_page import Pages
from helpers.annotate_team import ANNOTATORS, PASSWORD, Team, team_place

MOTORCYCLE = (RIDER, 1)  # what they do not agree about


@pytest.fixture(scope="module")
def team(module_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A project with two photos and a manager; all others get their accounts on the page."""
    with team_place(tmp_path_factory.mktemp("team")) as url:
        team = Team(url, module_pages)
        manager = team.desk("maria")
        manager.go("manager")
        manager.add_people({"erna": "expert", **dict.fromkeys(ANNOTATORS, "annotator")}, PASSWORD)
        manager.change_project(
            **{
                "Rounds at most": "2",
                "Categories, one a line: group: name, name": "people: person\nvehicles: car, bus, motorcycle",
            }
        )
        yield team


@pytest.fixture(scope="module")
def boxed(team: Team) -> Team:
    """The expert has drawn boxes, categories and order of both photos."""
    for photo in (STREET, RIDER):
        team.draw_boxes("erna", photo)
    return team


@pytest.fixture(scope="module")
def drawn(boxed: Team) -> Team:
    """Three have drawn all masks of the first round, each alone; of the motorcycle cleo sees the front wheel only."""
    for place, name in enumerate(ANNOTATORS):
        boxed.draw_masks(name, STREET, shift=place)
        boxed.draw_masks(name, RIDER, shift=place, wheel_only=name == "cleo")
    return boxed


@pytest.fixture(scope="module")
def disputed(drawn: Team) -> Team:
    """All have drawn the motorcycle again, and still do not agree."""
    for place, name in enumerate(ANNOTATORS):
        drawn.draw_masks(name, RIDER, shift=place, wheel_only=name == "cleo", only=1)
    return drawn


@pytest.fixture(scope="module")
def settled(disputed: Team) -> Team:
    """The expert has chosen anna's motorcycle."""
    desk = disputed.desk("erna")
    desk.go("photos")
    desk.page.get_by_role("article").nth(1).wait_for()
    desk.picture("photos")
    desk.page.get_by_role("link", name=f"Next: settle motorcycle in {RIDER}").click()
    desk.size_of(disputed.photo(RIDER))
    desk.page.get_by_role("region", name="Settle").get_by_text("agreement 0.").wait_for()
    desk.picture("settle")
    of_anna = desk.page.get_by_role("figure", name="anna")
    of_anna.get_by_role("button", name="Choose this one").click()
    desk.page.get_by_role("heading", name="Photos", exact=True).wait_for()
    return disputed


def test_boxes_categories_and_order_are_as_the_expert_drew_them(boxed: Team) -> None:
    for photo in (STREET, RIDER):
        document, objects = boxed.document("erna", photo), boxed.objects(photo)
        assert [one["label"] for one in document["objects"]] == [one.label for one in objects]
        for found, one in zip(document["objects"], objects, strict=True):
            assert found["box"] == pytest.approx(one.box, abs=1.5)
        ids = [one["id"] for one in document["objects"]]
        edges = {(ids[front], ids[behind]) for front, behind in ORDER[photo]}
        assert {tuple(edge) for edge in document["order"]["edges"]} == edges


def test_nobody_is_sent_a_mask_of_others_before_an_object_is_settled(disputed: Team) -> None:
    owners = {name: disputed.own_counts(name, *MOTORCYCLE) for name in ANNOTATORS}
    for name in ANNOTATORS:
        others = {counts for other, listed in owners.items() if other != name for counts in listed}
        assert others and not [counts for counts in others if counts in disputed.heard(name)]


def test_objects_that_all_drew_alike_are_agreed_by_the_vote(drawn: Team) -> None:
    for one in drawn.document("erna", STREET)["objects"]:
        standing = one["consensus"]
        masks = [CropMask.from_coco_rle(mask["amodal"]).to_dense() for mask in standing["masks"]]
        assert standing["state"] == "agreed" and len(masks) == len(ANNOTATORS)
        assert np.array_equal(CropMask.from_coco_rle(standing["amodal"]).to_dense(), sum(masks) >= 2)


def test_after_the_last_round_without_agreement_the_expert_is_asked(disputed: Team) -> None:
    (task,) = disputed.desk("erna").get("/tasks")["tasks"]
    (dispute,) = disputed.desk("maria").get("/manager/disagreements")["disagreements"]
    assert (task["kind"], task["label"]) == ("settle", "motorcycle")
    assert (dispute["label"], dispute["round"], dispute["rounds_left"]) == ("motorcycle", 2, 0)


def test_the_mask_that_the_expert_chose_stands(settled: Team) -> None:
    standing = settled.object("erna", *MOTORCYCLE)["consensus"]
    (chosen,) = [mask for mask in standing["masks"] if mask["author"] == "anna"]
    assert (standing["state"], standing["settled_by"]) == ("settled", "erna")
    assert standing["amodal"] == chosen["amodal"]


def test_an_annotator_sees_what_stands_once_it_is_settled(settled: Team) -> None:
    standing = settled.object("ben", *MOTORCYCLE)["consensus"]
    assert standing["state"] == "settled" and standing["amodal"]


def test_the_manager_sees_progress_and_agreement(settled: Team) -> None:
    desk = settled.desk("maria")
    desk.go("manager")
    desk.page.get_by_text("2 photos, 7 objects, 7 settled.").wait_for()
    desk.page.get_by_text("None is open.").wait_for()
    rows = {row[0]: row for row in desk.table("Progress")}
    assert all("7 of 7" in rows[name][2] for name in ANNOTATORS)
    assert "2 of 2" in rows["erna"][2]
    # by hand: the mean IoU of every two masks of an object, and of these the mean over a category's objects
    found: dict[str, list[float]] = {}
    for photo in (STREET, RIDER):
        for one in settled.document("erna", photo)["objects"]:
            masks = [CropMask.from_coco_rle(mask["amodal"]).to_dense() for mask in one["consensus"]["masks"]]
            ious = [(a & b).sum() / (a | b).sum() for a, b in combinations(masks, 2)]
            found.setdefault(one["label"], []).append(fmean(ious))
    listed = {row[0]: (int(row[1]), float(row[2])) for row in desk.table("Agreement")}
    assert listed == {name: (len(ious), pytest.approx(fmean(ious), abs=1e-3)) for name, ious in found.items()}


def test_the_manager_sees_how_consistent_annotators_and_votes_are(settled: Team) -> None:
    desk = settled.desk("maria")
    desk.go("manager")
    rows = desk.table("Consistency of annotators and votes")
    names = [row[0] for row in rows]
    assert set(ANNOTATORS) <= set(names)
    place = {name: names.index(name) + 1 for name in ANNOTATORS}
    matrix = {row[0]: row for row in rows}
    assert float(matrix["anna"][place["ben"]]) > float(matrix["anna"][place["cleo"]])


def test_the_manager_sees_statistics_of_what_is_settled(settled: Team) -> None:
    desk = settled.desk("maria")
    desk.go("manager")
    numbers = {row[0]: row[1] for row in desk.table("Statistics")}
    assert (numbers["photos"], numbers["objects"]) == ("2", "7")
    hidden = [
        one for photo in (STREET, RIDER) for one in settled.document("erna", photo)["objects"] if one["occlusion"]
    ]
    assert float(numbers["occluded share"]) == pytest.approx(len(hidden) / 7, abs=1e-3)
    desk.picture("manager")


@pytest.mark.parametrize("format", ["project", "kins-2020"])
def test_what_is_exported_on_the_page_is_the_same_again_in_a_new_project(
    settled: Team, module_pages: Pages, tmp_path: Path, format: str
) -> None:
    file = settled.download("erna", format, tmp_path)
    with team_place(tmp_path / "again", expert="erna") as url:
        again = Team(url, module_pages)
        desk = again.desk("maria")  # a project's file is for managers
        desk.go("photos")
        desk.upload("Import annotations", file)
        desk.page.get_by_text(re.compile("Read as")).wait_for()
        for photo in (STREET, RIDER):
            before, after = settled.document("erna", photo), again.document("erna", photo)
            assert what_stands(after, format) == what_stands(before, format)


def what_stands(document: dict[str, Any], format: str) -> tuple[list[tuple[Any, ...]], set[tuple[int, int]]]:
    """Categories, masks and order of a photo, without ids; KINS has an order of overlapping masks only."""
    objects = [one for one in document["objects"] if not one["deleted"]]
    place = {one["id"]: index for index, one in enumerate(sorted(objects, key=lambda one: one["box"]))}
    said = sorted((place[one["id"]], one["label"], one["number"], *_masks(one["consensus"])) for one in objects)
    whole = {one["id"]: CropMask.from_coco_rle(one["consensus"]["amodal"]).to_dense() for one in objects}
    edges = [(a, b) for a, b in document["order"]["edges"] if format == "project" or (whole[a] & whole[b]).any()]
    assert edges
    return said, {(place[front], place[behind]) for front, behind in edges}


def _masks(standing: dict[str, Any]) -> tuple[str, str]:
    return standing["amodal"]["counts"], standing["inmodal"]["counts"]


def test_a_second_stage_asks_for_a_share_of_the_objects_again(settled: Team) -> None:
    desk = settled.desk("maria")
    desk.go("manager")
    stage = desk.page.get_by_role("region", name="Second stage")
    stage.get_by_label("Share in percent").fill("50")
    stage.get_by_role("button", name="Begin").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Begin the second stage").click()
    stage.get_by_text(re.compile(r"Stage 2 with [34] objects\.")).wait_for()
    assert settled.desk("anna").get("/tasks")["total"] in (3, 4)
