"""The shipped model's proposals and the snapping of outlines, at the page of one person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from amodal.masks import CropMask
from helpers.annotate_drawn import DEMO, RIDER, STREET, drawn
from helpers.annotate_page import Desk
from helpers.annotate_team import draw_boxes

CATEGORIES = "people: person\nvehicles: car, bus, motorcycle"


@pytest.fixture
def street(desk: Desk) -> Desk:
    """The street's masks are open: its boxes and their order are drawn."""
    desk.go("manager")
    desk.change_project(**{"Categories, one a line: group: name, name": CATEGORIES})
    desk.open("boxes", 1)
    draw_boxes(desk, STREET)
    desk.open("masks", 1)
    return desk


def objects(desk: Desk) -> list[Any]:
    return list(desk.get("/photos/1")["objects"])


def test_proposals_are_accepted_edited_and_refused_by_keys(street: Desk) -> None:
    street.press("p")
    proposals = street.page.get_by_role("region", name="Proposals")
    proposals.get_by_role("listitem").nth(4).wait_for(timeout=60_000)
    street.picture("proposals")
    street.choose("car 3")
    street.press("a", "Enter")
    street.saved()
    street.choose("bus 1")
    street.press("a")
    street.brush([(200, 200), (440, 330)])
    street.press("Enter")
    street.saved()
    street.choose("bus 2")
    with street.page.expect_response("**/verdict"):
        street.press("r")
    edited, refused, accepted = objects(street)[:3]
    assert [one["proposal"]["verdict"] for one in (accepted, edited, refused)] == ["accepted", "edited", "refused"]
    assert accepted["mask"]["amodal"] == accepted["proposal"]["amodal"]
    assert edited["mask"]["amodal"] != edited["proposal"]["amodal"]
    assert refused["mask"] is None


def test_boxes_that_the_detector_finds_become_objects_when_they_are_taken(desk: Desk) -> None:
    desk.open("boxes", 2)
    desk.press("p")
    proposals = desk.page.get_by_role("region", name="Proposals")
    proposals.get_by_role("listitem").first.wait_for(timeout=60_000)
    desk.press("a")
    desk.page.get_by_role("region", name="Objects").get_by_role("button").first.wait_for()
    desk.saved()
    (one,) = desk.get("/photos/2")["objects"]
    person = drawn(RIDER)[0].box
    assert _iou(one["box"], person) > 0.5
    assert one["label"] == "pedestrian"  # the detector's person is no category of this project, the chosen one is


def test_snapping_moves_an_outline_onto_edges_of_the_photo(street: Desk) -> None:
    bus = drawn(STREET)[0]
    street.choose("bus 1")
    street.outline([(x + 4, y + 4) for x, y in bus.outline])  # a hand that is off
    street.saved()
    (before,) = objects(street)[0]["mask"]["polygons"]
    with street.page.expect_response("**/mask"):
        street.press("s")
    (after,) = objects(street)[0]["mask"]["polygons"]
    assert after != before
    assert _edge_strength(after) > 1.5 * _edge_strength(before)


def _iou(one: list[float], other: tuple[float, ...]) -> float:
    masks = [CropMask.from_box(box, 426, 640).to_dense() for box in (one, other)]
    return float((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())


def _edge_strength(polygon: list[float]) -> float:
    """The mean grey gradient of the photo along an outline, by differences of neighbours."""
    grey = np.asarray(Image.open(DEMO / STREET).convert("L"), dtype=float)
    gradient = np.hypot(*np.gradient(grey))
    corners = np.array(polygon).reshape(-1, 2)
    steps = np.linspace(0, 1, 50)[:, None, None]
    points = (corners + steps * (np.roll(corners, -1, axis=0) - corners)).reshape(-1, 2).round().astype(int)
    x, y = points[:, 0].clip(0, grey.shape[1] - 1), points[:, 1].clip(0, grey.shape[0] - 1)
    return float(gradient[y, x].mean())
