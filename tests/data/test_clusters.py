"""Clusters, numbers and masks, against brute force over dense random masks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.data.clusters import (
    Place,
    clusters,
    contradictions,
    contradictions_of_order,
    modal_masks,
    numbered,
    order_by_masks,
    order_by_numbers,
    overlaps,
)
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

SIDE = 24


def painted(seed: int, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Rectangles back to front: whole masks and what later ones leave of them; a later one is in front."""
    chance = np.random.default_rng(seed)
    whole = []
    for _ in range(count):
        mask = np.zeros((SIDE, SIDE), bool)
        (x0, y0), (w, h) = chance.integers(0, SIDE - 6, 2), chance.integers(2, 10, 2)
        mask[y0 : y0 + h, x0 : x0 + w] = True
        whole.append(mask)
    seen = [mask & ~np.any([np.zeros_like(mask), *whole[k + 1 :]], axis=0) for k, mask in enumerate(whole)]
    return whole, seen


def scene_of(whole: list[np.ndarray], seen: list[np.ndarray], order: OrderGraph | None = None) -> Scene:
    instances = tuple(
        Instance(7 * k, "car", (0, 0, 1, 1), 1.0, CropMask.from_dense(s), CropMask.from_dense(w))
        for k, (w, s) in enumerate(zip(whole, seen, strict=True))
    )
    return Scene(SIDE, SIDE, instances, order or OrderGraph())


drawn = st.builds(painted, st.integers(0, 2**32 - 1), st.integers(0, 7))


@settings(max_examples=150, deadline=None)
@given(drawn)
def test_clusters_are_the_connected_parts_of_the_overlaps(masks: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    whole, seen = masks
    label = list(range(len(whole)))
    for _ in whole:  # brute force: spread the smallest label until nothing changes
        for a, b in combinations(range(len(whole)), 2):
            if (whole[a] & whole[b]).any():
                label[a] = label[b] = min(label[a], label[b])
    expected = {frozenset(7 * k for k in range(len(whole)) if label[k] == one) for one in label}
    assert {frozenset(group) for group in clusters(scene_of(whole, seen).instances)} == expected


@settings(max_examples=150, deadline=None)
@given(drawn)
def test_numbers_obey_the_rules_of_kins(masks: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    whole, seen = masks
    scene = scene_of(whole, seen)
    places = numbered(scene)
    for k, mask in enumerate(whole):
        others = [j for j in range(len(whole)) if j != k and (whole[j] & mask).any()]
        assert all(places[7 * j].cluster == places[7 * k].cluster for j in others)
        assert all(places[7 * j].number != places[7 * k].number for j in others)
        front = [places[7 * j].number for j in others if places[7 * j].number < places[7 * k].number]
        assert places[7 * k].number == (1 + max(front) if front else 0)
    assert not contradictions(scene.instances, places)


@settings(max_examples=150, deadline=None)
@given(drawn)
def test_visible_masks_come_back_from_whole_ones_and_numbers(masks: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    whole, seen = masks
    scene = scene_of(whole, seen)
    order = order_by_numbers(numbered(scene), overlaps(scene.instances))
    found = modal_masks({one.id: one.amodal for one in scene.instances}, order)
    for k, mask in enumerate(seen):
        assert np.array_equal(found[7 * k].to_dense(), mask)


@settings(max_examples=100, deadline=None)
@given(drawn)
def test_the_order_seen_in_masks_is_never_against_the_painter(masks: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    whole, seen = masks
    for edge in order_by_masks(scene_of(whole, seen).instances).edges:
        assert edge.front > edge.behind
        assert (whole[edge.front // 7] & whole[edge.behind // 7]).any()


def three_in_a_row() -> Scene:
    """0 before 7 before 14; 0 and 14 do not meet, and 21 stands apart."""
    whole = [np.zeros((SIDE, SIDE), bool) for _ in range(4)]
    for mask, x0 in zip(whole, (0, 4, 8, 18), strict=True):
        mask[2:12, x0 : x0 + 6] = True
    return scene_of(whole, [whole[0], whole[1] & ~whole[0], whole[2] & ~whole[1], whole[3]])


def test_a_row_is_numbered_from_the_front() -> None:
    assert numbered(three_in_a_row()) == {0: Place(0, 0), 7: Place(0, 1), 14: Place(0, 2), 21: Place(1, 0)}


@pytest.mark.parametrize(
    ("changed", "kind", "ids"),
    [
        ({7: Place(0, 0)}, "equal numbers", (0, 7)),
        ({14: Place(3, 0)}, "clusters apart", (7, 14)),
        ({21: Place(0, 0)}, "cluster in pieces", (0, 7, 14, 21)),
        ({21: Place(1, 1)}, "nothing in front", (21,)),
        ({14: Place(0, 5)}, "number left out", (14,)),
        ({0: Place(0, 1), 7: Place(0, 0)}, "masks disagree", (7, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_number_is_found(changed: dict[int, Place], kind: str, ids: tuple[int, ...]) -> None:
    scene = three_in_a_row()
    found = contradictions(scene.instances, numbered(scene) | changed)
    assert (kind, ids) in {(one.what, one.ids) for one in found}


def test_an_overlap_below_the_limit_contradicts_nothing() -> None:
    scene = three_in_a_row()  # each overlap is 2 × 10 px
    places = dict.fromkeys((0, 7, 14), Place(0, 0))
    assert contradictions(scene.instances, places, least_px=20)
    assert not contradictions(scene.instances, places, least_px=21)


def test_a_cycle_is_found_and_cannot_be_numbered() -> None:
    whole = [np.ones((SIDE, SIDE), bool)] * 3
    order = OrderGraph((OrderEdge(0, 7), OrderEdge(7, 14), OrderEdge(14, 0)))
    scene = scene_of(whole, [np.zeros((SIDE, SIDE), bool)] * 3, order)
    assert [(one.what, one.ids) for one in contradictions_of_order(scene)] == [("cycle", (0, 7, 14))]
    with pytest.raises(InputError, match="cycle"):
        numbered(scene)
