"""One bad photo among good ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amodal.data.results import read_scenes
from helpers.command_line import Amodal, contents, save_boxes, save_photo, save_truncated_jpeg

pytestmark = pytest.mark.usefixtures("stub")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    good = [save_photo(tmp_path / f"good{number}.jpg") for number in range(5)]
    return [*good[:2], save_truncated_jpeg(tmp_path / "half.jpg"), *good[2:]]


@pytest.fixture
def boxes(tmp_path: Path, photos: list[Path]) -> Path:
    return save_boxes(tmp_path / "boxes.json", {photo.name: [[1, 1, 9, 9]] for photo in photos})


def test_a_bad_photo_is_listed_and_the_others_are_done(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path
) -> None:
    outcome = amodal("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    assert outcome.code == 1
    (refused,) = json.loads((tmp_path / "out" / "refused.json").read_text())
    assert refused["photo"] == str(tmp_path / "half.jpg")
    assert "half.jpg" in refused["reason"] and "half.jpg" in outcome.err
    scenes = read_scenes(tmp_path / "out" / "scenes.json")
    assert [Path(scene.image or "").stem for scene in scenes] == [f"good{number}" for number in range(5)]


def test_a_bad_box_refuses_its_photo_only(amodal: Amodal, photos: list[Path], tmp_path: Path) -> None:
    boxes_of = {photo.name: [[1, 1, 9, 9]] for photo in photos if photo.name != "half.jpg"}
    boxes_of["good1.jpg"] = [[1, 1, 9, 9], [5, 5, 5, 9]]
    boxes = save_boxes(tmp_path / "boxes.json", boxes_of)
    outcome = amodal("predict", *photos[:2], "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    assert outcome.code == 1
    (refused,) = json.loads((tmp_path / "out" / "refused.json").read_text())
    assert refused["photo"].endswith("good1.jpg")
    assert "boxes[1]" in refused["reason"]


def test_a_photo_without_an_entry_is_refused(amodal: Amodal, photos: list[Path], tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"good0.jpg": [[1, 1, 9, 9]]})
    outcome = amodal("predict", *photos[:2], "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    assert outcome.code == 1
    assert "has no entry for" in outcome.err and "good1.jpg" in outcome.err


def test_the_list_of_refused_photos_goes_when_a_later_run_refuses_none(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert amodal("predict", *photos, "--boxes", boxes, "--out", out, "--no-pictures").code == 1
    assert amodal("predict", photos[0], "--boxes", boxes, "--out", out, "--no-pictures").code == 0
    assert list(contents(out)) == ["scenes.json"]


def test_all_photos_bad_is_exit_code_2_and_nothing_is_written(amodal: Amodal, tmp_path: Path) -> None:
    photos = [save_truncated_jpeg(tmp_path / f"half{number}.jpg") for number in range(2)]
    boxes = save_boxes(tmp_path / "boxes.json", {photo.name: [[1, 1, 9, 9]] for photo in photos})
    outcome = amodal("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "half0.jpg" in outcome.err and "half1.jpg" in outcome.err
    assert not (tmp_path / "out").exists()
