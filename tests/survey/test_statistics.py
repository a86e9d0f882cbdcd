"""Definitions of the paper of KINS, on photos drawn so that every number is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from amodal.data.truth import Truth
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from amodal.survey.numbers import numbers_of
from amodal.survey.statistics import Statistics, statistics_of

HEIGHT, WIDTH = 100, 200
ALL = frozenset({"modal", "amodal", "order", "boxes"})


def square(x0: int, y0: int, x1: int, y1: int) -> CropMask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return CropMask.from_dense(mask)


def truth(*objects: tuple[str, CropMask, CropMask], knows: frozenset[str] = ALL) -> Truth:
    instances = (
        Instance(number, label, amodal.box, 1.0, modal, amodal)
        for number, (label, amodal, modal) in enumerate(objects, start=1)
    )
    return Truth(Scene(HEIGHT, WIDTH, tuple(instances), exclusive=False), None, knows)


def street() -> list[Truth]:
    """A car hides half of a second, that one a quarter of a third; a pedestrian stands apart. And an empty photo."""
    first, second, third = square(0, 0, 20, 20), square(10, 0, 30, 20), square(25, 0, 45, 20)
    apart = square(100, 0, 110, 40)
    photo = truth(
        ("car", first, first),
        ("car", second, second - first),
        ("van", third, third - second),
        ("pedestrian", apart, apart),
    )
    return [photo, truth()]


@pytest.fixture(scope="module")
def found() -> Statistics:
    return measured(street())


def measured(truths: list[Truth]) -> Statistics:
    return statistics_of([numbers_of(one) for one in truths])


def test_objects_are_counted_per_photo(found: Statistics) -> None:
    assert (found.photos, found.objects, found.objects_per_photo) == (2, 4, 2)
    assert found.photos_by_objects == {0: 1, 4: 1}


def test_table_1_has_two_layers(found: Statistics) -> None:
    assert [(row.general, row.label, row.objects, row.share) for row in found.classes] == [
        ("vehicle", "car", 2, 0.5),
        ("vehicle", "van", 1, 0.25),
        ("people", "pedestrian", 1, 0.25),
    ]


def test_coverage_counts_a_pixel_once(found: Statistics) -> None:
    assert found.coverage == pytest.approx((45 * 20 + 400) / (2 * HEIGHT * WIDTH))


def test_occlusion_is_the_hidden_share_of_the_occluded(found: Statistics) -> None:
    assert found.occluded_share == 0.5
    assert found.mean_occlusion == pytest.approx((0.5 + 0.25) / 2)
    assert found.occlusion_levels == (0, 0, 1, 0, 0, 1, 0, 0, 0, 0)


def test_a_match_number_counts_overlapping_objects(found: Statistics) -> None:
    assert found.match_numbers == (1, 2, 1, 0, 0, 0, 0)


def test_an_occlusion_order_counts_the_occluded_of_a_cluster(found: Statistics) -> None:
    assert found.cluster_sizes == {3: 1}
    assert found.occlusion_orders == (0, 0, 1, 0, 0, 0, 0)
    assert found.orders_above_6 == 0


def test_shapes_of_whole_squares_are_convex(found: Statistics) -> None:
    assert found.amodal_shapes is not None
    assert (found.amodal_shapes.objects, found.amodal_shapes.convexity) == (4, pytest.approx(1))


def test_seven_occluded_of_one_cluster_are_above_six() -> None:
    objects = [square(4 * k, 0, 4 * k + 8, 20) for k in range(9)]
    photo = truth(("car", objects[0], objects[0]), *(("car", b, b - a) for a, b in pairwise(objects)))
    found = measured([photo])
    assert found.occlusion_orders == (0, 0, 0, 0, 0, 0, 1)
    assert found.orders_above_6 == 1


def test_what_the_data_do_not_say_is_none() -> None:
    photo = replace(street()[0], knows=frozenset({"modal", "boxes"}))
    found = measured([photo])
    assert (found.amodal_shapes, found.occluded_share, found.match_numbers, found.occlusion_levels) == (None,) * 4
    assert found.modal_shapes is not None and found.coverage is not None


def test_unknown_classes_are_other() -> None:
    mask = square(0, 0, 5, 5)
    assert measured([truth(("lamp", mask, mask))]).classes[0].general == "other"


def test_corners_are_counted_per_polygon_and_runs_are_none() -> None:
    outlines = [
        [[0, 0, 1, 0, 1, 1], [0] * 10],
        {"size": [4, 4], "counts": "04"},
        [0, 0, 1, 0, 1, 1, 0, 1],
        [[1, 2]],
        None,
    ]
    assert numbers_of(street()[0], outlines).corners == (3, 5, 4)
