"""`amodal data convert` and `amodal data tracks`, and `amodal predict --to`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.amodal_files import write_cocoa, write_json, write_kins
from helpers.command_line import Amodal, contents
from helpers.drawn_files import Photo, Thing, content_of


def test_convert_says_on_stderr_and_in_a_report_what_is_lost(amodal: Amodal, tmp_path: Path) -> None:
    out, report = tmp_path / "coco.json", tmp_path / "report.json"
    outcome = amodal("data", "convert", write_cocoa(tmp_path / "in"), out, "--to", "coco", "--report", report)
    assert outcome.code == 0
    assert "2 photos, 5 objects: cocoa -> coco" in outcome.out
    assert "who is in front: 2 (first: 000000.png" in outcome.err
    said = json.loads(report.read_text())
    assert {row["what"]: row["count"] for row in said["not_said"]}["the whole mask of a hidden object"] == 2


def test_the_report_comes_as_json(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("data", "convert", write_kins(tmp_path), tmp_path / "o.json", "--to", "kins", "--json")
    assert json.loads(outcome.out) == {
        "from": "kins-2019",
        "to": "kins-2020",
        "photos": 2,
        "objects": 5,
        "not_said": [],
    }


def test_what_is_made_anew_is_listed(amodal: Amodal, tmp_path: Path) -> None:
    path = write_cocoa(tmp_path / "in")
    content = json.loads(path.read_text())
    for number, one in enumerate(content["annotations"]):
        one |= {"order": 10 + number, "occlude_rate": 0.987}
    content["categories"] = [{**entry, "name": "person"} for entry in content["categories"][:1]]
    for one in content["annotations"]:
        one["category_id"] = content["categories"][0]["id"]
    path.write_text(json.dumps(content))
    outcome = amodal("data", "convert", path, tmp_path / "kins.json", "--to", "kins", "--json")
    said = {row["what"]: row["count"] for row in json.loads(outcome.out)["not_said"]}
    assert said["the numbers of the order, which are made anew"] == 5
    assert said["the hidden share (occlude_rate), which is computed anew"] == 5
    assert said["the ids of classes, which are made anew"] == 1
    assert said["that a class is none of its own, which gets an id after them"] == 1
    assert "--classes OLD=NEW" in outcome.err


def test_classes_are_renamed_on_the_way(amodal: Amodal, tmp_path: Path) -> None:
    out = tmp_path / "o.json"
    assert amodal("data", "convert", write_kins(tmp_path), out, "--to", "coco", "--classes", "car=vehicle").code == 0
    assert "vehicle" in {entry["name"] for entry in json.loads(out.read_text())["categories"]}


WRONG = {
    "unknown_format": (["--to", "yolo"], "--to: yolo: is not known, expected one of kins-2020"),
    "wrong_source": (["--to", "coco", "--from", "kitti"], "is a file, expected a folder, as format kitti is"),
    "no_map": (["--to", "coco", "--classes", "car"], "--classes: car: is no OLD=NEW"),
    "no_splits": (["--to", "coco", "--split", "val"], "images: have no splits"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_use_ends_with_2_and_writes_nothing(
    arguments: list[str], said: str, amodal: Amodal, tmp_path: Path
) -> None:
    path = write_kins(tmp_path)
    before = contents(tmp_path)
    outcome = amodal("data", "convert", path, tmp_path / "o.json", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert contents(tmp_path) == before


def test_a_file_is_not_converted_onto_itself(amodal: Amodal, tmp_path: Path) -> None:
    path = write_kins(tmp_path)
    outcome = amodal("data", "convert", path, path, "--to", "coco")
    assert (outcome.code, "OUT: is IN" in outcome.err) == (2, True)


def test_labels_of_kitti_need_the_photos_to_be_read_again_and_say_so(amodal: Amodal, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    outcome = amodal("data", "convert", write_kins(tmp_path / "in"), labels, "--to", "kitti")
    assert (outcome.code, f"{labels / 'image_2'}, or give their folder with --images" in outcome.err) == (0, True)
    back = amodal("data", "convert", labels, tmp_path / "back.json", "--to", "kins")
    assert (back.code, "or --images with the photos' folder" in back.err) == (2, True)


def test_a_kins_folder_is_converted_by_part(amodal: Amodal, tmp_path: Path) -> None:
    write_kins(tmp_path / "kins", "2020")
    assert amodal("data", "convert", tmp_path / "kins", tmp_path / "o.json", "--to", "cocoa").code == 0
    outcome = amodal("data", "convert", tmp_path / "kins", tmp_path / "p.json", "--to", "cocoa", "--split", "train")
    assert (outcome.code, "has no annotations of 'train'" in outcome.err) == (2, True)


def test_tracks_are_written_and_counted(amodal: Amodal, tmp_path: Path) -> None:
    photo = Photo([Thing((2, 2, 12, 12)), Thing((8, 4, 20, 16), 7)])
    path = write_json(tmp_path / "in.json", content_of("kins-2020", [photo, photo]))
    outcome = amodal("data", "tracks", path, tmp_path / "tracks", "--json")
    assert json.loads(outcome.out) == {"frames": 2, "tracks": 2, "sheets": 4, "out": str(tmp_path / "tracks")}
    assert (tmp_path / "tracks" / "instance_amodal_stack" / "000007_01.png").is_file()
    again = amodal("data", "tracks", path, tmp_path / "tracks")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert amodal("data", "tracks", path, tmp_path / "t", "--least-iou", 0).code == 2


@pytest.mark.usefixtures("stub")
def test_predictions_come_in_another_format_too(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out", "--to", "kins", "--no-pictures")
    assert outcome.code == 0
    written = tmp_path / "out" / "kins-2020.json"
    assert f"results: {tmp_path / 'out' / 'scenes.json'}, {written}\n" in outcome.out
    content = json.loads(written.read_text())
    assert len(content["annotations"]) == 2
    wrong = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "other", "--to", "yolo")
    assert (wrong.code, (tmp_path / "other").exists()) == (2, False)
