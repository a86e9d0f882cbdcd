from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amodal.data.results import read_scenes
from helpers import stub_segmenter
from helpers.command_line import Amodal, contents, save_boxes, save_photo

pytestmark = pytest.mark.usefixtures("stub")


def test_results_pictures_and_page_are_written(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    names = set(contents(tmp_path / "out"))
    assert {"scenes.json", "index.html"} < names
    assert any(name.startswith("pictures/street") for name in names)
    assert not any(name.startswith(".") for name in names)
    assert str(tmp_path / "out" / "index.html") in outcome.out


def test_scenes_are_read_back_with_masks_and_order(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    amodal("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures")
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert (scene.width, scene.height, scene.image) == (64, 48, photo.as_posix())
    assert [instance.label for instance in scene.instances] == ["car", "car"]
    assert scene.order.in_front_of(1, 0)
    assert scene.instance(0).modal.area == 36 * 30 - 20 * 26


def test_without_pictures_only_the_scenes_are_written(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    assert list(contents(tmp_path / "out")) == ["scenes.json"]


def test_json_is_all_that_stands_on_stdout(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures", "--json")
    summary = json.loads(outcome.out)
    assert (summary["photos"], summary["objects"], summary["refused"]) == (1, 2, [])
    assert summary["scenes"] == str(tmp_path / "scenes.json")


def test_only_what_was_asked_for_is_told_to_the_method(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path
) -> None:
    common = ("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures")
    amodal(*common)
    assert stub_segmenter.LAST_LOADED == {"model": "default"}
    amodal(*common, "--model", "other", "--refine", "guided", "--no-geometry", "--rounds", 3, "--order-cues", "class")
    told = {"model": "other", "refine": "guided", "geometry": False, "rounds": 3, "order_cues": "class"}
    assert told == stub_segmenter.LAST_LOADED


def test_a_folder_gives_its_photos_in_the_order_of_their_names(amodal: Amodal, tmp_path: Path) -> None:
    names = ["b.JPG", "a.png", "c.webp", "d.bmp", "e.jpeg"]
    for name in names:
        save_photo(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    boxes = save_boxes(tmp_path / "boxes.json", {name: [[1, 1, 9, 9]] for name in names})
    outcome = amodal("predict", tmp_path / "photos", "--boxes", boxes, "--out", tmp_path, "--no-pictures")
    assert outcome.code == 0, outcome.err
    scenes = read_scenes(tmp_path / "scenes.json")
    assert [Path(scene.image or "").name for scene in scenes] == sorted(names)


def test_photos_of_the_same_name_get_pictures_of_their_own(amodal: Amodal, tmp_path: Path) -> None:
    photos = [save_photo(tmp_path / folder / "x.jpg") for folder in ("a", "b")]
    boxes = save_boxes(tmp_path / "boxes.json", {"a/x.jpg": [[1, 1, 9, 9]], "b/x.jpg": [[1, 1, 9, 9]]})
    outcome = amodal("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    names = [name for name in contents(tmp_path / "out") if name.endswith("-masks.jpg")]
    assert names == ["pictures/x-2-masks.jpg", "pictures/x-masks.jpg"]


def test_objects_without_a_class_are_given_one_by_the_method(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"street.jpg": [[4, 6, 40, 36]]}, label=None)
    assert amodal("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures").code == 0
    assert read_scenes(tmp_path / "scenes.json")[0].instances[0].label == "car"


@pytest.mark.parametrize(("asked", "stored"), [((), "amodal"), (("--boxes-are", "visible"), "visible")])
def test_what_boxes_hold_is_stored_in_the_result(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path, asked: tuple[str, ...], stored: str
) -> None:
    amodal("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures", *asked)
    assert read_scenes(tmp_path / "scenes.json")[0].boxes_are == stored


def test_no_boxes_in_a_photo_is_an_empty_scene(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"street.jpg": []})
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "out" / "scenes.json")
    assert len(scene) == 0


def test_a_box_partly_outside_the_photo_is_fine(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"street.jpg": [[-10, -10, 20, 60]]})
    assert amodal("predict", photo, "--boxes", boxes, "--out", tmp_path, "--no-pictures").code == 0
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert scene.instances[0].box == (-10, -10, 20, 60)


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA", "L", "I;16", "rotated", "tiny"])
def test_unusual_photos_are_handled(amodal: Amodal, tmp_path: Path, mode: str) -> None:
    photo = tmp_path / ("photo.jpg" if mode in ("CMYK", "rotated") else "photo.png")
    pixels = Image.fromarray(np.full((40, 60, 3), 90, np.uint8))
    if mode == "I;16":
        Image.fromarray(np.full((40, 60), 30_000, np.uint16)).save(photo)
    elif mode == "rotated":
        turned = Image.Exif()
        turned[0x0112] = 6
        pixels.save(photo, exif=turned)
    elif mode == "tiny":
        pixels.resize((12, 9)).save(photo)
    else:
        pixels.convert(mode).save(photo)
    boxes = save_boxes(tmp_path / "boxes.json", {photo.name: [[1, 1, 9, 8]]})
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "out" / "scenes.json")
    assert (scene.width, scene.height) == {"rotated": (40, 60), "tiny": (12, 9)}.get(mode, (60, 40))


def test_a_second_run_gives_the_same_bytes(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out")
        runs.append(contents(tmp_path / "out"))
    assert runs[0] == runs[1]
