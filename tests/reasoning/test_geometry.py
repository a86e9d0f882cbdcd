from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.reasoning import PairGeometry

boxes = st.tuples(st.floats(-50, 300), st.floats(-50, 300), st.floats(1, 200), st.floats(1, 200)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes, boxes, st.sampled_from([None, 200.0]))
def test_log_odds_are_antisymmetric(a, b, photo_height):
    geometry = PairGeometry()
    assert geometry.log_odds(a, b, photo_height) == pytest.approx(-geometry.log_odds(b, a, photo_height))


def test_the_box_that_reaches_lower_is_in_front():
    assert PairGeometry().log_odds((0, 0, 50, 120), (20, 0, 70, 100)) > 1


def test_of_two_boxes_on_the_same_ground_line_the_larger_is_in_front():
    geometry = PairGeometry(weight_log_size=0.5)
    assert geometry.log_odds((0, 0, 80, 100), (20, 20, 70, 100)) > 0


def test_lower_edges_that_the_picture_cuts_off_are_not_compared():
    only_size = PairGeometry(weight_lower_edge=8, weight_log_size=0)
    cut, beyond = (0.0, 0.0, 50.0, 200.0), (20.0, 0.0, 70.0, 230.0)
    assert only_size.log_odds(cut, beyond, photo_height=200) == 0
    assert only_size.log_odds(cut, beyond) < 0


def test_a_box_that_the_picture_cuts_off_still_reaches_lower_than_one_that_ends_above():
    assert PairGeometry().log_odds((0, 0, 50, 200), (20, 0, 70, 150), photo_height=200) > 1


def test_fit_finds_the_weights_that_made_the_pairs():
    generator = np.random.default_rng(0)
    truth = PairGeometry(weight_lower_edge=4.0, weight_log_size=1.0, max_log_odds=np.inf)
    pairs = []
    for _ in range(4000):
        a, b = (tuple(np.concatenate((c, c + s)).tolist()) for c, s in random_boxes(generator))
        in_front = generator.random() < 1 / (1 + np.exp(-truth.log_odds(a, b)))
        pairs.append((a, b) if in_front else (b, a))
    fitted = PairGeometry.fit(pairs)
    assert fitted.weight_lower_edge == pytest.approx(4.0, abs=0.5)
    assert fitted.weight_log_size == pytest.approx(1.0, abs=0.2)


def random_boxes(generator: np.random.Generator):
    for _ in range(2):
        yield generator.uniform(0, 60, 2), generator.uniform(40, 120, 2)


def test_fit_gives_no_weight_to_size_where_the_smaller_boxes_are_in_front():
    small, large = (20.0, 20.0, 70.0, 101.0), (0.0, 0.0, 80.0, 100.0)
    lower_but_larger = ((0.0, 0.0, 80.0, 103.0), (20.0, 20.0, 70.0, 99.0))
    fitted = PairGeometry.fit([(small, large)] * 30 + [lower_but_larger] * 10)
    assert fitted.weight_log_size == 0
    assert fitted.weight_lower_edge > 0


@given(boxes, boxes)
def test_no_pair_of_boxes_is_surer_than_the_cap(a, b):
    capped = PairGeometry(weight_lower_edge=50, weight_log_size=5, max_log_odds=2.0)
    uncapped = PairGeometry(weight_lower_edge=50, weight_log_size=5, max_log_odds=np.inf)
    assert capped.log_odds(a, b) == np.clip(uncapped.log_odds(a, b), -2.0, 2.0)


def test_boxes_alone_are_never_surer_than_97_percent():
    log_odds = PairGeometry().log_odds((0, 0, 50, 300), (20, 0, 70, 100))
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(0.97, abs=0.001)


def test_fit_without_pairs_is_an_error():
    with pytest.raises(ValueError, match="pairs: 0"):
        PairGeometry.fit([])


def test_between_numbers_the_boxes():
    stack = [(0.0, 0.0, 50.0, 100.0), (0.0, 0.0, 50.0, 120.0)]
    assert PairGeometry().between(stack)(1, 0, 0.0) == PairGeometry().log_odds(stack[1], stack[0])
