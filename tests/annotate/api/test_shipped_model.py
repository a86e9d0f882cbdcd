"""The shipped model on shipped photos, asked as the page asks it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import amodal
from amodal.annotate.api.opening import open_place
from amodal.annotate.api.taking_in import Register
from amodal.masks import CropMask
from helpers.annotate_client import Person

DEMO = Path(amodal.__file__).parent / "demo"
GIVEN, FOUND = "coco_000000423617.jpg", "coco_000000476119.jpg"
CLASSES = {"bus": "tram", "car": "car", "person": "pedestrian"}


def true_boxes(name: str) -> list[tuple[str, list[float]]]:
    """Boxes of whole objects, by people."""
    photos = {one["file"]: one["boxes"] for one in json.loads((DEMO / "boxes.json").read_text("utf-8"))}
    return [(CLASSES.get(one["class"], "misc"), one["box"]) for one in photos[name]]


def iou(one: list[float], other: list[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


@pytest.fixture
def page(tmp_path: Path) -> Person:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in (GIVEN, FOUND):
        shutil.copy(DEMO / "photos" / name, photos)
    place = open_place(tmp_path / "project", images=photos)
    Register(place).run()
    return Person(place)


def test_it_proposes_masks_and_order_for_given_boxes_and_finds_boxes_where_there_are_none(page: Person) -> None:
    drawn = [(page.box(1, *box, label=label), box) for label, box in true_boxes(GIVEN)]
    said = page.post("/photos/1/proposals", {}).json()
    assert [one["object_id"] for one in said["proposals"]] == [id for id, _ in drawn]
    for one, (_, box) in zip(said["proposals"], drawn, strict=True):
        whole, seen = (CropMask.from_coco_rle(one[key]) for key in ("amodal", "inmodal"))
        in_frame = CropMask.from_box(box, whole.height, whole.width)
        assert whole.contains(seen)
        assert whole.iou(in_frame) > 0.4, "a vehicle fills most of its box"
    front_bus, bus = drawn[0][0], drawn[1][0]
    assert [front_bus, bus] in said["edges"], "the lower edge of its box is 146 px nearer"
    id = said["proposals"][0]["id"]
    assert page.post(f"/proposals/{id}/verdict", {"verdict": "accepted"}).json()["proposal"]["verdict"] == "accepted"
    verdicts = [one["proposal"]["verdict"] for one in page.get("/photos/1").json()["objects"]]
    assert verdicts == ["accepted", "open", "open", "open", "open"]

    found = page.post("/photos/2/proposals", {}).json()["proposals"]
    assert {one["object_id"] for one in found} == {None}
    for _, box in true_boxes(FOUND):
        assert max(iou(one["box"], box) for one in found) > 0.5
    taken = page.post(f"/proposals/{found[0]['id']}/verdict", {"verdict": "accepted"})
    assert taken.status_code == 200, taken.text
    assert taken.json()["object"]["box"] == found[0]["box"]
    assert {one["name"] for one in page.get("/project").json()["categories"]} >= {taken.json()["object"]["label"]}
