"""Numbers, visible masks and votes against brute force over pixels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.annotate.workflow.consensus import agreement, voted
from amodal.annotate.workflow.inmodal import all_visible
from amodal.annotate.workflow.numbering import meeting_pairs, numbering
from amodal.data.clusters import numbered
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph
from amodal.scene import XYXY, Instance, Scene

SIDE = 24
seeds = st.integers(0, 2**32 - 1)


def street(seed: int) -> tuple[dict[int, np.ndarray], dict[int, XYXY], list[int]]:
    """Ellipses, the boxes around them, and their ids from near to far."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    found: dict[int, np.ndarray] = {}
    for id in range(1, int(chance.integers(1, 8)) + 1):
        middle, radius = chance.random(2) * SIDE, 2 + chance.random(2) * SIDE / 4
        mask = ((x - middle[0]) / radius[0]) ** 2 + ((y - middle[1]) / radius[1]) ** 2 < 1
        if mask.any():
            found[id * 10] = mask
    masks = {id: CropMask.from_dense(mask) for id, mask in found.items()}
    boxes: dict[int, XYXY] = {id: tuple(map(float, mask.box)) for id, mask in masks.items()}  # type: ignore[misc]
    return found, boxes, [int(id) for id in chance.permutation(list(found))]


def edges_by_depth(pairs: list[tuple[int, int]], near_to_far: list[int]) -> list[tuple[int, int]]:
    ordered = combinations(near_to_far, 2)
    return [(front, behind) for front, behind in ordered if (min(front, behind), max(front, behind)) in pairs]


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_objects_meet_where_their_masks_share_a_pixel(seed: int) -> None:
    dense, boxes, _ = street(seed)
    masks = {id: CropMask.from_dense(mask) for id, mask in dense.items()}
    truth = [(a, b) for a, b in combinations(sorted(dense), 2) if (dense[a] & dense[b]).any()]
    assert meeting_pairs(boxes, masks) == truth


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_without_masks_objects_meet_where_their_boxes_share_an_area(seed: int) -> None:
    _, boxes, _ = street(seed)
    truth = []
    for a, b in combinations(sorted(boxes), 2):
        (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = boxes[a], boxes[b]
        if (min(ax1, bx1) - max(ax0, bx0)) > 0 < (min(ay1, by1) - max(ay0, by0)):
            truth.append((a, b))
    assert meeting_pairs(boxes) == truth


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_numbers_and_clusters_are_those_that_our_kins_writer_gives(seed: int) -> None:
    dense, boxes, near_to_far = street(seed)
    masks = {id: CropMask.from_dense(mask) for id, mask in dense.items()}
    edges = edges_by_depth(meeting_pairs(boxes, masks), near_to_far)
    ours = numbering(boxes, edges, masks)
    objects = tuple(Instance(id, "car", boxes[id], 1.0, masks[id], masks[id]) for id in sorted(masks))
    graph = OrderGraph(tuple(OrderEdge(*edge) for edge in edges))
    theirs = numbered(Scene(SIDE, SIDE, objects, graph, exclusive=False))
    assert ours.places == theirs
    assert ours.contradictions == ()


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_visible_pixel_is_the_nearest_objects(seed: int) -> None:
    dense, boxes, near_to_far = street(seed)
    masks = {id: CropMask.from_dense(mask) for id, mask in dense.items()}
    numbers = numbering(boxes, edges_by_depth(meeting_pairs(boxes, masks), near_to_far), masks)
    seen = all_visible(masks, numbers)
    taken = np.zeros((SIDE, SIDE), bool)
    for id in near_to_far:
        assert np.array_equal(seen[id].to_dense(), dense[id] & ~taken)
        taken |= dense[id]


def test_a_corrected_visible_mask_wins_but_stays_inside_the_whole_one() -> None:
    whole = CropMask.from_box((0, 0, 10, 10), SIDE, SIDE)
    corrected = CropMask.from_box((5, 0, 15, 10), SIDE, SIDE)
    seen = all_visible({1: whole}, numbering({1: (0, 0, 10, 10)}, []), {1: corrected})
    assert seen[1] == CropMask.from_box((5, 0, 10, 10), SIDE, SIDE)


def test_three_in_a_row_are_numbered_from_the_front() -> None:
    boxes: dict[int, XYXY] = {1: (0, 0, 10, 10), 2: (8, 0, 20, 10), 3: (18, 0, 30, 10), 4: (50, 0, 60, 10)}
    found = numbering(boxes, [(2, 1), (2, 3)])
    assert {id: (place.cluster, place.number) for id, place in found.places.items()} == {
        1: (0, 1), 2: (0, 0), 3: (0, 1), 4: (1, 0),
    }  # fmt: skip
    assert found.nearer(1) == [2]


def test_boxes_that_only_touch_do_not_meet() -> None:
    assert numbering({1: (0, 0, 10, 10), 2: (10, 0, 20, 10)}, []).clusters == ((1,), (2,))


def test_boxes_that_meet_outside_the_picture_meet() -> None:
    assert meeting_pairs({1: (-20, 0, 5, 10), 2: (-30, 0, -5, 10)}) == [(1, 2)]


def test_equal_numbers_that_meet_and_edges_that_do_not_are_contradictions() -> None:
    boxes: dict[int, XYXY] = {1: (0, 0, 10, 10), 2: (5, 0, 15, 10), 3: (50, 0, 60, 10)}
    found = numbering(boxes, [(1, 3)])
    assert [(one.what, one.ids) for one in found.contradictions] == [
        ("equal numbers", (1, 2)),
        ("do not overlap", (1, 3)),
    ]


def test_a_circle_is_shown_and_numbers_are_still_given() -> None:
    boxes: dict[int, XYXY] = {id: (0, 0, 10, 10) for id in (1, 2, 3)}
    found = numbering(boxes, [(1, 2), (2, 3), (3, 1)])
    assert [one.what for one in found.contradictions] == ["cycle"]
    assert set(found.places) == {1, 2, 3}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), seeds)
def test_a_vote_has_the_pixels_that_more_than_half_drew(annotators: int, seed: int) -> None:
    votes = np.random.default_rng(seed).random((annotators, 9, 7)) < 0.6
    found = voted([CropMask.from_dense(vote) for vote in votes])
    for row, column in np.ndindex(9, 7):
        assert found.to_dense()[row, column] == (2 * sum(vote[row, column] for vote in votes) > annotators)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), seeds)
def test_agreement_is_the_mean_iou_of_every_two(annotators: int, seed: int) -> None:
    votes = np.random.default_rng(seed).random((annotators, 9, 7)) < 0.6
    pairs = [(a & b).sum() / (a | b).sum() for a, b in combinations(votes, 2)]
    assert agreement([CropMask.from_dense(vote) for vote in votes]) == pytest.approx(sum(pairs) / len(pairs))


def test_one_annotator_agrees_with_itself_and_two_empty_masks_are_equal() -> None:
    empty = CropMask.empty(5, 5)
    assert agreement([empty]) == agreement([empty, empty]) == 1.0
