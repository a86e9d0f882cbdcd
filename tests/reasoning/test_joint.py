from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import zoom

from amodal.reasoning import Evidence, Reasoning
from amodal.reasoning.cluster import objective_of as start
from amodal.reasoning.joint import reason
from amodal.reasoning.search import find_order
from amodal.reasoning.wishes import meet
from helpers.reasoning import (
    brute_force_evidence,
    closed_form_evidence,
    objective_of,
    on_picture,
    overlap,
    picture_size,
    random_evidence,
    scenes,
)


def prior_of(evidences: Sequence[Evidence], strength: float = 1.0):
    """Anything antisymmetric that depends on the objects, not on their numbers, and on what pixels say."""
    centre = [e.box[0] + 3 * e.box[3] + float(e.foreground.sum()) for e in evidences]
    return lambda i, j, appearance: strength * float(np.tanh(centre[i] - centre[j])) + 0.5 * appearance


def noisy_rescore(evidences: Sequence[Evidence], seed: int):
    """Another answer every time, better or worse, that depends on the object and its visible part alone."""

    def rescore(i: int, visible: np.ndarray) -> Evidence:
        e = evidences[i]
        mark = int(abs(float(e.foreground.sum())) * 1000) + int(visible.sum())
        noise = np.random.default_rng((seed, mark)).normal(scale=1.0, size=(3, *visible.shape))
        f, o, c = noise.astype(np.float32)
        return replace(e, foreground=e.foreground + f, occluded=e.occluded + o, context=e.context + c)

    return rescore


def assert_sound(evidences: Sequence[Evidence], result: Reasoning) -> None:
    size = picture_size(evidences)
    owners = np.zeros(size, int)
    for evidence, modal, amodal in zip(evidences, result.modal, result.amodal, strict=True):
        assert modal.shape == amodal.shape == evidence.shape
        assert not (modal & ~amodal).any()
        owners += on_picture(evidence, modal.astype(int), 0, size)
    assert owners.max(initial=0) <= 1
    assert sorted(result.order) == list(range(len(evidences)))
    rank = {n: k for k, n in enumerate(result.order)}
    assert len({frozenset(edge[:2]) for edge in result.edges}) == len(result.edges)
    assert all(rank[i] < rank[j] for i, j, _ in result.edges)
    assert all(0 <= p <= 1 for _, _, p in result.edges)


