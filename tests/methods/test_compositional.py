from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import amodal
from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.errors import InputError
from amodal.methods.compositional import CompositionalSegmenter, read_model
from amodal.methods.given import refinement_of
from amodal.methods.looking import Seen
from amodal.reasoning import Evidence, Reasoning
from amodal.scene import Instance, Scene
from amodal.segmenter import Segmenter
from helpers.counting import counted_crops
from helpers.photographed import Photographed

SAME_MASK = 0.995
"""Two passes in batches of different sizes differ by bf16's rounding, which may move a pixel on an outline."""


@pytest.fixture(scope="module")
def model(mini_model: Path) -> CompositionalSegmenter:
    loaded = amodal.load(mini_model, refine="none")
    assert isinstance(loaded, CompositionalSegmenter)
    return loaded


def same_mask(one: Instance, other: Instance) -> bool:
    masks = ((one.modal, other.modal), (one.amodal, other.amodal))
    return all((a.is_empty and b.is_empty) or a.iou(b) >= SAME_MASK for a, b in masks)


def orders(scene: Scene) -> set[tuple[int, int]]:
    return {(edge.front, edge.behind) for edge in scene.order.edges}


# What comes out.


def test_scene_keeps_every_promise(model: CompositionalSegmenter, crowded: list[Photographed]) -> None:
    for photo in crowded:
        scene = model.segment(photo.path, photo.boxes, photo.labels).validate()
        assert [instance.label for instance in scene.instances] == list(photo.labels)
        assert [instance.box for instance in scene.instances] == [tuple(box) for box in photo.boxes]
        assert (scene.height, scene.width) == photo.pixels.shape[:2]
        assert (scene.method, scene.model, scene.boxes_are) == ("orm", "mini", "amodal")
        assert scene.warnings == ()


def test_masks_stay_in_their_boxes(model: CompositionalSegmenter, scene: Photographed) -> None:
    for instance in model.segment(scene.pixels, scene.boxes, scene.labels).instances:
        x0, y0, x1, y1 = instance.box
        left, top, right, bottom = instance.amodal.box
        assert left >= np.floor(x0)
        assert top >= np.floor(y0)
        assert right <= np.ceil(x1)
        assert bottom <= np.ceil(y1)
        assert not instance.modal.is_empty


def test_person_stands_before_the_car(model: CompositionalSegmenter, crowded: list[Photographed]) -> None:
    found = [orders(model.segment(photo.pixels, photo.boxes, photo.labels)) for photo in crowded]
    assert found == [{(1, 0)}] * len(crowded)


def test_car_has_more_amodal_than_modal_and_what_it_claimed_alone(
    model: CompositionalSegmenter, scene: Photographed
) -> None:
    car, person = model.segment(scene.pixels, scene.boxes, scene.labels).instances
    assert car.amodal.area > car.modal.area
    assert car.occluder.intersection_area(person.modal) > 0
    assert car.claimed is not None
    assert person.claimed is not None
    assert "mixture" in car.meta


def test_path_and_pixels_give_the_same_scene(model: CompositionalSegmenter, scene: Photographed) -> None:
    from_path = model.segment(scene.path, scene.boxes, scene.labels)
    from_text = model.segment(str(scene.path), scene.boxes, scene.labels)
    from_pixels = model.segment(scene.pixels, scene.boxes, scene.labels)
    assert from_path == from_text
    assert from_path.image == str(scene.path)
    assert from_pixels == replace(from_path, image=None)


@pytest.mark.parametrize("boxes_as", [np.ndarray.tolist, lambda boxes: boxes.astype(np.float32), tuple])
def test_boxes_come_as_any_kind_of_array(
    model: CompositionalSegmenter, scene: Photographed, boxes_as: Callable[[np.ndarray], Any]
) -> None:
    expected = model.segment(scene.pixels, scene.boxes, scene.labels)
    assert model.segment(scene.pixels, boxes_as(scene.boxes), scene.labels) == expected


def test_what_boxes_hold_is_told_on(model: CompositionalSegmenter, scene: Photographed) -> None:
    assert model.segment(scene.pixels, scene.boxes, scene.labels, boxes_are="visible").boxes_are == "visible"


def test_it_is_a_segmenter(model: CompositionalSegmenter) -> None:
    assert isinstance(model, Segmenter)
    assert set(model.labels) == {"car", "person"}


# The same whatever stands beside it.


