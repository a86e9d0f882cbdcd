"""`amodal train`: a network that `amodal predict` can use, and what is refused before hours of work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.command_line import Amodal, save_boxes
from helpers.miniature import Miniature


def test_what_is_trained_can_predict(amodal: Amodal, mini: Miniature, photo: Path, boxes: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    asked = ("--data", mini.annotations, "--images", mini.images, "--out", model, "--work", tmp_path / "work")
    trained = amodal("train", "bbtp", *asked, "--classes", "car", "person", "--steps", 2, "--batch", 1, "--json")
    assert trained.code == 0
    assert json.loads(trained.out)["steps"] == 2 and model.with_suffix(".json").is_file()
    out = tmp_path / "out"
    predicted = amodal("predict", photo, "--boxes", boxes, "--method", "bbtp", "--model", model, "--out", out)
    assert predicted.code == 0
    scenes = json.loads((out / "scenes.json").read_text())
    assert scenes["method"] == "bbtp" and len(scenes["annotations"]) == 2


def test_with_a_place_for_checkpoints_it_is_said_where_a_run_begins(
    amodal: Amodal, mini: Miniature, tmp_path: Path
) -> None:
    asked = ("--data", mini.annotations, "--images", mini.images, "--out", tmp_path / "m.safetensors")
    least = ("--classes", "car", "person", "--steps", 2, "--batch", 1)
    said = [amodal("train", "bbtp", *asked, *least, "--work", tmp_path / "work").err for _ in range(2)]
    assert "amodal: from the start\n" in said[0] and "amodal: goes on from step 2, as kept in" in said[1]
    silent = amodal("train", "bbtp", *asked, *least).err
    assert "from the start" not in silent and "goes on" not in silent


def test_a_setting_of_another_method_is_refused(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"street.jpg": [[4, 6, 40, 36]]})
    asked = ("--boxes", boxes, "--out", tmp_path / "out", "--rounds", 2)
    outcome = amodal("predict", photo, *asked, "--method", "mask-rcnn", "--model", "m.safetensors")
    assert outcome.code == 2 and "rounds: is no setting of method 'mask-rcnn'" in outcome.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"NAME": "yolo"}, "found 'yolo', expected one of mask-rcnn, bbtp, pcnet-m"),
        ({"--data": "none.json"}, "no such file"),
        ({"--images": "nowhere"}, "no such folder"),
        ({"--backgrounds": "nowhere"}, "no such folder"),
        ({"--out": "m.pth"}, "expected a name in .safetensors"),
        ({"--steps": "0"}, "steps: is 0, expected at least 1"),
        ({"--rate": "nan"}, "rate: is nan, expected a positive number"),
        ({"--classes": "unicorn"}, "holds an object of unicorn"),
        ({"--split": "holdout"}, "no photo of split 'holdout'"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    amodal: Amodal, mini: Miniature, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    asked = {
        "--data": str(mini.annotations),
        "--images": str(mini.images),
        "--out": str(tmp_path / "m.safetensors"),
        **change,
    }
    name = asked.pop("NAME", "mask-rcnn")
    outcome = amodal("train", name, *(part for pair in asked.items() for part in pair))
    assert outcome.code == 2 and said in outcome.err
    assert not (tmp_path / "m.safetensors").exists()