@given(scenes(), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_one_owner_per_pixel_modal_inside_amodal_and_order_without_cycles(evidences, prior, correct):
    result = reason(
        evidences,
        pair_log_odds=prior_of(evidences) if prior else None,
        rescore=noisy_rescore(evidences, 5) if correct else None,
    )
    assert_sound(evidences, result)


@given(scenes(most=6))
@settings(max_examples=60, deadline=None)
def test_search_finds_the_order_that_pixels_like_best_up_to_six_objects(evidences):
    pairs = [(i, j) for i, j in itertools.combinations(range(len(evidences)), 2) if overlap(evidences[i], evidences[j])]
    objective, step = start(range(len(evidences)), evidences, pairs, 4096)
    order = find_order(objective, exact_up_to=6)
    values = {
        every: objective_of(evidences, every, 1.0, None, closed_form_evidence)
        for every in itertools.permutations(range(len(evidences)))
    }
    assert step == 1  # the scenes have cells of one pixel
    assert values[order] == pytest.approx(max(values.values()), abs=1e-3)
    assert objective.value(order) == pytest.approx(values[order], abs=1e-3)


@given(scenes(most=5), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_order_is_the_most_probable_one_of_all_acyclic_orders(evidences, seed):
    odds = np.random.default_rng(seed).normal(scale=2, size=(5, 5))
    believed = lambda i, j, _: float(odds[i, j] - odds[j, i])  # noqa: E731 - one line says it
    result = reason(evidences, pair_log_odds=believed)

    def log_probability(order: Sequence[int]) -> float:
        return sum(
            -np.logaddexp(0, -believed(i, j, 0.0))
            for i, j in itertools.combinations(order, 2)
            if overlap(evidences[i], evidences[j])
        )

    best = max(log_probability(order) for order in itertools.permutations(range(len(evidences))))
    assert log_probability(result.order) == pytest.approx(best)
    for i, j, probability in result.edges:
        assert probability == pytest.approx(1 / (1 + np.exp(-believed(i, j, 0.0))))


@given(scenes())
@settings(max_examples=60, deadline=None)
def test_what_pixels_say_of_a_pair_does_not_depend_on_who_is_named_first(evidences):
    heard: dict[tuple[int, int], float] = {}

    def listen(sign: int):
        def believed(i: int, j: int, appearance: float) -> float:
            heard[sign * i, sign * j] = appearance
            return appearance

        return believed

    reason(evidences, pair_log_odds=listen(1))
    ahead = dict(heard)
    heard.clear()
    reason(evidences[::-1], pair_log_odds=listen(1))
    last = len(evidences) - 1
    if len({e.foreground.tobytes() for e in evidences}) == len(evidences):
        back = {(last - i, last - j): value for (i, j), value in heard.items()}
        assert back.keys() == ahead.keys()
        assert all(back[pair] == pytest.approx(ahead[pair], abs=1e-6) for pair in ahead)


@given(scenes(most=2))
@settings(max_examples=60, deadline=None)
def test_what_the_pixels_of_two_say_is_the_log_ratio_of_evidence_for_and_against(evidences):
    heard = []
    reason(evidences, pair_log_odds=lambda i, j, appearance: heard.append((i, j, appearance)) or 0.0)
    for i, j, appearance in heard:
        pair = [evidences[i], evidences[j]]
        gains = closed_form_evidence(pair, [0, 1]) - closed_form_evidence(pair, [1, 0])
        expected = np.log((1 + gains[gains > 0].sum()) / (1 - gains[gains < 0].sum()))
        assert appearance == pytest.approx(expected, abs=1e-3)


@given(scenes(most=4))
@settings(max_examples=40, deadline=None)
def test_reported_objective_is_that_of_the_best_labelling_of_all(evidences):
    result = reason(evidences)
    assert result.objective[-1] == pytest.approx(
        objective_of(evidences, result.order, 1.0, None, brute_force_evidence), abs=1e-3
    )


@given(scenes(most=4))
@settings(max_examples=20, deadline=None)
def test_closed_form_of_the_reference_equals_trying_all_labels(evidences):
    order = list(range(len(evidences)))
    np.testing.assert_allclose(
        closed_form_evidence(evidences, order), brute_force_evidence(evidences, order), atol=1e-9
    )


@given(scenes(most=5))
@settings(max_examples=60, deadline=None)
def test_the_labels_reach_the_objective_that_is_reported(evidences):
    result = reason(evidences)
    total = 0.0
    for e, modal, amodal in zip(result.evidences, result.modal, result.amodal, strict=True):
        chosen = np.where(modal, e.foreground, np.where(amodal, e.occluded, e.context))
        total += float(chosen.sum(dtype=np.float64))
    assert total == pytest.approx(result.objective[-1], abs=1e-3)


def touching() -> list[Evidence]:
    """Overlapping boxes, masks side by side: neither sees anything of itself under the other."""
    evidences = []
    for own, window in (((0, 5), (0, 0, 8, 4)), ((1, 8), (4, 0, 12, 4))):
        f, o, c = (np.full((4, 8), v, np.float32) for v in (-9.0, -9.0, 0.0))
        f[:, slice(*own)], c[:, slice(*own)] = 3, -6
        evidences.append(Evidence(window, f, o, c, tuple(map(float, window))))
    return evidences


def test_masks_that_touch_have_an_order_and_masks_apart_have_none():
    result = reason(touching(), pair_log_odds=lambda i, j, _: 1.0 * (j - i))
    assert not (result.amodal[0][:, 4:] & result.amodal[1][:, :4]).any()
    assert result.edges == ((0, 1, pytest.approx(1 / (1 + np.exp(-1)))),)
    near, far = touching()
    gone = far.foreground.copy()
    gone[:, 1] = -9  # a column of pixels between them
    assert reason([near, replace(far, foreground=gone, context=np.where(gone < 0, 0, -6))]).edges == ()


@given(scenes(most=2), st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_masks_meet_where_some_of_their_pixels_are_a_step_of_a_king_apart(evidences, seed):
    if len(evidences) < 2 or not overlap(*evidences):
        return
    generator = np.random.default_rng(seed)
    masks = [generator.random(e.shape) < 0.08 for e in evidences]
    a, b = (
        np.argwhere(on_picture(e, mask, False, picture_size(evidences)))
        for e, mask in zip(evidences, masks, strict=True)
    )
    steps = np.abs(a[:, None] - b[None]).max(-1, initial=0)
    assert meet(masks[0], evidences[0].window, masks[1], evidences[1].window) == bool((steps <= 1).any())


@given(scenes(), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=100, deadline=None)
def test_result_does_not_depend_on_the_order_in_which_objects_are_given(evidences, random, correct):
    shuffled = list(range(len(evidences)))
    random.shuffle(shuffled)
    others = [evidences[n] for n in shuffled]

    def solve(given):
        return reason(
            given,
            pair_log_odds=prior_of(given),
            rescore=noisy_rescore(given, 7) if correct else None,
        )

    first, second = solve(evidences), solve(others)
    assert first.objective == second.objective
    # Truly identical objects may swap, so objects are compared as a set of (evidence, masks).
    assert sorted(described(evidences, first)) == sorted(described(others, second))
    if len({e.foreground.tobytes() for e in evidences}) == len(evidences):
        assert {(shuffled[i], shuffled[j], p) for i, j, p in second.edges} == set(first.edges)
        assert {frozenset(shuffled[n] for n in g) for g in second.cycles} == set(map(frozenset, first.cycles))


def described(evidences: Sequence[Evidence], result: Reasoning) -> list[tuple[object, ...]]:
    return [
        (e.window, e.foreground.tobytes(), modal.tobytes(), amodal.tobytes(), final.foreground.tobytes())
        for e, modal, amodal, final in zip(evidences, result.modal, result.amodal, result.evidences, strict=True)
    ]


@given(scenes(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_the_objective_never_falls_over_rounds(evidences, seed):
    result = reason(evidences, rescore=noisy_rescore(evidences, seed), rounds=5, pair_log_odds=prior_of(evidences))
    assert all(later >= earlier - 1e-4 for earlier, later in itertools.pairwise(result.objective))
    assert len(result.objective) <= 6


@given(scenes(most=1))
@settings(max_examples=30, deadline=None)
def test_rounds_change_nothing_for_a_single_object(evidences):
    def refuse(i: int, visible: np.ndarray) -> Evidence:
        raise AssertionError("a single object is hidden by nobody")

    alone = reason(evidences, rounds=0)
    corrected = reason(evidences, rescore=refuse, rounds=3)
    assert described(evidences, alone) == described(evidences, corrected)


def test_rescoring_that_lowers_the_objective_is_refused():
    evidences = two_cars()
    worse = replace(
        evidences[0],
        foreground=evidences[0].foreground - 5,
        occluded=evidences[0].occluded - 5,
        context=evidences[0].context - 5,
    )
    result = reason(evidences, rescore=lambda i, visible: worse if i == 0 else None)
    assert result.evidences[0] is evidences[0]
    assert len(result.objective) == 1


def test_rescoring_that_raises_the_objective_is_kept():
    evidences = two_cars()
    better = replace(evidences[0], foreground=evidences[0].foreground + 1)
    result = reason(evidences, rescore=lambda i, visible: better if i == 0 else None)
    assert result.evidences[0] is better
    assert result.objective[1] > result.objective[0]


def test_rescoring_sees_neither_what_is_covered_nor_what_the_outlier_explains():
    evidences = two_cars()
    seen: dict[int, np.ndarray] = {}
    reason(evidences, rescore=seen.__setitem__, rounds=1)
    assert list(seen) == [0]
    assert seen[0][:, :4].all()  # left of the car in front
    assert not seen[0][:, 4:].any()


def test_rescoring_on_another_window_is_an_error():
    evidences = two_cars()
    moved = random_evidence(np.random.default_rng(0), (0, 0, 3, 3))
    with pytest.raises(ValueError, match="rescore: window"):
        reason(evidences, rescore=lambda i, visible: moved)


def two_cars() -> list[Evidence]:
    """Object 0 lies left and behind, object 1 right and in front; both would like the strip they share."""
    shape = (6, 8)
    f = np.full(shape, 2.0, np.float32)
    back = Evidence((0, 0, 8, 6), f, f * 0, f * 0 - 3, (0, 0, 8, 6))
    front = Evidence((4, 0, 12, 6), f + 1, f * 0, f * 0 - 3, (4, 0, 12, 6))
    return [back, front]


def test_the_stronger_of_two_overlapping_objects_stands_in_front_and_the_other_is_hidden_there():
    result = reason(two_cars())
    assert [edge[:2] for edge in result.edges] == [(1, 0)]
    assert result.modal[1].all()
    assert result.modal[0][:, :4].all()
    assert not result.modal[0][:, 4:].any()
    assert result.amodal[0].all()


def test_what_is_believed_of_a_pair_decides_its_order():
    same = two_cars()[0]
    evidences = [same, replace(same, box=(0.0, 0.0, 8.0, 9.0))]
    one = reason(evidences, pair_log_odds=lambda i, j, _: 2.0 * (j - i))
    other = reason(evidences, pair_log_odds=lambda i, j, _: 2.0 * (i - j))
    assert one.edges == ((0, 1, pytest.approx(1 / (1 + np.exp(-2)))),)
    assert other.edges == ((1, 0, pytest.approx(1 / (1 + np.exp(-2)))),)


def test_a_pair_without_any_evidence_is_a_coin_toss_that_is_always_tossed_the_same():
    same = two_cars()[0]
    evidences = [same, replace(same, box=(0.0, 0.0, 8.0, 9.0))]
    assert reason(evidences).edges == ((0, 1, 0.5),)
    assert reason(evidences[::-1]).edges == ((1, 0, 0.5),)


def interlocking() -> list[Evidence]:
    """Each of two objects on the same window has the better claim in one half of it."""
    f = np.full((10, 10), 3.0, np.float32)
    left, right = f.copy(), f.copy()
    left[:, :5] += 3
    right[:, 5:] += 3
    o, c = np.zeros_like(f), np.full_like(f, -6)
    return [Evidence((0, 0, 10, 10), maps, o, c, (0, 0, 10, 10)) for maps in (left, right)]


def test_two_interlocking_objects_get_one_order_and_are_reported():
    result = reason(interlocking())
    assert_sound(interlocking(), result)
    assert len(result.edges) == 1
    assert result.cycles == ((0, 1),)


def test_three_objects_that_wish_a_circle_are_ordered_all_the_same_and_reported():
    evidences = circle_of_three()
    result = reason(evidences)
    assert_sound(evidences, result)
    assert len(result.edges) == 3
    assert result.cycles == ((0, 1, 2),)


def circle_of_three() -> list[Evidence]:
    """On a third of the picture each, 0 beats 1, 1 beats 2, 2 beats 0; the third one is absent there."""
    evidences = []
    for n in range(3):
        f, o, c = (np.full((6, 9), v, np.float32) for v in (-9.0, -9.0, 0.0))
        ahead, behind = slice(3 * n, 3 * n + 3), slice(3 * ((n - 1) % 3), 3 * ((n - 1) % 3) + 3)
        f[:, ahead], o[:, ahead], c[:, ahead] = 4, 0, -6
        f[:, behind], o[:, behind], c[:, behind] = 3, 0, -6
        evidences.append(Evidence((0, 0, 9, 6), f, o, c, (0, 0, 9, 6 + n)))
    return evidences


def test_a_clear_pair_is_not_reported_as_interlocking():
    assert reason(two_cars()).cycles == ()


def test_no_objects_give_an_empty_result():
    result = reason([])
    assert (result.modal, result.edges, result.order, result.objective) == ((), (), (), ())


def test_objects_that_do_not_overlap_are_solved_as_if_alone():
    generator = np.random.default_rng(3)
    evidences = [random_evidence(generator, (10 * n, 0, 10 * n + 8, 6)) for n in range(4)]
    together = reason(evidences)
    assert together.edges == ()
    for n, evidence in enumerate(evidences):
        assert np.array_equal(together.modal[n], reason([evidence]).modal[0])


@pytest.mark.parametrize("count", [7, 8])
def test_local_search_comes_close_to_the_best_of_all_orders(count):
    found_best = 0
    for seed in range(6):
        generator = np.random.default_rng(seed)
        evidences = [random_evidence(generator, (n % 3, n % 2, 6 + n % 3, 5 + n % 2)) for n in range(count)]
        objective, _ = start(range(count), evidences, list(itertools.combinations(range(count), 2)), 4096)
        local, exact = (objective.value(find_order(objective, exact_up_to=limit)) for limit in (6, count))
        found_best += local >= exact - 1e-3
        assert local >= exact - 0.02 * abs(exact)
    assert found_best >= 4


def test_an_order_found_on_samples_is_nearly_the_best_on_all_pixels():
    evidences = smooth_scene(5, seed=2)
    objective, _ = start(range(5), evidences, list(itertools.combinations(range(5), 2)), 1000)
    order = find_order(objective, exact_up_to=6)
    values = [
        objective_of(evidences, every, 1.0, None, closed_form_evidence) for every in itertools.permutations(range(5))
    ]
    found = objective_of(evidences, order, 1.0, None, closed_form_evidence)
    assert (found - min(values)) / (max(values) - min(values)) > 0.95


def smooth_scene(count: int, seed: int) -> list[Evidence]:
    generator = np.random.default_rng(seed)
    evidences = []
    for _ in range(count):
        x0, y0 = generator.integers(0, 80, 2).tolist()
        f, c = (zoom(generator.normal(size=(9, 12)).astype(np.float32), 8, order=1) for _ in range(2))
        window = (x0, y0, x0 + 96, y0 + 72)
        evidences.append(Evidence(window, f + 1, f * 0, c - 1, tuple(map(float, window)), 64.0))
    assert all(overlap(a, b) for a, b in itertools.combinations(evidences, 2))
    return evidences


def test_cost_grows_with_overlapping_pairs_and_not_with_all_pairs(monkeypatch):
    """Counted, not timed: evaluations in a row of objects where each overlaps its neighbour only."""
    from amodal.reasoning.objective import Objective

    looked_at = []
    original = Objective.values_of_slots

    def counted(self, moved, near):
        looked_at.append(len(near))
        return original(self, moved, near)

    monkeypatch.setattr(Objective, "values_of_slots", counted)
    cost = []
    for count in (20, 80):
        generator = np.random.default_rng(1)
        looked_at.clear()
        reason([random_evidence(generator, (5 * n, 0, 5 * n + 8, 5)) for n in range(count)])
        cost.append(sum(looked_at))
        assert max(looked_at) <= 2
    assert cost[1] <= 4 * 1.5 * cost[0]
