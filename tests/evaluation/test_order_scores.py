from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from amodal.data.truth import Truth
from amodal.evaluation.order import OrderScores, larger, lower_edge, order_scores, rule_scores
from amodal.evaluation.pairing import pair
from amodal.scene import OrderEdge, OrderGraph, Scene
from helpers.drawn_scenes import two_squares
from helpers.generated_scenes import generated

ALL = frozenset({"modal", "amodal", "order", "boxes"})


def by_hand(truths: list[Truth], predictions: list[Scene], least: float) -> tuple[int, int, int]:
    """Right, decided and all pairs, with dense masks."""
    right = decided = pairs = 0
    for truth, scene in zip(truths, predictions, strict=True):
        found = pair(truth, scene)
        for one, other in combinations(truth.scene.instances, 2):
            a, b = one.amodal.to_dense(), other.amodal.to_dense()
            common, forth, back = (
                (a & b).sum(),
                *(truth.scene.order.in_front_of(*ids) for ids in both(one.id, other.id)),
            )
            if not (forth or back) or common <= least * min(a.sum(), b.sum()):
                continue
            pairs += 1
            first, second = found[one.id], found[other.id]
            if first is None or second is None:
                continue
            says = [scene.order.in_front_of(*ids) for ids in both(first.id, second.id)]
            decided += any(says)
            right += any(says) and says == [forth, back]
    return right, decided, pairs


def both(a: int, b: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (a, b), (b, a)


@pytest.mark.parametrize("least", [0.0, 0.05, 0.3])
def test_scores_are_those_counted_pair_by_pair(least: float) -> None:
    truths, predictions = generated(150, 8, np.random.default_rng(1))
    right, decided, pairs = by_hand(truths, predictions, least)
    scores = order_scores(truths, predictions, least)
    assert scores.tallies.sum(axis=0).tolist() == [right, decided, pairs]
    assert scores.precision == pytest.approx(100 * right / decided)
    assert scores.recall == scores.accuracy == pytest.approx(100 * right / pairs)
    assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / (scores.precision + scores.recall))
    assert scores.undecided == pytest.approx(100 * (pairs - decided) / pairs)
    assert len(scores.right) == decided


def judged(order: OrderGraph) -> OrderScores:
    scene = two_squares()
    return order_scores([Truth(scene, None, ALL)], [replace(scene, order=order)])


def test_an_edge_the_other_way_round_is_wrong_and_no_edge_is_undecided() -> None:
    right, wrong, none = (judged(OrderGraph(edges)) for edges in ((OrderEdge(1, 2),), (OrderEdge(2, 1),), ()))
    assert (right.accuracy, wrong.accuracy, none.accuracy) == (100, 0, 0)
    assert (right.undecided, wrong.undecided, none.undecided) == (0, 0, 100)


def test_turning_every_edge_turns_right_into_wrong() -> None:
    truths, predictions = generated(60, 8, np.random.default_rng(2))
    turned = [
        replace(scene, order=OrderGraph(tuple(OrderEdge(e.behind, e.front, e.probability) for e in scene.order.edges)))
        for scene in predictions
    ]
    first, second = order_scores(truths, predictions), order_scores(truths, turned)
    assert first.precision + second.precision == pytest.approx(100)
    assert first.undecided == second.undecided
    assert np.array_equal(first.probabilities, second.probabilities)


def test_without_pairs_there_is_no_score() -> None:
    scores = order_scores([Truth(replace(two_squares(), order=OrderGraph()), None, ALL)], [two_squares()])
    assert scores.pairs == 0
    assert np.isnan([scores.precision, scores.recall, scores.f1, scores.accuracy, scores.undecided]).all()


def test_pairs_with_a_hidden_object_do_not_count() -> None:
    assert order_scores([Truth(two_squares(), None, ALL, hidden=frozenset({1}))], [two_squares()]).pairs == 0


def test_where_whole_masks_are_unknown_every_true_edge_counts() -> None:
    scene = two_squares()
    apart = scene.with_instances([replace(one, amodal=one.modal) for one in scene.instances])
    assert order_scores([Truth(apart, None, ALL)], [scene]).pairs == 0
    assert order_scores([Truth(apart, None, frozenset({"order", "boxes"}))], [scene]).pairs == 1


def test_the_rules_look_at_lower_edge_and_size_of_boxes() -> None:
    scene = two_squares()  # object 1 reaches y = 80 with 40 x 50 px, object 2 reaches y = 70 with 60 x 50 px
    assert lower_edge(scene).edges == (OrderEdge(1, 2),)
    assert larger(scene).edges == (OrderEdge(2, 1),)
    assert rule_scores([Truth(scene, None, ALL)], lower_edge).accuracy == 100


def test_the_rules_leave_equals_and_boxes_apart_undecided() -> None:
    scene = two_squares()
    boxes = [(20.0, 30.0, 60.0, 80.0), (30.0, 30.0, 70.0, 80.0)]
    alike = [replace(one, box=box) for one, box in zip(scene.instances, boxes, strict=True)]
    apart = [alike[0], replace(alike[1], box=(70.0, 30.0, 90.0, 85.0))]
    for rule in (lower_edge, larger):
        assert rule(scene.with_instances(alike)).edges == ()
        assert rule(scene.with_instances(apart)).edges == ()


def test_the_rules_give_an_order_one_way_only() -> None:
    for truth in generated(40, 9, np.random.default_rng(3))[0]:
        ids = [one.id for one in truth.scene.instances]
        for rule in (lower_edge, larger):
            graph = rule(truth.scene).validate(ids)
            assert graph.cycles() == []
