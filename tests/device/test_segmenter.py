"""Method `orm` as it runs on a device, here the processor, against the one in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import amodal
from amodal.bench.street import make_street
from amodal.device.segmenter import DeviceSegmenter, load_orm
from amodal.errors import InputError
from amodal.images import read_photo
from amodal.scene import Scene
from helpers.counting import counted_crops
from helpers.demo_photos import demo_photos
from helpers.full_precision import full_precision

LEAST_IOU = 0.995
Given = tuple[list[np.ndarray], list[Sequence], list[Sequence[str]]]


@pytest.fixture(scope="module")
def device() -> DeviceSegmenter:
    return load_orm(device="cpu", refine="none", bfloat16=False)


@pytest.fixture(scope="module")
def demo() -> Given:
    return _together([(read_photo(path), boxes, labels) for path, boxes, labels in demo_photos()])


@pytest.fixture(scope="module")
def few(demo: Given) -> Given:
    """Two photos of two objects each."""
    return demo[0][1:3], demo[1][1:3], demo[2][1:3]


@pytest.fixture(scope="module")
def found(device: DeviceSegmenter, few: Given) -> list[Scene]:
    return device.segment_batch(*few)


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("streets")
    drawn = [make_street(count, folder, size=size) for count, size in ((7, 0.6), (1, 0.5), (4, 0.8))]
    return _together([(read_photo(street.path), street.boxes, street.labels) for street in drawn])


def _together(photos: list[tuple[np.ndarray, Sequence, Sequence[str]]]) -> Given:
    pictures, boxes, labels = (list(column) for column in zip(*photos, strict=True))
    return pictures, boxes, labels


def assert_the_same(found: list[Scene], expected: list[Scene]) -> None:
    for one, other in zip(found, expected, strict=True):
        one.validate()
        assert [item.label for item in one.instances] == [item.label for item in other.instances]
        assert [item.meta for item in one.instances] == [item.meta for item in other.instances]
        assert [item.score for item in one.instances] == pytest.approx(
            [item.score for item in other.instances], abs=5e-3
        )
        for kind in ("modal", "amodal", "claimed"):
            pairs = [(getattr(a, kind), getattr(b, kind)) for a, b in zip(one.instances, other.instances, strict=True)]
            overlaps = [1.0 if a == b else a.iou(b) for a, b in pairs]
            assert np.mean(overlaps) >= LEAST_IOU, kind
        edges = {(edge.front, edge.behind): edge.probability for edge in one.order.edges}
        assert edges == pytest.approx(
            {(edge.front, edge.behind): edge.probability for edge in other.order.edges}, abs=0.02
        )


def test_demo_photos_give_the_masks_and_orders_of_the_usual_path(device: DeviceSegmenter, demo: Given) -> None:
    usual = amodal.load(method="orm", refine="none")
    with full_precision(usual):
        expected = usual.segment_batch(*demo)
    assert_the_same(device.segment_batch(*demo), expected)


def test_classes_are_chosen_as_the_usual_path_does(device: DeviceSegmenter, few: Given) -> None:
    usual = amodal.load(method="orm", refine="none")
    with full_precision(usual):
        expected = usual.segment_batch(few[0], few[1])
    assert_the_same(device.segment_batch(few[0], few[1]), expected)


@pytest.mark.parametrize("settings", [{}, {"rounds": 1, "geometry": False}])
def test_streets_give_the_masks_and_orders_of_the_usual_path(streets: Given, settings: dict) -> None:
    usual = amodal.load(method="orm", refine="none", **settings)
    with full_precision(usual):
        expected = usual.segment_batch(*streets)
    own = load_orm(device="cpu", refine="none", bfloat16=False, **settings)
    assert_the_same(own.segment_batch(*streets), expected)


def test_the_host_waits_as_often_for_many_objects_as_for_two(device: DeviceSegmenter, streets: Given) -> None:
    before = device.wire.waits
    device.segment_batch(*streets)
    assert device.wire.waits - before <= 2 + device.rounds


def test_one_backbone_pass_per_object(device: DeviceSegmenter, few: Given) -> None:
    with counted_crops(device.model._backbone) as batches:
        device.segment_batch(*few)
    assert sum(batches) == sum(map(len, few[1]))


def test_result_does_not_depend_on_the_order_of_objects_and_photos(device: DeviceSegmenter, streets: Given) -> None:
    photos, boxes, labels = streets
    turned = [np.asarray(own)[::-1] for own in boxes], [own[::-1] for own in labels]
    there = device.segment_batch(photos, boxes, labels)[0]
    back = device.segment_batch(photos[::-1], turned[0][::-1], turned[1][::-1])[-1]
    last = len(there) - 1
    for one, other in zip(there.instances, back.instances[::-1], strict=True):
        assert one.amodal.iou(other.amodal) > 0.999
        assert one.modal.iou(other.modal) > 0.999
    turned_edges = {(last - edge.front, last - edge.behind) for edge in back.order.edges}
    assert {(edge.front, edge.behind) for edge in there.order.edges} == turned_edges


def test_a_photo_has_the_scene_that_it_has_alone(device: DeviceSegmenter, streets: Given) -> None:
    together = device.segment_batch(*streets)
    alone = [device.segment(*one) for one in zip(*streets, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert [edge.probability for edge in one.order.edges] == pytest.approx(
            [edge.probability for edge in other.order.edges], abs=1e-4
        )
        for a, b in zip(one.instances, other.instances, strict=True):
            assert a.amodal.iou(b.amodal) > 0.999


def test_photos_without_objects_are_empty_scenes_among_the_others(device: DeviceSegmenter, few: Given) -> None:
    photos, boxes, labels = few
    nothing = np.zeros((0, 4))
    first, second, third = device.segment_batch(
        [photos[1], photos[0], photos[1]], [nothing, boxes[0], nothing], [[], labels[0], []]
    )
    assert (len(first), len(second), len(third)) == (0, len(boxes[0]), 0)
    assert device.segment(photos[0], nothing).instances == ()


def test_a_label_that_the_model_does_not_know_is_kept_with_a_warning(device: DeviceSegmenter, few: Given) -> None:
    scene = device.segment(few[0][0], few[1][0], ["sofa", "car"])
    assert [item.label for item in scene.instances] == ["sofa", "car"]
    assert "sofa" in scene.warnings[0]


def test_photos_that_are_too_much_at_once_go_one_after_the_other(
    device: DeviceSegmenter, few: Given, found: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amodal.device.segmenter.MOST_PIXELS", 1)
    before = device.wire.waits
    assert_the_same(device.segment_batch(*few), found)
    assert device.wire.waits - before > 2 + device.rounds


def test_batches_that_are_filled_up_give_the_same(few: Given, found: list[Scene]) -> None:
    """As they are for torch.compile, which here only runs what it is given."""
    own = load_orm(device="cpu", refine="none", bfloat16=False)
    own.model.is_compiled = True
    with counted_crops(own.model._backbone) as batches:
        filled = own.segment_batch(*few)
    assert set(batches) == {8}
    assert_the_same(filled, found)


def test_bfloat16_moves_masks_little(few: Given, found: list[Scene]) -> None:
    rounded = load_orm(device="cpu", refine="none").segment_batch(*few)
    for one, other in zip(rounded, found, strict=True):
        for a, b in zip(one.instances, other.instances, strict=True):
            assert a.amodal.iou(b.amodal) > 0.95


def test_a_refinement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--refine none"):
        load_orm(device="cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: torch sees no CUDA device")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gpu_gives_the_masks_and_orders_of_the_processor(
    device: DeviceSegmenter, streets: Given, compiled: bool
) -> None:
    own = load_orm(device="cuda", refine="none", bfloat16=False, compiled=compiled)
    own.segment_batch(*streets)
    torch.cuda.set_sync_debug_mode("error")  # whoever waits for the GPU beside the wire is told
    try:
        found = own.segment_batch(*streets)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert_the_same(found, device.segment_batch(*streets))
