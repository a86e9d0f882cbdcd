"""The most probable acyclic order: against all orders, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.reasoning.probable import most_probable_order


def log_probability(log_odds: np.ndarray, order: tuple[int, ...]) -> float:
    """Σ log P(pair in that order), term by term; a pair of log-odds 0 is a coin's either way."""
    return sum(-np.logaddexp(0, -log_odds[i, j]) for i, j in itertools.combinations(order, 2))


@st.composite
def beliefs(draw: st.DrawFn, most: int = 6) -> np.ndarray:
    """Antisymmetric log-odds; some pairs do not meet, some are equally sure."""
    count = draw(st.integers(1, most))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    odds = generator.normal(scale=3, size=(count, count))
    if draw(st.booleans()):
        odds = np.round(odds)
    odds[generator.random((count, count)) < draw(st.sampled_from([0.0, 0.4]))] = 0
    upper = np.triu(odds, 1)
    return upper - upper.T


@given(beliefs(), st.sampled_from([12, 0]))
@settings(max_examples=150, deadline=None)
def test_it_is_the_best_of_all_orders(log_odds: np.ndarray, exact_up_to: int) -> None:
    order = most_probable_order(log_odds, exact_up_to)
    best = max(log_probability(log_odds, every) for every in itertools.permutations(range(len(log_odds))))
    assert sorted(order) == list(range(len(log_odds)))
    if exact_up_to:
        assert log_probability(log_odds, order) == pytest.approx(best)
    else:  # by moves alone
        moved = (_moved(order, start, end) for start in range(len(order)) for end in range(len(order)))
        assert all(log_probability(log_odds, every) <= log_probability(log_odds, order) + 1e-9 for every in moved)


@given(beliefs(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_it_is_as_probable_however_the_objects_are_numbered(log_odds: np.ndarray, random) -> None:
    numbers = list(range(len(log_odds)))
    random.shuffle(numbers)
    other = most_probable_order(log_odds[np.ix_(numbers, numbers)])
    renamed = tuple(numbers[n] for n in other)
    assert log_probability(log_odds, renamed) == pytest.approx(log_probability(log_odds, most_probable_order(log_odds)))


@given(beliefs())
@settings(max_examples=60, deadline=None)
def test_opposite_beliefs_make_an_order_as_probable_in_reverse(log_odds: np.ndarray) -> None:
    reverse = most_probable_order(-log_odds)[::-1]
    assert log_probability(log_odds, reverse) == pytest.approx(log_probability(log_odds, most_probable_order(log_odds)))


def test_many_objects_without_a_circle_are_all_granted_their_wishes() -> None:
    generator = np.random.default_rng(0)
    truth = generator.permutation(60)
    rank = np.argsort(truth)
    log_odds = np.where(rank[:, None] < rank[None], 1.0, -1.0) * generator.random((60, 60))
    log_odds = np.triu(log_odds, 1) - np.triu(log_odds, 1).T
    log_odds = np.where(rank[:, None] < rank[None], np.abs(log_odds), -np.abs(log_odds)) * ~np.eye(60, dtype=bool)
    assert most_probable_order(log_odds) == tuple(truth.tolist())


def _moved(order: tuple[int, ...], start: int, end: int) -> list[int]:
    """The same order with one object elsewhere."""
    others = [*order[:start], *order[start + 1 :]]
    return [*others[:end], order[start], *others[end:]]