def test_order_of_objects_changes_nothing(model: CompositionalSegmenter, crowded: list[Photographed]) -> None:
    for photo in crowded:
        scene = model.segment(photo.pixels, photo.boxes, photo.labels)
        turned = model.segment(photo.pixels, photo.boxes[::-1], photo.labels[::-1])
        for instance, other in zip(scene.instances, turned.instances[::-1], strict=True):
            assert instance.label == other.label
            assert same_mask(instance, other)
        assert {(1 - front, 1 - behind) for front, behind in orders(turned)} == orders(scene)


def test_photos_of_a_batch_do_not_change_each_other(model: CompositionalSegmenter, crowded: list[Photographed]) -> None:
    some = crowded[:3]
    batch = model.segment_batch([s.pixels for s in some], [s.boxes for s in some], [s.labels for s in some])
    for photo, together in zip(some, batch, strict=True):
        alone = model.segment(photo.pixels, photo.boxes, photo.labels)
        assert orders(alone) == orders(together)
        for instance, other in zip(alone.instances, together.instances, strict=True):
            assert same_mask(instance, other)


def test_object_far_away_changes_nothing(model: CompositionalSegmenter, scene: Photographed) -> None:
    wide = np.concatenate([scene.pixels, scene.pixels], axis=1)
    far = scene.boxes + np.array([320.0, 0, 320, 0])
    alone = model.segment(wide, scene.boxes, scene.labels)
    together = model.segment(wide, np.concatenate([scene.boxes, far]), scene.labels * 2)
    for instance, other in zip(alone.instances, together.instances[:2], strict=True):
        assert same_mask(instance, other)
    assert orders(together) == {(1, 0), (3, 2)}


def test_the_same_call_gives_the_same_bits(model: CompositionalSegmenter, scene: Photographed) -> None:
    first, again = (model.segment(scene.pixels, scene.boxes, scene.labels) for _ in range(2))
    assert first == again


# Labels.


def test_without_labels_classes_are_inferred(model: CompositionalSegmenter, crowded: list[Photographed]) -> None:
    photo = crowded[0]
    for labels in (None, [None, None]):
        scene = model.segment(photo.pixels, photo.boxes, labels)
        assert [instance.label for instance in scene.instances] == ["car", "person"]
        assert scene.warnings == ()
    mixed = model.segment(photo.pixels, photo.boxes, [None, "person"])
    assert [instance.label for instance in mixed.instances] == ["car", "person"]


def test_unknown_label_gives_a_mask_by_the_model_of_any_object_and_a_warning(
    model: CompositionalSegmenter, scene: Photographed
) -> None:
    found = model.segment(scene.pixels, scene.boxes, ["submarine", "person"]).validate()
    assert [instance.label for instance in found.instances] == ["submarine", "person"]
    (warning,) = found.warnings
    assert "'submarine'" in warning
    assert "car" in warning
    whole_box = float(np.prod(scene.boxes[0, 2:] - scene.boxes[0, :2]))
    assert 0.2 * whole_box < found.instances[0].amodal.area <= whole_box


def test_each_unknown_label_is_warned_of_once(model: CompositionalSegmenter, scene: Photographed) -> None:
    boxes = np.concatenate([scene.boxes, scene.boxes])
    found = model.segment(scene.pixels, boxes, ["ship", "car", "ship", "plane"])
    assert [warning.split("'")[1] for warning in found.warnings] == ["plane", "ship"]


# Edges.


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 4)), ()])
def test_no_boxes_give_an_empty_scene(model: CompositionalSegmenter, scene: Photographed, boxes: Any) -> None:
    found = model.segment(scene.pixels, boxes).validate()
    assert len(found) == 0
    assert found.order.edges == ()


def test_no_photos_give_no_scenes(model: CompositionalSegmenter) -> None:
    assert model.segment_batch([], []) == []


def test_batch_with_an_empty_photo_in_it(model: CompositionalSegmenter, scene: Photographed) -> None:
    empty, full = model.segment_batch([scene.pixels] * 2, [[], scene.boxes], [None, scene.labels])
    assert (len(empty), len(full)) == (0, 2)


