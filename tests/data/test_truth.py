from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amodal.data.results import write_scenes
from amodal.data.truth import Truth, read_truth
from amodal.errors import InputError
from amodal.scene import Scene
from helpers.drawn_scenes import square, two_squares

ALL = frozenset({"modal", "amodal", "order", "boxes"})


def ours(folder: Path, first: dict[str, Any], second: dict[str, Any]) -> Truth:
    scene = two_squares(labels=("car", "unknown"))
    metas = zip(scene.instances, (first, second), strict=True)
    write_scenes([scene.with_instances([replace(one, meta=meta) for one, meta in metas])], folder / "scenes.json")
    (truth,) = read_truth(folder / "scenes.json")
    return truth


def test_our_file_knows_everything(tmp_path: Path) -> None:
    truth = ours(tmp_path, {}, {})
    assert truth.knows == ALL
    assert truth.scored == truth.given == truth.scene.instances
    assert truth.scene.order == two_squares().order


def test_our_file_says_what_is_known_and_scored(tmp_path: Path) -> None:
    truth = ours(tmp_path, {"known": True, "scored": False}, {"known": False, "scored": False})
    assert (truth.hidden, truth.unscored) == ({2}, {1})
    assert [one.id for one in truth.given] == [1]
    assert truth.scored == ()
    assert truth.classes == {"car"}


def test_photos_are_sought_beside_our_file_or_where_it_is_said(tmp_path: Path) -> None:
    assert ours(tmp_path, {}, {}).path == tmp_path / "street.jpg"
    (truth,) = read_truth(tmp_path, images=tmp_path / "elsewhere")
    assert truth.path == tmp_path / "elsewhere" / "street.jpg"


def test_known_must_be_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scenes.json: street.jpg: object 1: meta.known: is 'no', expected true or"):
        ours(tmp_path, {"known": "no"}, {})


def coco(folder: Path, **changes: Any) -> Path:
    """Two photos: one with a clean car, a car that is not and a crowd; a partly annotated one without objects."""
    content: dict[str, Any] = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 120, "height": 100, "split": "val", "annotated": "full"},
            {"id": 2, "file_name": "b.jpg", "width": 120, "height": 100, "split": "train", "annotated": "partial"},
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "person"}],
        "annotations": [
            annotation(5, 1, {"clean": True, "clean64": True}),
            annotation(6, 1, {"clean": False, "clean64": False}),
            annotation(7, 1, {"iscrowd": 1, "clean": False}),
        ],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps({**content, **changes}))
    return path


def annotation(id: int, image: int, more: dict[str, Any]) -> dict[str, Any]:
    mask = square(20, 30, 60, 80).to_coco_rle()
    return {"id": id, "image_id": image, "category_id": 1, "bbox": [20, 30, 40, 50], "segmentation": mask, **more}


def test_coco_masks_are_visible_ones_and_only_clean_objects_are_scored(tmp_path: Path) -> None:
    full, partial = read_truth(coco(tmp_path))
    assert full.knows == {"modal", "boxes"}
    assert [one.id for one in full.given] == [5, 6]
    assert [one.id for one in full.scored] == [5]
    assert full.ignore == (square(20, 30, 60, 80),)
    assert full.scene.instance(5).modal == full.scene.instance(5).amodal == square(20, 30, 60, 80)
    assert (full.unannotated, partial.unannotated) == (frozenset(), {"car", "person"})
    assert full.classes == {"car", "person"}


def test_without_flags_all_objects_are_scored(tmp_path: Path) -> None:
    path = coco(tmp_path, annotations=[annotation(5, 1, {}), annotation(6, 1, {})])
    assert [one.id for one in read_truth(path)[0].scored] == [5, 6]


def test_clean64_alone_is_clean_too(tmp_path: Path) -> None:
    path = coco(tmp_path, annotations=[annotation(5, 1, {"clean": False, "clean64": True})])
    assert [one.id for one in read_truth(path)[0].scored] == [5]


def test_a_split_is_chosen(tmp_path: Path) -> None:
    assert [truth.scene.image for truth in read_truth(coco(tmp_path), split="val")] == ["a.jpg"]
    with pytest.raises(InputError, match=r"images: none found, expected at least one of split 'test'"):
        read_truth(coco(tmp_path), split="test")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"annotations": [annotation(5, 1, {}), annotation(5, 1, {})]}, r"annotations: has id 5 twice"),
        ({"annotations": [annotation(5, 3, {})]}, r"annotations\[0\].image_id: is 3"),
        ({"annotations": [annotation(5, 1, {"category_id": None})]}, r"annotations\[0\].category_id: is"),
        ({"annotations": [annotation(5, 1, {"category_id": 9})]}, r"annotations\[0\].category_id: is 9"),
        ({"annotations": [annotation(5, 1, {"bbox": [1, 1, 0, 5]})]}, r"annotations\[0\].bbox: has width 0"),
        ({"annotations": [annotation(5, 1, {"bbox": [1, 1, float("nan"), 5]})]}, r"annotations\[0\].bbox\[2\]: is nan"),
        (
            {"annotations": [annotation(5, 1, {"segmentation": {"size": [9, 9], "counts": [81]}})]},
            r"annotations\[0\].segmentation: is 9 × 9 px \(height × width\), expected 100 × 120 as its photo",
        ),
        (
            {"images": [{"id": 1, "file_name": "a.jpg", "width": 120, "height": 100, "annotated": "some"}]},
            r"images\[0\].annotated: is 'some', expected 'full' or 'partial'",
        ),
    ],
)
def test_a_broken_file_is_refused_naming_the_field(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    if "images" in changes:
        changes = {**changes, "annotations": []}
    with pytest.raises(InputError, match=rf"annotations.json: {problem}"):
        read_truth(coco(tmp_path, **changes))


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("[1, 2]")
    with pytest.raises(InputError, match=r"other.json: file: is of no format we know, expected one of .*amodal"):
        read_truth(other)
    with pytest.raises(InputError, match=r"folder: is of no format we know"):
        read_truth(tmp_path)


def test_an_empty_file_of_ours_is_refused(tmp_path: Path) -> None:
    write_scenes([], tmp_path / "scenes.json")
    with pytest.raises(InputError, match=r"images: none found"):
        read_truth(tmp_path)


def test_our_file_has_no_splits(tmp_path: Path) -> None:
    write_scenes([Scene(9, 9, image="a.jpg")], tmp_path / "scenes.json")
    with pytest.raises(InputError, match=r"has no splits"):
        read_truth(tmp_path, split="val")


def research_data() -> Path:
    folder = os.environ.get("AMODAL_RESEARCH_DATA")
    return Path(folder) if folder else Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not (research_data() / "street").exists(), reason="no research data (AMODAL_RESEARCH_DATA)")
def test_street_val_has_its_clean_objects() -> None:
    truths = read_truth(research_data() / "street" / "annotations.json", split="val")
    cars = [one for truth in truths for one in truth.scored if one.label == "car"]
    assert (len(truths), len(cars)) == (278, 69)
    assert all(truth.path is not None and truth.path.exists() for truth in truths)
    partial = [truth for truth in truths if truth.unannotated]
    assert 0 < len(partial) < len(truths)
