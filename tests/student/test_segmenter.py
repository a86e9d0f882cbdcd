"""Methods `student` and `student-alone` as a user meets them: a model file in, scenes out."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

import amodal
from amodal.compnet.model import load_model, save_model
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Scene
from amodal.segmenter import Segmenter
from amodal.student.config import Inputs
from amodal.student.model import EXTENSION, Student, as_extension
from amodal.student.network import StudentNetwork
from amodal.student.segmenter import StudentSegmenter
from amodal.student.task import network_shape
from helpers.counting import counted_crops
from helpers.learned import Learned

SAME_MASK = 0.995
"""Two passes in batches of different sizes differ by bf16's rounding, which may move a pixel on an outline."""

BOXES = np.array([[20.0, 30, 80, 90], [50, 40, 120, 100], [60, 20, 90, 110], [125, 40, 155, 100]])
LABELS = ("car", "car", "person", "person")


def photo(seed: int) -> np.ndarray:
    """Patches of colour."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return np.repeat(np.repeat(patches, 20, 0), 20, 1)


PHOTO, OTHER_PHOTO = photo(0), photo(1)


@pytest.fixture(scope="module")
def model_file(reference: Learned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that has learned nothing, but has firm opinions of the three kinds."""
    compnet = load_model(reference.model)
    shape = {"widths": (32, 16)}
    torch.manual_seed(0)
    network = StudentNetwork(network_shape(compnet, **shape)).eval()
    head = network.get_submodule("head")
    assert isinstance(head, torch.nn.Conv2d)
    with torch.no_grad():
        head.weight -= head.weight.mean(1, keepdim=True)  # no kind is likelier than the others everywhere
        head.weight *= 10
        head.bias.zero_()
    path = tmp_path_factory.mktemp("student") / "taught.safetensors"
    extension = as_extension(Student(network, Inputs(), shape), {})
    save_model(replace(compnet, extensions={EXTENSION: extension}), path)
    return path


def loaded(path: Path, method: str) -> StudentSegmenter:
    segmenter = amodal.load(path, method)
    assert isinstance(segmenter, StudentSegmenter)
    return segmenter


@pytest.fixture(scope="module")
def student(model_file: Path) -> StudentSegmenter:
    return loaded(model_file, "student")


@pytest.fixture(scope="module")
def scene(student: StudentSegmenter) -> Scene:
    return student.segment(PHOTO, BOXES, LABELS)


def masks_of(scene: Scene) -> list[CropMask]:
    return [mask for one in scene.instances for mask in (one.modal, one.amodal)]


def assert_same_masks(scene: Scene, other: Scene) -> None:
    """Object by object."""
    for one, two in zip(masks_of(scene), masks_of(other), strict=True):
        assert (one.is_empty and two.is_empty) or one.iou(two) >= SAME_MASK


def relations(scene: Scene) -> set[tuple[int, int]]:
    return {(edge.front, edge.behind) for edge in scene.order.edges}


# What comes out.


def test_the_student_of_these_tests_sees_hides_and_leaves_out(scene: Scene) -> None:
    modal = sum(one.modal.area for one in scene.instances)
    whole = sum(one.amodal.area for one in scene.instances)
    boxes = sum(CropMask.from_box(one.box, scene.height, scene.width).area for one in scene.instances)
    assert 0 < modal < whole < boxes


def test_scene_keeps_every_promise(scene: Scene) -> None:
    scene.validate()
    assert [one.label for one in scene.instances] == list(LABELS)
    assert [one.box for one in scene.instances] == [tuple(box) for box in BOXES]
    assert (scene.method, scene.model, scene.boxes_are) == ("student", "taught", "amodal")
    assert scene.warnings == ()


def test_every_pixel_has_one_owner_and_what_is_seen_is_part_of_the_whole(scene: Scene) -> None:
    assert scene.exclusive
    for one, other in combinations(scene.instances, 2):
        assert one.modal.intersection_area(other.modal) == 0
    for one in scene.instances:
        assert one.amodal.contains(one.modal)
        assert one.amodal.subtract(CropMask.from_box(one.box, scene.height, scene.width)).is_empty


