"""An exported folder as a method: masks of the shipped photos, and nothing of torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import amodal
from amodal.scene import Scene
from helpers.demo_photos import demo_photos
from helpers.full_precision import full_precision

PHOTOS = demo_photos()[:3]


def overlaps(ours: Scene, theirs: Scene) -> list[float]:
    """IoU of every pair of masks; two empty ones agree."""
    pairs = [
        pair
        for a, b in zip(ours.instances, theirs.instances, strict=True)
        for pair in ((a.modal, b.modal), (a.amodal, b.amodal))
    ]
    return [1.0 if a.is_empty and b.is_empty else a.iou(b) for a, b in pairs]


@pytest.mark.parametrize(("method", "boxes_are"), [("student", "amodal"), ("student", "visible"), ("orm", "amodal")])
def test_masks_are_those_of_pytorch(exported: Path, method: str, boxes_are):
    own = amodal.load("default", method=method, refine="none")
    ours = amodal.load(exported, method=method, refine="none")
    found = []
    with full_precision(own):
        for path, boxes, labels in PHOTOS:
            theirs = own.segment(path, boxes, labels, boxes_are=boxes_are)
            found += overlaps(ours.segment(path, boxes, labels, boxes_are=boxes_are), theirs)
    assert np.mean(found) >= 0.995
    assert min(found) >= 0.95


def test_order_and_labels_are_those_of_pytorch(exported: Path):
    path, boxes, labels = PHOTOS[0]
    own = amodal.load("default")
    with full_precision(own):
        theirs = own.segment(path, boxes, labels)
    ours = amodal.load(exported).segment(path, boxes, labels)
    assert [one.label for one in ours.instances] == [one.label for one in theirs.instances]
    assert [(edge.front, edge.behind) for edge in ours.order.edges] == [
        (edge.front, edge.behind) for edge in theirs.order.edges
    ]


def test_masks_by_openvino_are_those_by_onnxruntime(exported: Path, for_openvino: Path):
    path, boxes, _ = PHOTOS[1]
    by_onnx, by_openvino = (amodal.load(folder).segment(path, boxes) for folder in (exported, for_openvino))
    assert min(overlaps(by_onnx, by_openvino)) >= 0.995


def test_the_folder_knows_its_best_method(exported: Path):
    assert amodal.load(exported).name == "student"


def test_results_say_which_model_was_exported(exported: Path):
    scene = amodal.load(exported).segment(np.zeros((60, 80, 3), np.uint8), [[10, 10, 50, 50]])
    assert (scene.model, scene.method) == ("default", "student")


def test_no_boxes_give_a_scene_without_objects(exported: Path):
    assert len(amodal.load(exported).segment(np.zeros((60, 80, 3), np.uint8), np.zeros((0, 4)))) == 0


@pytest.mark.parametrize("method", ["student", "orm"])
def test_neither_torch_nor_timm_is_imported(exported: Path, method: str):
    path, boxes, labels = PHOTOS[0]
    code = (
        "import sys, amodal; "
        f"s = amodal.load({str(exported)!r}, method={method!r}); "
        f"scene = s.segment({str(path)!r}, {boxes!r}, {labels!r}); "
        "assert len(scene); print([name for name in ('torch', 'torchvision', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
