"""The student with visible boxes: completed first, obeyed by visible masks, told in results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from amodal.compnet.model import CompNet, load_model
from amodal.data.results import read_scenes, write_scenes
from amodal.masks import CropMask
from amodal.reasoning import joint
from amodal.scene import Scene
from amodal.student.box_completer import BoxCompleter
from amodal.student.config import Inputs
from amodal.student.model import Student
from amodal.student.network import StudentNetwork
from amodal.student.segmenter import StudentSegmenter
from amodal.student.task import network_shape
from amodal.student.whole_box import BoxNetwork, box_shape
from helpers.learned import Learned

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
BOXES = np.array([[20.0, 30, 60, 90], [50, 40, 120, 100]])


@pytest.fixture(scope="module")
def segmenter(reference: Learned) -> StudentSegmenter:
    """A student that has learned nothing and is sure to see everything; every box grows."""
    model: CompNet = load_model(reference.model)
    torch.manual_seed(0)
    shape = {"widths": (32, 16)}
    network = StudentNetwork(network_shape(model, **shape)).eval()
    torch.nn.init.constant_(network.get_submodule("head").bias[:1], 3.0)  # type: ignore[index,arg-type]
    boxes = BoxNetwork(box_shape(model)).eval()
    for side in (boxes.lateral, boxes.upper, boxes.lower):
        torch.nn.init.constant_(side[2].bias, 0.5)  # type: ignore[arg-type]
        torch.nn.init.zeros_(side[2].weight)  # type: ignore[arg-type]
    student = Student(network, Inputs(), shape)
    reasoner = lambda evidences, rescore, prior: joint.reason(evidences, rescore=rescore, pair_log_odds=prior)  # noqa: E731
    return StudentSegmenter("student", model, student, "m", reasoner, completer=BoxCompleter(boxes, {}))


@pytest.fixture(scope="module")
def scene(segmenter: StudentSegmenter) -> Scene:
    return segmenter.segment(PHOTO, BOXES, ["car", None], boxes_are="visible").validate()


def test_boxes_of_a_scene_are_the_predicted_ones_and_the_given_ones_are_remembered(scene: Scene) -> None:
    assert scene.boxes_are == "amodal"
    assert scene.boxes_said == "amodal, predicted from visible"
    for one, given in zip(scene.instances, BOXES, strict=True):
        assert one.visible_box == tuple(given)
        assert (np.array(one.box[:2]) < given[:2]).all()
        assert (np.array(one.box[2:]) > given[2:]).all()


def test_visible_masks_keep_to_the_visible_box_and_whole_ones_need_not(scene: Scene) -> None:
    assert any(not one.modal.is_empty for one in scene.instances)
    for one, given in zip(scene.instances, BOXES, strict=True):
        allowed = CropMask.from_box(given + np.array([-1, -1, 1, 1]), scene.height, scene.width)
        assert one.modal.subtract(allowed).is_empty
    assert any(one.amodal.area > one.modal.area for one in scene.instances)


def test_results_remember_which_boxes_were_given(scene: Scene, tmp_path: Path) -> None:
    write_scenes([scene], tmp_path / "scenes.json")
    (found,) = read_scenes(tmp_path / "scenes.json")
    assert [one.visible_box for one in found.instances] == [one.visible_box for one in scene.instances]
    assert [one.box for one in found.instances] == [one.box for one in scene.instances]
    assert found.boxes_said == scene.boxes_said


def test_without_a_completer_visible_boxes_stay_what_they_are(segmenter: StudentSegmenter) -> None:
    scene = replace(segmenter, completer=None).segment(PHOTO, BOXES, boxes_are="visible")
    assert scene.boxes_are == scene.boxes_said == "visible"
    assert [one.box for one in scene.instances] == [tuple(box) for box in BOXES]


def test_whole_boxes_are_not_completed(segmenter: StudentSegmenter) -> None:
    scene = segmenter.segment(PHOTO, BOXES)
    assert scene.boxes_said == "amodal"
    assert [one.box for one in scene.instances] == [tuple(box) for box in BOXES]
