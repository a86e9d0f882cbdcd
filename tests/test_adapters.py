from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from amodal import CropMask, Instance, OrderEdge, OrderGraph, Scene
from amodal.adapters import from_arrays, from_detections, owner_map, to_arrays, to_detections
from amodal.errors import InputError

HEIGHT, WIDTH = 12, 20


@pytest.fixture
def scene() -> Scene:
    front = CropMask.from_box((2, 2, 8, 8), HEIGHT, WIDTH)
    whole = CropMask.from_box((5, 3, 14, 9), HEIGHT, WIDTH)
    van = Instance(4, "van", (2.25, 2, 8, 8), 0.75, front, front)
    car = Instance(9, "car", (5, 3, 14.1, 9), 0.3, whole - front, whole)
    return Scene(HEIGHT, WIDTH, (van, car), OrderGraph((OrderEdge(4, 9, 0.8),))).validate()


def test_detections_hold_boxes_masks_names_and_scores(scene):
    sv = pytest.importorskip("supervision")
    detections = to_detections(scene)
    assert isinstance(detections, sv.Detections)
    assert detections.xyxy.tolist() == [[2.25, 2, 8, 8], [5, 3, 14.1, 9]]
    assert np.array_equal(detections.mask[1], scene.instance(9).modal.to_dense())
    assert detections.confidence.tolist() == [0.75, 0.3]
    assert detections.class_id.tolist() == [1, 0]
    assert detections.data["class_name"].tolist() == ["van", "car"]
    assert detections.data["instance_id"].tolist() == [4, 9]
    assert detections.data["occlusion"].tolist() == [0, 15 / 54]


def test_detections_can_hold_the_whole_objects(scene):
    pytest.importorskip("supervision")
    masks = to_detections(scene, "amodal").mask
    assert np.array_equal(masks[1], scene.instance(9).amodal.to_dense())


def test_detections_come_back_with_one_mask_for_both(scene):
    pytest.importorskip("supervision")
    again = from_detections(to_detections(scene), HEIGHT, WIDTH)
    assert [thing.id for thing in again.instances] == [4, 9]
    for thing in again.instances:
        before = scene.instance(thing.id)
        assert (thing.label, thing.box, thing.score) == (before.label, before.box, before.score)
        assert thing.modal == thing.amodal == before.modal


def test_detections_of_nothing_are_a_scene_of_nothing():
    sv = pytest.importorskip("supervision")
    assert len(to_detections(Scene(HEIGHT, WIDTH))) == 0
    assert from_detections(to_detections(Scene(HEIGHT, WIDTH)), HEIGHT, WIDTH).instances == ()
    assert from_detections(sv.Detections.empty(), HEIGHT, WIDTH).instances == ()


def test_bare_boxes_become_filled_boxes_of_unknown_class():
    sv = pytest.importorskip("supervision")
    detections = sv.Detections(xyxy=np.array([[1, 2, 5, 6], [4, 2, 30, 9]], np.float32))
    scene = from_detections(detections, HEIGHT, WIDTH, image="a.jpg")
    assert [(thing.id, thing.label, thing.score) for thing in scene.instances] == [
        (1, "object", 1),
        (2, "object", 1),
    ]
    assert scene.instances[0].amodal == CropMask.from_box((1, 2, 5, 6), HEIGHT, WIDTH)
    assert (scene.image, scene.boxes_are, scene.exclusive) == ("a.jpg", "visible", False)


def test_class_numbers_stand_in_for_missing_names():
    sv = pytest.importorskip("supervision")
    detections = sv.Detections(xyxy=np.array([[1.0, 2, 5, 6]]), class_id=np.array([17]))
    assert from_detections(detections, HEIGHT, WIDTH).instances[0].label == "17"


def test_compact_masks_of_supervision_are_read_too(scene):
    compact = pytest.importorskip("supervision.detection.compact_mask")
    detections = to_detections(scene)
    packed = compact.CompactMask.from_dense(detections.mask, detections.xyxy, (HEIGHT, WIDTH))
    # It keeps what lies in the boxes, whose edges it rounds to pixels.
    expected = [CropMask.from_dense(np.asarray(mask)) for mask in packed.to_dense()]
    read = from_detections(dataclasses.replace(detections, mask=packed), HEIGHT, WIDTH)
    assert [thing.modal for thing in read.instances] == expected


def test_detections_of_another_photo_are_refused(scene):
    pytest.importorskip("supervision")
    with pytest.raises(InputError, match="mask: found 12 x 20, expected 12 x 21"):
        from_detections(to_detections(scene), HEIGHT, WIDTH + 1)


def test_arrays_give_the_same_scene_back(scene):
    assert from_arrays(to_arrays(scene)) == scene


def test_arrays_of_an_empty_scene_have_no_rows():
    arrays = to_arrays(Scene(HEIGHT, WIDTH))
    assert arrays.boxes.shape == (0, 4)
    assert arrays.modal.shape == (0, HEIGHT, WIDTH)
    assert from_arrays(arrays) == Scene(HEIGHT, WIDTH)


def test_arrays_of_different_lengths_are_refused(scene):
    arrays = dataclasses.replace(to_arrays(scene), scores=np.ones(3))
    with pytest.raises(InputError, match="scores: found 3 rows, expected 2"):
        from_arrays(arrays)


def test_arrays_that_break_a_promise_are_refused(scene):
    arrays = to_arrays(scene)
    with pytest.raises(InputError, match="modal: 39 pixels outside amodal"):
        from_arrays(
            dataclasses.replace(arrays, amodal=np.zeros_like(arrays.amodal), modal=arrays.modal & [[[False]], [[True]]])
        )


def test_the_owner_map_names_who_is_seen(scene):
    owners = owner_map(scene)
    assert np.array_equal(owners == 4, scene.instance(4).modal.to_dense())
    assert np.array_equal(owners == 9, scene.instance(9).modal.to_dense())
    assert ((owners == -1) | (owners == 4) | (owners == 9)).all()


def test_an_owner_map_needs_one_owner_for_each_pixel(scene):
    first = scene.instance(4)
    overlapping = scene.with_instances([first, dataclasses.replace(first, id=9)])
    with pytest.raises(InputError, match="is visible in both"):
        owner_map(dataclasses.replace(overlapping, exclusive=False))
