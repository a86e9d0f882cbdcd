from __future__ import annotations

from dataclasses import replace

from amodal.data.truth import Truth
from amodal.evaluation.classification import before_and_after, classification
from amodal.scene import Scene
from helpers.drawn_scenes import two_squares

ALL = frozenset({"modal", "amodal", "order", "boxes"})
TRUTH = Truth(two_squares(), None, ALL)  # a whole car (L0) and a person partly hidden (L1)


def said(first: str, second: str) -> Scene:
    scene = two_squares()
    labels = zip(scene.instances, (first, second), strict=True)
    return scene.with_instances([replace(one, label=label) for one, label in labels])


def test_accuracy_is_counted_by_level_and_true_class() -> None:
    table = classification([TRUTH], [said("car", "car")]).by_level()
    assert (table.levels["L0"], table.levels["L1"], table.mean_levels, table.mean_objects) == (100, 0, 50, 50)
    assert {label: own.mean_objects for label, own in table.per_class.items()} == {"car": 100, "person": 0}


def test_a_missing_object_is_not_classified() -> None:
    assert classification([TRUTH], []).by_level().mean_objects == 0


def test_self_correction_is_told_by_what_it_mends_and_spoils() -> None:
    found = before_and_after([TRUTH], [said("car", "car")], [said("person", "person")])
    assert (found.before.mean_objects, found.after.mean_objects, found.mended, found.spoilt) == (50, 50, 1, 1)


def test_intervals_are_those_of_photos() -> None:
    low, high = classification([TRUTH], [said("car", "car")]).intervals()["mean_objects"]
    assert (low, high) == (50, 50)
