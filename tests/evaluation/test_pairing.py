from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.pairing import align, pair
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

ALL = frozenset({"modal", "amodal", "order", "boxes"})
NOTHING = CropMask.empty(100, 100)


def scene(*objects: tuple[int, str, tuple[float, float, float, float]], image: str | None = "a.jpg") -> Scene:
    instances = tuple(Instance(id, label, box, 0.5, NOTHING, NOTHING) for id, label, box in objects)
    return Scene(100, 100, instances, image=image)


def paired(true: Scene, found: Scene | None) -> dict[int, int | None]:
    return {id: other and other.id for id, other in pair(Truth(true, None, ALL), found).items()}


def test_given_boxes_belong_to_the_object_of_their_id_even_if_another_has_the_same_box() -> None:
    true = scene((1, "car", (0, 0, 50, 50)), (2, "car", (0, 0, 50, 50)))
    found = scene((2, "car", (0, 0, 50, 50)), (1, "car", (0, 0, 50.5, 50)))
    assert paired(true, found) == {1: 1, 2: 2}


def test_an_id_means_nothing_where_boxes_differ() -> None:
    true = scene((1, "car", (0, 0, 50, 50)), (2, "car", (50, 50, 90, 90)))
    found = scene((2, "car", (1, 0, 48, 50)), (1, "car", (52, 50, 90, 90)))
    assert paired(true, found) == {1: 2, 2: 1}


def test_the_same_class_is_preferred_among_detections() -> None:
    true = scene((1, "car", (0, 0, 50, 50)))
    found = scene((7, "bus", (0, 0, 46, 50)), (8, "car", (0, 0, 40, 50)))
    assert paired(true, found) == {1: 8}


def test_the_same_box_counts_for_more_than_the_same_class() -> None:
    true = scene((1, "car", (0, 0, 50, 50)), (2, "bus", (0, 0, 60, 50)))
    found = scene((1, "bus", (0, 0, 50, 50)), (2, "car", (0, 0, 60, 50)))
    assert paired(true, found) == {1: 1, 2: 2}


def test_boxes_that_overlap_too_little_are_not_paired() -> None:
    assert paired(scene((1, "car", (0, 0, 50, 50))), scene((1, "car", (0, 0, 24, 50)))) == {1: None}


def test_what_was_predicted_from_visible_boxes_is_paired_by_those() -> None:
    seen = CropMask.from_box(np.array([0, 0, 20, 50]), 100, 100)
    true = Scene(100, 100, (Instance(1, "car", (0, 0, 80, 50), 1.0, seen, seen),), image="a.jpg")
    box, visible = (0.0, 0.0, 30.0, 50.0), (0.0, 0.0, 20.0, 50.0)
    predicted = Instance(9, "car", box, 0.5, NOTHING, NOTHING, meta={"visible_box": visible})
    kept = Instance(9, "car", visible, 0.5, NOTHING, NOTHING)
    assert paired(true, Scene(100, 100, (predicted,), image="a.jpg")) == {1: 9}
    assert paired(true, Scene(100, 100, (kept,), image="a.jpg", boxes_are="visible")) == {1: 9}
    assert paired(true, Scene(100, 100, (kept,), image="a.jpg")) == {1: None}


def test_truth_of_visible_boxes_is_met_by_what_was_predicted_from_them() -> None:
    true = replace(scene((1, "car", (0, 0, 20, 50))), boxes_are="visible")
    predicted = Instance(9, "car", (0, 0, 60, 50), 0.5, NOTHING, NOTHING, meta={"visible_box": (0, 0, 20, 50)})
    assert paired(true, Scene(100, 100, (predicted,), image="a.jpg")) == {1: 9}


def test_no_prediction_is_used_twice() -> None:
    true = scene((1, "car", (0, 0, 50, 50)), (2, "car", (0, 0, 49, 50)))
    assert paired(true, scene((9, "car", (0, 0, 50, 50)))) == {1: 9, 2: None}


def test_hidden_objects_are_paired_with_nothing() -> None:
    true = scene((1, "car", (0, 0, 50, 50)), (2, "unknown", (0, 0, 50, 50)))
    truth = Truth(true, None, ALL, hidden=frozenset({2}))
    assert list(pair(truth, true)) == [1]


def test_a_missing_photo_leaves_all_its_objects_without_prediction() -> None:
    assert paired(scene((1, "car", (0, 0, 50, 50))), None) == {1: None}


def truths(*images: str | None) -> list[Truth]:
    return [Truth(scene(image=image), None, ALL) for image in images]


def test_photos_are_found_by_file_name_whatever_their_folder() -> None:
    found = [scene(image="/out/b.jpg"), scene(image="a.jpg")]
    assert align(truths("images/a.jpg", "images/b.jpg", "images/c.jpg"), found) == [found[1], found[0], None]


def test_photos_are_found_by_whole_name_where_file_names_repeat() -> None:
    found = [scene(image="y/a.jpg"), scene(image="x/a.jpg")]
    assert align(truths("x/a.jpg", "y/a.jpg"), found) == [found[1], found[0]]


def test_photos_without_names_belong_together_in_their_order() -> None:
    found = [scene(image=None), scene((1, "car", (0, 0, 9, 9)), image=None)]
    assert align(truths(None, None), found) == found


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        (["z.jpg"], r"predictions: image: 'z.jpg' is no photo of the truth, expected some of its 2 photos"),
        (["a.jpg", "out/a.jpg"], r"predictions: image: 'out/a.jpg' is there twice"),
        ([None], r"predictions: image: a photo has no name"),
    ],
)
def test_predictions_of_no_photo_or_twice_are_refused(images: list[str | None], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        align(truths("a.jpg", "b.jpg"), [scene(image=image) for image in images])


def test_a_photo_twice_in_truth_is_refused() -> None:
    with pytest.raises(InputError, match=r"truth: a.jpg: found twice"):
        align(truths("a.jpg", "a.jpg"), [])


def test_another_size_is_refused_naming_the_photo() -> None:
    with pytest.raises(InputError, match=r"predictions: a.jpg: masks: are 100 × 90 px"):
        align(truths("a.jpg"), [replace(scene(), height=90)])
