from __future__ import annotations

import copy
import json
import math
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as oracle

from amodal.data.coco import read_masks, read_objects
from amodal.errors import InputError

MASK = np.zeros((80, 100), np.uint8)
MASK[20:60, 10:30] = 1
RLE = oracle.encode(np.asfortranarray(MASK))
COCO: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "a.jpg", "width": 100, "height": 80, "split": "train", "licence": "CC0"},
        {"id": 5, "file_name": "b.jpg", "width": 100, "height": 80, "split": "val", "license": 1},
    ],
    "annotations": [
        {
            "id": 30, "image_id": 5, "category_id": 2, "bbox": [10, 20, 20, 40], "iscrowd": 0, "clean": True,
            "area": 800, "segmentation": {"size": RLE["size"], "counts": RLE["counts"].decode()},
        },
        {
            "id": 31, "image_id": 7, "category_id": 1, "bbox": [0.5, 0, 2, 80.25], "iscrowd": 1,
            "area": 8, "segmentation": [[10, 20, 30, 20, 30, 60, 10, 60]],
        },
    ],
    "categories": [{"id": 2, "name": "car"}, {"id": 1, "name": "person"}],
    "licenses": [{"id": 1, "name": "CC BY"}],
}  # fmt: skip


def write(folder: Path, content: Any) -> Path:
    path = folder / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def changed(place: str, key: str, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(COCO)
    content[place][0][key] = value
    return content


def test_columns_follow_the_file(tmp_path: Path) -> None:
    objects = read_objects(write(tmp_path, COCO))
    assert objects.ids.tolist() == [30, 31]
    assert objects.image_index.tolist() == [1, 0]
    assert objects.boxes.tolist() == [[10, 20, 30, 60], [0.5, 0, 2.5, 80.25]]
    assert objects.labels == ("car", "person")
    assert objects.categories == ("person", "car")
    assert objects.is_crowd.tolist() == [False, True]
    assert objects.splits == ("val", "train")
    assert [image.licence for image in objects.images] == ["CC0", "CC BY"]
    assert [image.path for image in objects.images] == [tmp_path / "a.jpg", tmp_path / "b.jpg"]


def test_absent_flag_is_none_and_partly_absent_flag_is_false(tmp_path: Path) -> None:
    objects = read_objects(write(tmp_path, COCO))
    assert objects.clean is not None
    assert objects.clean.tolist() == [True, False]
    assert objects.clean64 is None


@pytest.mark.parametrize("instead", [None, "rubbish", {"size": [1, 1]}])
def test_objects_are_the_same_whatever_the_masks_are(tmp_path: Path, instead: Any) -> None:
    """And whatever `area` is: it may have been counted from a mask."""
    content = copy.deepcopy(COCO)
    for annotation in content["annotations"]:
        del annotation["segmentation"], annotation["area"]
        if instead is not None:
            annotation["segmentation"] = annotation["area"] = instead
    full = read_objects(write(tmp_path, COCO))
    bare = read_objects(write(tmp_path, content))
    for field in fields(full):
        np.testing.assert_array_equal(getattr(bare, field.name), getattr(full, field.name), strict=True)


def test_object_without_category_has_no_label(tmp_path: Path) -> None:
    content = copy.deepcopy(COCO)
    del content["annotations"][0]["category_id"]
    assert read_objects(write(tmp_path, content)).labels == (None, "person")


def test_bad_boxes_can_be_skipped_and_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, changed("annotations", "bbox", [10, 20, 0, 40]))
    with pytest.raises(InputError, match=r"annotations\.json: annotations\[0\]\.bbox: has width 0"):
        read_objects(path)
    objects = read_objects(path, bad_boxes="skip")
    assert objects.ids.tolist() == [31]
    assert [(index, error.field) for index, error in objects.skipped] == [(1, "annotations[0].bbox")]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            changed("annotations", "clean", "yes"),
            r"annotations\[0\]\.clean: is 'yes', expected true or false",
        ),
        (changed("annotations", "iscrowd", 2), r"annotations\[0\]\.iscrowd: is 2"),
        (changed("annotations", "bbox", [math.nan] * 4), r"annotations\[0\]\.bbox\[0\]: is nan"),
        (changed("annotations", "image_id", "7"), r"annotations\[0\]\.image_id: is a string"),
        (changed("annotations", "id", True), r"annotations\[0\]\.id: is true or false"),
        (changed("images", "split", 3), r"images\[0\]\.split: is a number, expected a string"),
        (changed("images", "id", None), r"images\[0\]\.id: is null"),
        (changed("categories", "id", 2.5), r"categories\[0\]\.id: is a number, expected a whole number"),
        ([], "file: is a list, expected an object"),
    ],
)
def test_wrong_types_are_refused_naming_the_field(tmp_path: Path, content: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_objects(write(tmp_path, content))


def test_masks_of_both_kinds_are_read(tmp_path: Path) -> None:
    masks = read_masks(write(tmp_path, COCO))
    assert masks.keys() == {30, 31}
    for mask in masks.values():
        np.testing.assert_array_equal(mask.to_dense(), MASK)


def test_only_the_masks_asked_for_are_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path, changed("annotations", "segmentation", "rubbish"))
    assert read_masks(path, [31]).keys() == {31}
    with pytest.raises(InputError, match=r"annotations\[0\]\.segmentation: is a string"):
        read_masks(path, [30])


def test_mask_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="annotations: has no id 99"):
        read_masks(write(tmp_path, COCO), [31, 99])


@pytest.mark.parametrize(
    ("segmentation", "problem"),
    [
        ({"size": [80, 100], "counts": "!"}, r"annotations\[0\]\.segmentation: "),
        ({"size": [200_000, 200_000], "counts": "0"}, r"annotations\[0\]\.segmentation: size"),
        ({"counts": "0"}, r"annotations\[0\]\.segmentation: size"),
        ({"size": [2, 2], "counts": [4]}, r"segmentation: is 2 × 2 px .* expected 80 × 100"),
        ([[0, 0, 1]], r"annotations\[0\]\.segmentation\[0\]: has 3 coordinates"),
        ([[0, 0, 9, 0, math.nan, 9]], r"annotations\[0\]\.segmentation\[0\]\[4\]: is nan"),
        ([3], r"annotations\[0\]\.segmentation\[0\]: is a number, expected a list"),
    ],
)
def test_broken_mask_is_refused_naming_the_annotation(tmp_path: Path, segmentation: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_masks(write(tmp_path, changed("annotations", "segmentation", segmentation)))


def research_data() -> Path:
    folder = os.environ.get("AMODAL_RESEARCH_DATA")
    return Path(folder) if folder else Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not (research_data() / "street").exists(), reason="no research data (AMODAL_RESEARCH_DATA)")
def test_street_data_has_the_counts_of_its_readme() -> None:
    path = research_data() / "street" / "annotations.json"
    objects = read_objects(path)
    assert objects.clean is not None
    assert objects.clean64 is not None
    train = np.array(objects.splits) == "train"
    car = np.array(objects.labels) == "car"
    assert (len(objects), len(objects.images)) == (4213, 2103)
    assert [int((train & car & flag).sum()) for flag in (True, objects.clean, objects.clean64)] == [
        1033,
        324,
        350,
    ]
    some = objects.ids[::100].tolist()
    masks = read_masks(path, some)
    for row, mask_id in zip(range(0, len(objects), 100), some, strict=True):
        assert masks[mask_id].box == tuple(objects.boxes[row])
