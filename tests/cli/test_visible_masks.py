"""`amodal predict --visible-masks`: masks of any segmenter in, and what is said of files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amodal.data.results import read_scenes, write_scenes
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from amodal.segmenter import METHODS
from helpers.command_line import Amodal, save_photo


@pytest.fixture(autouse=True)
def completer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "pcnet-m", "helpers.stub_completer:load")
    for method in ("student", "orm"):
        monkeypatch.setitem(METHODS, method, "helpers.stub_segmenter:load")


def block(x0: int, y0: int, x1: int, y1: int, *, width: int = 64, height: int = 48) -> CropMask:
    return CropMask.from_crop(np.ones((y1 - y0, x1 - x0), bool), x0, y0, height, width)


def annotation(id: int, mask: CropMask, **more: Any) -> dict[str, Any]:
    return {"id": id, "image_id": 1, "category_id": 3, "segmentation": mask.to_coco_rle(), **more}


def masks_file(path: Path, annotations: list[dict[str, Any]], **image: Any) -> Path:
    content = {
        "images": [{"id": 1, "file_name": "street.jpg", "width": 64, "height": 48, **image}],
        "categories": [{"id": 3, "name": "car"}],
        "annotations": annotations,
    }
    path.write_text(json.dumps(content))
    return path


def completed(amodal: Amodal, photo: Path, masks: Path, tmp_path: Path) -> Scene:
    outcome = predict(amodal, photo, masks, tmp_path)
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "out" / "scenes.json")
    return scene


def predict(amodal: Amodal, photo: Path, masks: Path, tmp_path: Path, method: str = "pcnet-m") -> Any:
    common = ("--method", method, "--model", "default", "--out", tmp_path / "out", "--no-pictures")
    return amodal("predict", photo, "--visible-masks", masks, *common)


def test_ids_labels_and_visible_masks_are_kept(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    first, second = block(4, 6, 20, 36), block(20, 10, 60, 44)
    masks = masks_file(tmp_path / "masks.json", [annotation(70, first), annotation(30, second)])
    scene = completed(amodal, photo, masks, tmp_path)
    assert [(thing.id, thing.label) for thing in scene.instances] == [(70, "car"), (30, "car")]
    assert [thing.modal for thing in scene.instances] == [first, second]


def test_polygons_are_masks_too_and_crowds_are_left_out(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    outline = annotation(1, block(0, 0, 1, 1)) | {"segmentation": [[4, 6, 20, 6, 20, 36, 4, 36]]}
    crowd = annotation(2, block(30, 0, 60, 40), iscrowd=1)
    scene = completed(amodal, photo, masks_file(tmp_path / "masks.json", [outline, crowd]), tmp_path)
    assert [thing.modal for thing in scene.instances] == [block(4, 6, 20, 36)]


def test_of_our_own_files_the_visible_mask_is_taken(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    whole, seen = block(4, 6, 40, 36), block(4, 6, 20, 36)
    instance = Instance(7, "car", (4.0, 6.0, 40.0, 36.0), 1.0, seen, whole)
    write_scenes([Scene(48, 64, (instance,), image="street.jpg")], tmp_path / "ours.json")
    (found,) = completed(amodal, photo, tmp_path / "ours.json", tmp_path).instances
    assert (found.id, found.label, found.modal) == (7, "car", seen)


def test_a_photo_without_objects_gives_an_empty_scene(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    assert completed(amodal, photo, masks_file(tmp_path / "masks.json", []), tmp_path).instances == ()


BROKEN = {
    "an_empty_mask": ([annotation(1, CropMask.empty(48, 64))], {}, "annotations[0].segmentation: is an empty mask"),
    "a_mask_of_another_size": ([annotation(1, block(1, 1, 9, 9, width=65))], {}, "annotations[0].segmentation: is 48"),
    "an_id_twice": ([annotation(1, block(1, 1, 9, 9))] * 2, {}, "annotations[1].id: is 1 again"),
    "an_unknown_image": ([annotation(1, block(1, 1, 9, 9)) | {"image_id": 5}], {}, "annotations[0].image_id: is 5"),
    "an_unknown_class": ([annotation(1, block(1, 1, 9, 9)) | {"category_id": 5}], {}, "annotations[0].category_id"),
    "no_mask": ([{"id": 1, "image_id": 1}], {}, "annotations[0].segmentation: is missing"),
    "no_size": ([annotation(1, block(1, 1, 9, 9))], {"width": None}, "images[0].width: is null"),
    "another_photo": ([], {"file_name": "other.jpg"}, "images: has no entry for"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_with_file_and_field(amodal: Amodal, photo: Path, tmp_path: Path, case: str) -> None:
    annotations, image, message = BROKEN[case]
    outcome = predict(amodal, photo, masks_file(tmp_path / "masks.json", annotations, **image), tmp_path)
    assert outcome.code == 2
    assert f"{tmp_path / 'masks.json'}: {message}" in outcome.err


def test_a_photo_of_another_size_than_its_masks_is_refused(amodal: Amodal, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "street.jpg", 80, 48)
    masks = masks_file(tmp_path / "masks.json", [annotation(1, block(1, 1, 9, 9))])
    outcome = predict(amodal, photo, masks, tmp_path)
    assert outcome.code == 2
    assert "street.jpg: size: is 80 × 48 px, expected 64 × 48 px as its visible masks" in outcome.err


def test_one_bad_photo_does_not_keep_the_others_from_being_done(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    masks = masks_file(tmp_path / "masks.json", [annotation(1, block(1, 1, 9, 9))])
    outcome = amodal(
        "predict", photo, save_photo(tmp_path / "more.jpg"), "--visible-masks", masks, "--method", "pcnet-m",
        "--out", tmp_path / "out", "--no-pictures",
    )  # fmt: skip
    assert outcome.code == 1
    assert len(read_scenes(tmp_path / "out" / "scenes.json")) == 1


def test_a_method_that_starts_from_boxes_is_refused(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    masks = masks_file(tmp_path / "masks.json", [annotation(1, block(1, 1, 9, 9))])
    outcome = predict(amodal, photo, masks, tmp_path, method="orm")
    assert outcome.code == 2
    assert "--visible-masks: method 'orm' starts from boxes, expected pcnet-m" in outcome.err


def test_boxes_and_visible_masks_together_are_refused(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    outcome = amodal("predict", photo, "--boxes", boxes, "--visible-masks", boxes, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "found --boxes and --visible-masks, expected one of them" in outcome.err
