from __future__ import annotations

import json
from pathlib import Path

import pytest

import amodal as package
from helpers.command_line import Amodal
from helpers.demo_photos import DEMO, demo_photos


def test_help_teaches_by_example(amodal: Amodal):
    done = amodal("export", "--help")
    assert done.code == 0
    assert "amodal export --to onnx --out amodal-onnx" in done.out


def test_what_was_exported_serves_predict(amodal: Amodal, tmp_path: Path):
    done = amodal("export", "--method", "student", "--out", tmp_path / "model", "--json")
    assert json.loads(done.out)["methods"] == ["student"]
    photo = demo_photos()[0][0]
    done = amodal("predict", photo, "--boxes", DEMO / "boxes.json", "--model", tmp_path / "model",
                  "--out", tmp_path / "out", "--no-pictures", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads(done.out)["objects"] == len(demo_photos()[0][1])


def test_int8_masks_stay_near(amodal: Amodal, tmp_path: Path):
    path, boxes, labels = demo_photos()[1]
    done = amodal("export", "--method", "orm", "--int8", "--photos", path, "--boxes", DEMO / "boxes.json",
                  "--out", tmp_path / "int8")  # fmt: skip
    assert done.code == 0, done.err
    scenes = [package.load(model, method="orm", refine="none").segment(path, boxes, labels)
              for model in ("default", tmp_path / "int8")]  # fmt: skip
    for a, b in zip(*(scene.instances for scene in scenes), strict=True):
        assert a.amodal.iou(b.amodal) > 0.9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "published"), "expected one of student, orm"),
        (("--to", "coreml"), "onnx"),
        (("--photos", "a.jpg"), "found one without the other"),
        (("--photos", "a.jpg", "--boxes", "b.json"), "found without --int8"),
        (("nowhere.safetensors",), "no such file"),
        (("detector", "--int8"), "expected a model of learn"),
    ],
)
def test_wrong_use_is_told(amodal: Amodal, tmp_path: Path, arguments: tuple[str, ...], said: str):
    done = amodal("export", *arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "out").exists()
