from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.reasoning.pair_order import CUES, Pair, PairOrder, appearance_alone, features, features_of
from amodal.reasoning.pair_weights import WEIGHTS

boxes = st.tuples(st.floats(-50, 300), st.floats(-50, 300), st.floats(1, 200), st.floats(1, 200)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
labels = st.sampled_from(["person", "car", "bicycle", "llama", None])
pairs = st.builds(
    Pair,
    appearance=st.floats(-8, 8),
    box_a=boxes,
    box_b=boxes,
    label_a=labels,
    label_b=labels,
    photo_height=st.sampled_from([None, 200.0]),
)
EVERYTHING = PairOrder({name: 0.7 + k for k, name in enumerate(features_of(CUES))})


def swapped(pair: Pair) -> Pair:
    return Pair(-pair.appearance, pair.box_b, pair.box_a, pair.label_b, pair.label_a, pair.photo_height)


@given(pairs)
def test_log_odds_change_their_sign_when_the_objects_are_exchanged(pair: Pair) -> None:
    assert EVERYTHING.log_odds(swapped(pair)) == pytest.approx(-EVERYTHING.log_odds(pair))


@given(pairs, st.sampled_from(sorted(WEIGHTS)))
def test_two_objects_that_are_alike_in_everything_are_a_coin_toss(pair: Pair, witness: str) -> None:
    alike = pair._replace(appearance=0.0, box_b=pair.box_a, label_b=pair.label_a)
    assert PairOrder.of(CUES, witness).log_odds(alike) == 0


@pytest.mark.parametrize("witness", sorted(WEIGHTS))
def test_shipped_weights_name_features_of_their_cues_alone_and_every_choice_of_cues_has_some(witness: str) -> None:
    for chosen, weights in WEIGHTS[witness].items():
        cues = tuple(cue for cue in CUES if cue in chosen.split(","))
        assert ",".join(cues) == chosen
        assert set(weights) <= set(features_of(cues))
        assert PairOrder.of(cues, witness).weights == weights
    assert len(WEIGHTS[witness]) == 2 ** len(CUES) - 1


@pytest.mark.parametrize("witness", sorted(WEIGHTS))
def test_clear_appearance_and_a_clear_lower_edge_each_decide_where_the_other_is_silent(witness: str) -> None:
    pair_order = PairOrder.of(CUES, witness)
    box, lower = (0.0, 0.0, 40.0, 100.0), (0.0, 0.0, 40.0, 140.0)
    assert pair_order.log_odds(Pair(3.0, box, box, "car", "car")) > 1
    assert pair_order.log_odds(Pair(0.0, lower, box, "car", "car")) > 1
    assert appearance_alone(0, 1, 2.0) == -appearance_alone(1, 0, -2.0) > 0


@given(pairs)
def test_classes_that_nobody_knows_say_nothing(pair: Pair) -> None:
    assert features(pair._replace(label_a=None))["person_in_front"] == 0


def test_fit_finds_the_weights_that_made_the_pairs_and_is_calibrated() -> None:
    truth = PairOrder({"appearance": 0.8, "lower_edge": 2.0})
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        corners = generator.uniform((0, 0, 40, 40), (60, 30, 120, 120), (2, 4))
        a, b = (tuple(np.concatenate((row[:2], row[:2] + row[2:])).tolist()) for row in corners)
        pair = Pair(float(generator.normal(scale=2)), a, b, "car", "car")
        in_front = generator.random() < 1 / (1 + np.exp(-truth.log_odds(pair)))
        drawn.append(pair if in_front else swapped(pair))
    fitted = PairOrder.fit(drawn, ("appearance", "geometry"))
    assert fitted.weights["appearance"] == pytest.approx(0.8, abs=0.1)
    assert fitted.weights["lower_edge"] == pytest.approx(2.0, abs=0.25)
    assert abs(fitted.weights.get("log_size", 0.0)) < 0.15


def test_pairs_count_as_often_as_said() -> None:
    box, lower = (0.0, 0.0, 40.0, 100.0), (0.0, 0.0, 40.0, 110.0)
    kinds = [Pair(1.0, box, lower), Pair(-1.0, lower, box), Pair(1.0, box, box)]
    counted = PairOrder.fit(kinds, counts=[3, 1, 2])
    written_out = PairOrder.fit([kinds[0]] * 3 + [kinds[1]] + [kinds[2]] * 2)
    assert counted.weights == pytest.approx(written_out.weights, abs=1e-3)


def test_fit_gives_no_weight_to_a_cue_that_speaks_against_itself() -> None:
    box, lower = (0.0, 0.0, 40.0, 100.0), (0.0, 0.0, 40.0, 110.0)
    assert PairOrder.fit([Pair(1.0, box, lower)] * 5, ("geometry",)).weights.get("lower_edge", 0.0) == 0


@pytest.mark.parametrize("counts", [None, [1.0]])
def test_fit_without_pairs_or_counts_for_them_is_an_error(counts: list[float] | None) -> None:
    with pytest.raises(ValueError, match="pairs: 0"):
        PairOrder.fit([], counts=counts)


def test_between_numbers_the_objects() -> None:
    stack = [(0.0, 0.0, 50.0, 100.0), (0.0, 0.0, 50.0, 120.0)]
    believed = EVERYTHING.between(stack, ["person", "car"], 300.0)
    assert believed(1, 0, 0.5) == EVERYTHING.log_odds(Pair(0.5, stack[1], stack[0], "car", "person", 300.0))
