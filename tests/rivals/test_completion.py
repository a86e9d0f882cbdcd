"""Order and whole masks by mutual completion, with completing functions that are no networks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph
from amodal.rivals.completion import Question, ancestors, complete, touching_pairs, without_cycles

SIDE = 40
ORDERS = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] != pair[1]), max_size=8)


def block(x0: int, y0: int, x1: int, y1: int) -> CropMask:
    return CropMask.from_crop(np.ones((y1 - y0, x1 - x0), bool), x0, y0, SIDE, SIDE)


EMPTY = CropMask.empty(SIDE, SIDE)


class Knowing:
    """Completes as one who knows the whole objects, and remembers what it was asked."""

    def __init__(self, visible: Sequence[CropMask], wholes: Sequence[CropMask]) -> None:
        self.whole_of = dict(zip(visible, wholes, strict=True))
        self.asked: list[Question] = []

    def __call__(self, questions: Sequence[Question]) -> list[CropMask]:
        self.asked += questions
        return [self.whole_of[question.visible] & question.eraser for question in questions]


def painted(wholes: Sequence[CropMask]) -> list[CropMask]:
    """What is seen of blocks painted from back to front."""
    return [
        whole - (_union(wholes[number + 1 :]) if number + 1 < len(wholes) else EMPTY)
        for number, whole in enumerate(wholes)
    ]


def _union(masks: Sequence[CropMask]) -> CropMask:
    found = EMPTY
    for mask in masks:
        found = found | mask
    return found


def test_what_grows_under_the_other_is_behind_and_becomes_whole() -> None:
    wholes = [block(2, 2, 20, 20), block(10, 5, 30, 15)]
    visible = painted(wholes)
    (found,) = complete([visible], Knowing(visible, wholes))
    assert [(edge.front, edge.behind) for edge in found.order.edges] == [(1, 0)]
    assert found.amodal == tuple(wholes)


def test_what_lies_behind_two_others_is_completed_under_both() -> None:
    # 0 behind 1 behind 2; 0 and 2 do not touch, yet 2 hides a part of 0 through the seam that 1 leaves.
    wholes = [block(2, 2, 30, 20), block(12, 2, 34, 12), block(20, 1, 36, 14)]
    visible = painted(wholes)
    knowing = Knowing(visible, wholes)
    (found,) = complete([visible], knowing)
    assert found.amodal == tuple(wholes)
    assert Question(0, visible[0], visible[1] | visible[2]) in knowing.asked


def test_who_grows_as_much_as_the_other_is_neither_in_front_nor_behind() -> None:
    visible = [block(0, 0, 10, 10), block(10, 0, 20, 10)]
    (found,) = complete([visible], lambda questions: [question.eraser for question in questions])
    assert found.order.edges == ()
    assert found.amodal == tuple(visible)


def test_answers_beyond_the_eraser_are_cut_off() -> None:
    visible = [block(0, 0, 10, 10), block(10, 0, 16, 10)]

    def everything(questions: Sequence[Question]) -> list[CropMask]:
        return [block(0, 0, SIDE, SIDE) if question.visible == visible[0] else EMPTY for question in questions]

    (found,) = complete([visible], everything)
    assert found.amodal == (block(0, 0, 16, 10), visible[1])


def test_an_empty_mask_stays_empty_and_is_asked_nothing() -> None:
    visible = [block(0, 0, 10, 10), EMPTY, block(30, 30, 39, 39)]
    knowing = Knowing(visible, visible)
    (found,) = complete([visible], knowing)
    assert found.amodal == tuple(visible)
    assert knowing.asked == []


def test_photos_are_completed_apart_from_each_other() -> None:
    wholes = [block(2, 2, 20, 20), block(10, 5, 30, 15)]
    visible = painted(wholes)
    knowing = Knowing(visible, wholes)
    both = complete([visible, [], visible[:1]], knowing)
    assert both[0].amodal == tuple(wholes)
    assert both[1].amodal == ()
    assert both[2].amodal == (visible[0],)
    assert {question.photo for question in knowing.asked} == {0}


def test_overlapping_input_asks_only_for_what_the_other_does_not_show() -> None:
    visible = [block(0, 0, 12, 10), block(8, 0, 20, 10)]
    knowing = Knowing(visible, visible)
    complete([visible], knowing)
    assert {question.eraser for question in knowing.asked} == {block(12, 0, 20, 10), block(0, 0, 8, 10)}


@pytest.mark.parametrize("shuffle", list(permutations(range(4)))[1::5])
def test_result_does_not_depend_on_the_order_of_objects(shuffle: tuple[int, ...]) -> None:
    wholes = [block(2, 2, 20, 20), block(10, 5, 30, 15), block(12, 10, 22, 36), block(1, 15, 30, 30)]
    visible = painted(wholes)
    (straight,) = complete([visible], Knowing(visible, wholes))
    (shuffled,) = complete([[visible[number] for number in shuffle]], Knowing(visible, wholes))
    assert [straight.amodal[number] for number in shuffle] == list(shuffled.amodal)
    assert {(shuffle[edge.front], shuffle[edge.behind]) for edge in shuffled.order.edges} == {
        (edge.front, edge.behind) for edge in straight.order.edges
    }


@pytest.mark.parametrize("between", [0, 1])
def test_masks_with_a_pixel_between_them_touch(between: int) -> None:
    assert touching_pairs([block(0, 0, 10, 10), block(10 + between, 0, 20, 10)]) == [(0, 1)]


def test_masks_farther_apart_do_not_touch_even_where_their_boxes_overlap() -> None:
    corner = block(0, 0, 20, 3) | block(0, 0, 3, 20)
    assert touching_pairs([corner, block(10, 10, 20, 20)]) == []
    assert touching_pairs([block(0, 0, 10, 10), block(12, 0, 20, 10)]) == []


@given(edges=ORDERS)
def test_ancestors_are_those_that_networkx_finds(edges: set[tuple[int, int]]) -> None:
    order = OrderGraph(tuple(OrderEdge(front, behind) for front, behind in edges))
    graph = networkx.DiGraph(sorted(edges))
    graph.add_nodes_from(range(5))
    for number in range(5):
        assert ancestors(order, number) == sorted(networkx.ancestors(graph, number))


@given(edges=ORDERS, data=st.data())
def test_order_has_no_cycle_and_loses_only_what_lay_on_one(edges: set[tuple[int, int]], data: st.DataObject) -> None:
    pairs = {(min(pair), max(pair)) for pair in edges}
    amount = st.integers(0, 50)
    growths = {pair: (data.draw(amount), data.draw(amount)) for pair in sorted(pairs)}
    order, left_out = without_cycles(growths, [10] * 5)
    told = {(a, b) if x < y else (b, a) for (a, b), (x, y) in growths.items() if x != y}
    kept, lost = ({(edge.front, edge.behind) for edge in some} for some in (order.edges, left_out))
    assert kept | lost == told
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(sorted(kept)))
    before = networkx.DiGraph(sorted(told))
    for front, behind in lost:
        assert networkx.has_path(before, behind, front)


def test_weakest_edge_of_a_cycle_is_left_out() -> None:
    growths = {(0, 1): (0, 30), (1, 2): (0, 20), (0, 2): (5, 0)}  # 0 before 1 before 2 before 0
    order, left_out = without_cycles(growths, [100, 100, 100])
    assert [(edge.front, edge.behind) for edge in left_out] == [(2, 0)]
    assert [(edge.front, edge.behind) for edge in order.edges] == [(0, 1), (1, 2)]


def test_an_edge_is_believed_the_more_the_more_one_grows_than_the_other() -> None:
    order, _ = without_cycles({(0, 1): (0, 98), (2, 3): (48, 50)}, [100] * 4)
    assert order.probability(0, 1) == pytest.approx(0.99)
    assert order.probability(2, 3) == pytest.approx(0.51)