@pytest.mark.parametrize("size", [(20, 31), (1, 1), (1, 40), (31, 2)])
def test_photo_smaller_than_a_crop_cell_works(
    model: CompositionalSegmenter, scene: Photographed, size: tuple[int, int]
) -> None:
    height, width = size
    small = cv2.resize(scene.pixels, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
    boxes = [[0, 0, width, height], [0, 0, width / 2, height]]
    found = model.segment(small, boxes, ["car", None]).validate()
    assert (found.height, found.width) == size


@pytest.mark.parametrize("move", [(-70, 0), (0, 60), (90, 40), (-60, -60)])
def test_boxes_partly_outside_work(
    model: CompositionalSegmenter, scene: Photographed, move: tuple[float, float]
) -> None:
    """The photo is cut where the box leaves it: what is left is segmented, inside the frame."""
    x, y = move
    x0, y0, x1, y1 = scene.boxes[0]
    box = (x0 - min(x0, 50), y0, x1 + x, y1 + y) if x < 0 else (x0, y0, 320 + x, 240 + y)
    found = model.segment(scene.pixels, [box], ["car"]).validate()
    assert found.instances[0].box == box
    assert not found.instances[0].amodal.is_empty


def test_box_far_larger_than_the_photo_works(model: CompositionalSegmenter, scene: Photographed) -> None:
    model.segment(scene.pixels, [[-1000, -800, 2000, 1500]], ["car"]).validate()


def test_tiny_box_works(model: CompositionalSegmenter, scene: Photographed) -> None:
    model.segment(scene.pixels, [[100.2, 100.3, 100.9, 100.8], [50, 50, 51, 240]], ["car", None]).validate()


def test_identical_boxes_share_no_pixel(model: CompositionalSegmenter, scene: Photographed) -> None:
    boxes = np.repeat(scene.boxes[:1], 3, axis=0)
    found = model.segment(scene.pixels, boxes, ["car"] * 3).validate()
    assert len(found) == 3


# What is refused.

PIXELS = np.zeros((60, 80, 3), np.uint8)
BAD_PHOTOS: dict[str, Any] = {
    "grey": PIXELS[..., 0],
    "one channel": PIXELS[..., :1],
    "alpha": np.zeros((60, 80, 4), np.uint8),
    "floats": PIXELS.astype(np.float32),
    "16 bit": PIXELS.astype(np.uint16),
    "a batch": PIXELS[None],
    "channels first": PIXELS.transpose(2, 0, 1),
    "empty": PIXELS[:0],
}


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_array_that_is_no_rgb_photo_is_refused_by_what_it_is(model: CompositionalSegmenter, kind: str) -> None:
    with pytest.raises(InputError) as refused:
        model.segment(BAD_PHOTOS[kind], [[0, 0, 10, 10]])
    assert "photo" in str(refused.value)
    assert "uint8 RGB" in str(refused.value)
    assert str(BAD_PHOTOS[kind].dtype) in str(refused.value)


BAD_BOXES: dict[str, Any] = {
    "NaN": [[1, 1, 20, 20], [1, 1, float("nan"), 20]],
    "no area": [[1, 1, 20, 20], [5, 5, 5, 20]],
    "reversed": [[1, 1, 20, 20], [30, 30, 20, 40]],
    "outside": [[1, 1, 20, 20], [90, 10, 120, 40]],
}


@pytest.mark.parametrize("kind", BAD_BOXES)
def test_impossible_box_is_refused_by_its_number(model: CompositionalSegmenter, kind: str) -> None:
    with pytest.raises(InputError, match=r"boxes\[1\]"):
        model.segment(PIXELS, BAD_BOXES[kind])


@pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[1, 2, 3, 4], [5, 6]], "abcd", [["a"] * 4], None])
def test_boxes_that_are_no_array_of_boxes_are_refused(model: CompositionalSegmenter, boxes: Any) -> None:
    with pytest.raises(InputError, match="boxes"):
        model.segment(PIXELS, boxes)


def test_lists_of_different_lengths_are_refused(model: CompositionalSegmenter) -> None:
    box = [[0, 0, 9, 9]]
    with pytest.raises(InputError, match="are for 1 photos, expected 2"):
        model.segment_batch([PIXELS, PIXELS], [box])
    with pytest.raises(InputError, match="labels: are for 1 photos"):
        model.segment_batch([PIXELS, PIXELS], [box, box], [["car"]])
    with pytest.raises(InputError, match="labels: are 2 for 1 boxes"):
        model.segment(PIXELS, box, ["car", "car"])


