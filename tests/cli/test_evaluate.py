from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amodal.data.results import write_scenes
from helpers.command_line import Amodal
from helpers.drawn_scenes import square, two_squares


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Truth, and predictions of which the second square is a little too small."""
    scene = two_squares()
    second = replace(scene.instance(2), amodal=square(40, 20, 98, 70), modal=square(60, 20, 98, 70))
    write_scenes([scene], tmp_path / "truth.json")
    write_scenes([scene.with_instances([scene.instance(1), second])], tmp_path / "found.json")
    return tmp_path / "truth.json", tmp_path / "found.json"


def test_prints_a_table_and_writes_all_scores(amodal: Amodal, files: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = amodal("evaluate", *files, "--out", tmp_path / "report.json")
    assert outcome.code == 0
    for line in ("visible mask, IoU", "hidden part, IoU", "lower edge", "inmodal"):
        assert line in outcome.out
    report = json.loads((tmp_path / "report.json").read_text())
    amodal_l1 = report["masks"]["amodal"]["levels"]["L1"]
    assert amodal_l1 == pytest.approx(100 * 58 / 60, abs=0.01)
    assert report["order"]["prediction"]["accuracy"] == 100
    assert report["ap"]["det"]["AP"] == 100


def test_json_is_the_written_report(amodal: Amodal, files: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = amodal("evaluate", *files, "--json", "--out", tmp_path / "report.json")
    assert json.loads(outcome.out) == json.loads((tmp_path / "report.json").read_text())


def test_missing_photos_count_as_missed_and_are_said(amodal: Amodal, files: tuple[Path, Path]) -> None:
    write_scenes([two_squares(), two_squares(image="other.jpg")], files[0])
    outcome = amodal("evaluate", *files, "--json")
    assert outcome.code == 0
    assert "1 of 2 photos have no prediction" in outcome.err
    report = json.loads(outcome.out)
    assert report["missing_photos"] == ["other.jpg"]
    assert report["masks"]["modal"]["levels"]["L0"] == 50


def test_a_prediction_before_self_correction_is_compared(amodal: Amodal, files: tuple[Path, Path]) -> None:
    report = json.loads(amodal("evaluate", *files, "--before", files[0], "--json").out)
    assert report["correction"]["mended"] == 0


def test_outlines_are_left_out_on_request(amodal: Amodal, files: tuple[Path, Path]) -> None:
    report = json.loads(amodal("evaluate", *files, "--boundary-px", "0", "--json").out)
    assert set(report["masks"]) == {"modal", "amodal", "occluded"}


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


Edit = Callable[[dict[str, Any]], object]
SMALL = square(0, 0, 5, 5).to_coco_rle()
BROKEN: dict[str, tuple[int, Edit, str]] = {
    "duplicate annotation ids": (1, lambda c: c["annotations"][1].update(id=1), "annotations[1].id: is 1 again"),
    "duplicate photo ids": (0, lambda c: c["images"].append(c["images"][0]), "images: have an id twice"),
    "duplicate object ids": (1, lambda c: c["annotations"][1].update(instance_id=1), "object 1: found twice"),
    "unknown class": (1, lambda c: c["categories"][0].update(name="zebra"), "label: is 'zebra', a class that truth"),
    "unknown photo": (1, lambda c: c["images"][0].update(file_name="x.jpg"), "image: 'x.jpg' is no photo of the truth"),
    "NaN score": (1, lambda c: c["annotations"][0].update(score=float("nan")), "annotations[0].score: is nan"),
    "other size": (1, lambda c: c["images"][0].update(width=121), "segmentation: is 100 × 120 px"),
    "modal outside amodal": (
        1,
        lambda c: c["annotations"][1].update(visible_segmentation=SMALL),
        "object 2: modal: 25 pixels outside amodal",
    ),
    "not our file": (1, lambda c: c.pop("schema_version"), "has no schema_version"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_ends_with_2_naming_file_and_field(amodal: Amodal, files: tuple[Path, Path], name: str) -> None:
    side, edit, problem = BROKEN[name]
    change(files[side], edit)
    outcome = amodal("evaluate", *files)
    assert outcome.code == 2
    assert outcome.out == ""
    assert files[side].name in outcome.err
    assert problem in outcome.err


def test_masks_of_another_frame_than_the_photo_in_truth_are_refused(amodal: Amodal, files: tuple[Path, Path]) -> None:
    write_scenes(
        [replace(two_squares(), instances=(), order=replace(two_squares().order, edges=()), width=99)], files[1]
    )
    outcome = amodal("evaluate", *files)
    assert outcome.code == 2
    assert "found.json: street.jpg: masks: are 99 × 100 px" in outcome.err


@pytest.mark.parametrize(
    "wrong", [("--draws", "0"), ("--least-overlap", "2"), ("--boundary-px", "nan"), ("--seed", "-1")]
)
def test_wrong_use_is_refused_before_reading(amodal: Amodal, tmp_path: Path, wrong: tuple[str, str]) -> None:
    outcome = amodal("evaluate", tmp_path / "none.json", tmp_path / "none.json", "=".join(wrong))
    assert outcome.code == 2
    assert wrong[0] in outcome.err


def test_files_that_are_not_there_are_named(amodal: Amodal, files: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = amodal("evaluate", files[0], tmp_path / "none.json")
    assert outcome.code == 2
    assert "none.json: file: does not exist" in outcome.err
