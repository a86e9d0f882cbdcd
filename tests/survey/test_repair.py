"""What a repair keeps, what it says it has done, and where it leaves the choice to people."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from amodal.data.fields import Field
from amodal.data.formats import open_source
from amodal.masks import CropMask
from amodal.survey.check import CheckSettings, check_parsed
from amodal.survey.findings import Findings
from amodal.survey.numbers import numbers_of
from amodal.survey.repair import REMOVED, outcome, repaired
from helpers.amodal_files import HEIGHT, WIDTH, write_cocoa, write_kins

Content = dict[str, Any]
SEEN = ("i_segm", "i_bbox", "i_area")


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return dict(json.loads(write_kins(tmp_path, "2020").read_text()))


def examined(content: Content, images: Path | None = None) -> Findings:
    return check_parsed(Field("kins.json", None, "", copy.deepcopy(content)), CheckSettings(images))


def test_visible_masks_that_all_lack_are_doubted_once(content: Content) -> None:
    for annotation in content["annotations"]:
        for key in SEEN:
            del annotation[key]
    found = examined(content)
    assert [(one.kind, one.severity) for one in found.problems] == [("visible masks not known", "doubtful")]


def test_of_a_file_without_visible_masks_nobody_knows_how_much_is_hidden(content: Content, tmp_path: Path) -> None:
    for annotation in content["annotations"]:
        del annotation["i_segm"]
    (tmp_path / "whole.json").write_text(json.dumps(content))
    objects = numbers_of(open_source(tmp_path / "whole.json")[0].truth).objects
    assert {(one.occlusion, one.modal) for one in objects} == {(None, None)}


def test_visible_masks_that_some_lack_are_made_from_whole_ones_and_numbers(content: Content) -> None:
    drawn = CropMask.from_coco_rle(content["annotations"][0].pop("i_segm"))
    del content["annotations"][1]["i_segm"]
    found = examined(content)
    assert [(one.kind, one.annotation, one.severity) for one in found.problems] == [
        ("visible mask missing", 1, "broken"),
        ("visible mask missing", 2, "broken"),
    ]
    made = repaired(content, found)
    assert CropMask.from_coco_rle(made["annotations"][0]["i_segm"]) == drawn
    assert not examined(made).problems


def test_without_numbers_an_overlapping_object_without_visible_mask_is_taken_out(tmp_path: Path) -> None:
    content = json.loads(write_kins(tmp_path, "2019").read_text())
    del content["annotations"][0]["inmodal_seg"]  # another overlaps it
    del content["annotations"][4]["inmodal_seg"]  # stands alone
    made = repaired(content, examined(content))
    assert [one["place"] for one in made[REMOVED]] == ["annotations[0]"]
    assert not examined(made).problems


def test_the_outcome_counts_what_a_second_check_no_longer_finds(content: Content) -> None:
    content["annotations"][0]["a_area"] = 1
    content["images"].append({**content["images"][0], "file_name": "again.png"})
    found = examined(content)
    said = outcome(found, examined(repaired(content, found)))
    assert said == "1 of 2 problems mended, 1 left: 1 photo id twice"


def test_a_shift_on_thin_evidence_is_a_doubt_and_takes_nothing_out(content: Content) -> None:
    for annotation in content["annotations"]:
        annotation["category_id"] -= 1  # cars are 3, which is no class; pedestrians 1, cyclists
    found = examined(content)
    assert found.kinds == {"class unknown": 2, "class ids maybe shifted": 1}
    made = repaired(content, found)
    assert made == content
    assert examined(made).kinds == found.kinds


@pytest.mark.parametrize("has_photos", [True, False])
def test_a_wrong_width_of_a_photo_is_mended_and_its_annotations_stay(has_photos: bool, tmp_path: Path) -> None:
    content = json.loads(write_cocoa(tmp_path).read_text())
    sound = copy.deepcopy(content)
    content["images"][1]["width"] = 999
    found = examined(content, tmp_path / "images" if has_photos else None)
    assert found.kinds == {"photo of another size": 1}
    assert repaired(content, found) == sound


def test_a_wrong_size_of_a_photo_with_outlines_alone_is_the_photos_own(tmp_path: Path) -> None:
    path = write_kins(tmp_path, "2020")
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        for key in SEEN:
            del annotation[key]
    sound = copy.deepcopy(content)
    content["images"][0].update(width=HEIGHT, height=WIDTH)
    found = examined(content, tmp_path / "testing" / "image_2")
    assert repaired(content, found) == sound


def test_a_photo_that_was_scaled_on_the_disk_does_not_change_the_file(tmp_path: Path) -> None:
    path = write_kins(tmp_path, "2020")
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        for key in SEEN:
            del annotation[key]
    for image in content["images"]:
        image.update(width=WIDTH // 2, height=HEIGHT // 2)
    for annotation in content["annotations"]:
        annotation["a_bbox"] = [side / 2 for side in annotation["a_bbox"]]
        annotation["a_segm"] = [[side / 2 for side in annotation["a_segm"][0]]]
    found = examined(content, tmp_path / "testing" / "image_2")
    assert repaired(content, found)["images"] == content["images"]


def test_masks_with_swapped_sides_do_not_turn_the_photo(tmp_path: Path) -> None:
    content = json.loads(write_cocoa(tmp_path).read_text())
    for annotation in content["annotations"]:
        for key in ("segmentation", "inmodal_seg"):
            annotation[key]["size"].reverse()
    assert repaired(content, examined(content))["images"] == content["images"]