def test_alone_two_objects_may_claim_a_pixel_and_there_is_no_order(model_file: Path) -> None:
    scene = loaded(model_file, "student-alone").segment(PHOTO, BOXES, LABELS).validate()
    assert not scene.exclusive
    assert not scene.order.edges
    assert any(one.modal.intersection_area(other.modal) > 0 for one, other in combinations(scene.instances, 2))


def test_alone_an_object_has_what_it_claims_before_reasoning(model_file: Path, scene: Scene) -> None:
    alone = loaded(model_file, "student-alone").segment(PHOTO, BOXES, LABELS)
    assert [one.modal for one in alone.instances] == [one.claimed for one in scene.instances]


def test_the_same_input_gives_the_same_scene(student: StudentSegmenter, scene: Scene) -> None:
    assert student.segment(PHOTO, BOXES, LABELS) == scene


def test_a_photo_without_objects_gives_an_empty_scene(student: StudentSegmenter) -> None:
    scene = student.segment(PHOTO, np.zeros((0, 4))).validate()
    assert scene.instances == ()


def test_it_is_the_default_method_of_a_model_that_has_a_student(model_file: Path) -> None:
    segmenter = amodal.load(model_file)
    assert isinstance(segmenter, Segmenter)
    assert segmenter.name == "student"


# The same whatever stands beside it.


def test_result_does_not_depend_on_the_order_of_objects(student: StudentSegmenter, scene: Scene) -> None:
    turned = student.segment(PHOTO, BOXES[::-1], LABELS[::-1])
    assert_same_masks(scene, replace(turned, instances=turned.instances[::-1]))
    last = len(BOXES) - 1
    assert {(last - front, last - behind) for front, behind in relations(turned)} == relations(scene)


def test_photos_of_a_batch_do_not_change_each_other(student: StudentSegmenter, scene: Scene) -> None:
    other = student.segment(OTHER_PHOTO, BOXES[:2], LABELS[:2])
    first, second = student.segment_batch([OTHER_PHOTO, PHOTO], [BOXES[:2], BOXES], [LABELS[:2], LABELS])
    assert_same_masks(first, other)
    assert_same_masks(second, scene)
    assert relations(second) == relations(scene)


def test_an_object_by_itself_is_what_it_is_beside_one_far_away(student: StudentSegmenter) -> None:
    wide = np.concatenate([PHOTO, PHOTO], axis=1)
    far = BOXES[:1] + np.array([PHOTO.shape[1], 0, PHOTO.shape[1], 0])
    alone = student.segment(wide, BOXES[:1], LABELS[:1])
    beside = student.segment(wide, np.concatenate([BOXES[:1], far]), LABELS[:1] * 2)
    assert_same_masks(alone, replace(beside, instances=beside.instances[:1]))


# What it costs, and what it refuses.


def test_every_object_passes_the_backbone_once(student: StudentSegmenter) -> None:
    with counted_crops(student.model.backbone) as batches:
        student.segment_batch([PHOTO, OTHER_PHOTO], [BOXES, BOXES[:2]], [LABELS, LABELS[:2]])
    assert sum(batches) == len(BOXES) + 2


@pytest.mark.parametrize("method", ["student", "student-alone"])
def test_a_model_without_a_student_is_refused(reference: Learned, method: str) -> None:
    with pytest.raises(InputError, match="student: the model has none, expected a model of `amodal learn --student`"):
        amodal.load(reference.model, method)


def test_a_label_it_does_not_know_is_served_class_agnostically_with_a_warning(student: StudentSegmenter) -> None:
    scene = student.segment(PHOTO, BOXES[:2], ["zebra", "car"]).validate()
    assert [one.label for one in scene.instances] == ["zebra", "car"]
    (warning,) = scene.warnings
    assert warning.startswith("label 'zebra' is not one of the model's")
    assert "class-agnostic" in warning


def test_an_object_without_a_label_is_given_one_of_the_classes(student: StudentSegmenter) -> None:
    scene = student.segment(PHOTO, BOXES[:2])
    assert {one.label for one in scene.instances} <= set(student.labels)
    assert scene.warnings == ()