def test_missing_photo_is_named(model: CompositionalSegmenter, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jpg"):
        model.segment(tmp_path / "gone.jpg", [[0, 0, 9, 9]])


def test_unknown_kind_of_boxes_is_refused(model: CompositionalSegmenter) -> None:
    with pytest.raises(InputError, match="boxes_are"):
        model.segment(PIXELS, [[0, 0, 9, 9]], boxes_are="modal")  # type: ignore[arg-type]


def test_unknown_refinement_is_refused() -> None:
    assert refinement_of("none") is None
    with pytest.raises(InputError, match="watershed"):
        refinement_of("watershed")


def test_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors"):
        read_model(tmp_path / "none.safetensors")


# Self-correction, seen from outside: the reasoner asks, the segmenter answers.

Reasoner = Callable[[Sequence[Evidence], Callable[[int, np.ndarray], Evidence | None], Any], Reasoning]


def alone(evidences: Sequence[Evidence]) -> Reasoning:
    return Reasoning(
        modal=tuple(np.zeros(e.shape, bool) for e in evidences),
        amodal=tuple(np.ones(e.shape, bool) for e in evidences),
        evidences=tuple(evidences),
        order=tuple(range(len(evidences))),
        edges=(),
    )


def pretend(monkeypatch: pytest.MonkeyPatch, readings: list[tuple[str, int]]) -> None:
    """Looking again sees these, one after the other."""
    waiting = iter(readings)

    def look_again(seen: Seen, _visible: np.ndarray, _size: tuple[int, int]) -> Seen:
        label, mixture = next(waiting)
        return replace(seen, label=label, mixture=mixture, score=0.5)

    monkeypatch.setattr("amodal.methods.compositional.look_again", look_again)


def test_rescoring_needs_no_backbone_and_gives_the_evidence_of_the_new_reading(
    compnet: CompNet, scene: Photographed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CompositionalSegmenter("test", compnet, "mini", lambda es, rescore, prior: alone(es))
    before = first.segment(scene.pixels, scene.boxes[:1], ["car"]).instances[0]
    other = 1 - before.meta["mixture"]
    pretend(monkeypatch, [("car", other)])
    passes: list[int] = []

    def accepts(evidences: Sequence[Evidence], rescore: Any, _prior: Any) -> Reasoning:
        with counted_crops(compnet.backbone) as batches:
            found = rescore(0, np.ones(evidences[0].shape, bool))
        passes.extend(batches)
        assert found.window == evidences[0].window
        assert not np.array_equal(found.foreground, evidences[0].foreground)
        return alone([found])

    model = CompositionalSegmenter("test", compnet, "mini", accepts)
    after = model.segment(scene.pixels, scene.boxes[:1], ["car"]).instances[0]
    assert passes == []
    assert (after.meta["mixture"], after.score) == (other, 0.5)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_object_is_what_the_accepted_evidence_took_it_for(
    compnet: CompNet, scene: Photographed, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """Of three readings the reasoner keeps any one: label, mixture and score are those of that one."""
    pretend(monkeypatch, [("person", 0), ("person", 1)])

    def keeps_one(evidences: Sequence[Evidence], rescore: Any, _prior: Any) -> Reasoning:
        everywhere = np.ones(evidences[0].shape, bool)
        return alone([[evidences[0], rescore(0, everywhere), rescore(0, everywhere)][kept]])

    model = CompositionalSegmenter("test", compnet, "mini", keeps_one)
    found = model.segment(scene.pixels, scene.boxes[:1]).instances[0]
    assert found.label == ("car", "person", "person")[kept]
    if kept:
        assert (found.meta["mixture"], found.score) == (kept - 1, 0.5)


def test_the_same_reading_gives_the_same_evidence(
    compnet: CompNet, scene: Photographed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a reasoner sees at once that nothing has changed."""
    pretend(monkeypatch, [("car", 0), ("car", 1), ("car", 0), ("car", 1)])

    def compares(evidences: Sequence[Evidence], rescore: Any, _prior: Any) -> Reasoning:
        found = [rescore(0, np.ones(evidences[0].shape, bool)) for _ in range(4)]
        assert found[0] is found[2]
        assert found[1] is found[3]
        assert any(item is evidences[0] for item in found)
        return alone(evidences)

    CompositionalSegmenter("test", compnet, "mini", compares).segment(scene.pixels, scene.boxes[:1], ["car"])


def test_agnostic_model_is_never_a_class_of_its_own(model: CompositionalSegmenter) -> None:
    assert AGNOSTIC in model.model.classes
    assert AGNOSTIC not in model.labels
