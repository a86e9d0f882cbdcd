"""The most probable acyclic order of objects, given how probable each pair's order is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from amodal.order import strongly_connected
from amodal.reasoning.graph import topological_order

EXACT_UP_TO = 12


def most_probable_order(log_odds: Float64[np.ndarray, "n n"], exact_up_to: int = EXACT_UP_TO) -> tuple[int, ...]:
    """Front to back, the order with the largest Σ log P(pair in that order) over all pairs.

    `log_odds[i, j]` is for i in front of j, antisymmetric, 0 for pairs that do not matter. Only objects whose wishes
    go round in a circle have to be searched for; such a knot is solved exactly up to `exact_up_to` objects, by moves
    from several starts above. Ties go to the smaller number.
    """
    count = len(log_odds)
    wishes = [(int(i), int(j)) for i, j in np.argwhere(log_odds > 0)]
    following: dict[int, list[int]] = {n: [] for n in range(count)}
    for i, j in wishes:
        following[i].append(j)
    knot_of, chains = list(range(count)), []
    for group in strongly_connected(following):
        members = sorted(group)
        for n in members:
            knot_of[n] = members[0]
        if len(members) > 1:
            own = log_odds[np.ix_(members, members)]
            best = _exactly(own) if len(members) <= exact_up_to else _by_moves(own)
            chains += [(members[a], members[b]) for a, b in pairwise(best)]
    # No wish between knots can be part of a circle, so all of them can be granted.
    between = [(i, j) for i, j in wishes if knot_of[i] != knot_of[j]]
    return tuple(topological_order(count, between + chains))


def granted(log_odds: Float64[np.ndarray, "n n"], order: Sequence[int]) -> float:
    """Σ of the log-odds of all pairs in that order: up to a constant twice their Σ log P."""
    ordered = log_odds[np.ix_(order, order)]
    return float(np.triu(ordered).sum())


def _exactly(log_odds: Float64[np.ndarray, "n n"]) -> list[int]:
    """By sets: the best order of a set ends with one of its objects, behind the best order of the others."""
    count = len(log_odds)
    best = np.full(1 << count, -np.inf)
    last = np.zeros(1 << count, np.int64)
    best[0] = 0.0
    for members in range(1, 1 << count):
        inside = [n for n in range(count) if members >> n & 1]
        for n in reversed(inside):
            value = best[members & ~(1 << n)] + log_odds[inside, n].sum()
            if value > best[members]:
                best[members], last[members] = value, n
    order, left = [], (1 << count) - 1
    while left:
        order.append(int(last[left]))
        left &= ~(1 << order[-1])
    return order[::-1]


def _by_moves(log_odds: Float64[np.ndarray, "n n"]) -> list[int]:
    starts = [np.argsort(-log_odds.sum(1), kind="stable"), np.argsort(-np.tanh(log_odds / 2).sum(1), kind="stable")]
    orders = [_climb(log_odds, start.tolist()) for start in starts]
    return max(orders, key=lambda order: granted(log_odds, order))


def _climb(log_odds: Float64[np.ndarray, "n n"], order: list[int]) -> list[int]:
    """Move single objects to their best place until no move gains anything."""
    moved = True
    while moved:
        moved = False
        for n in sorted(order):
            place = order.index(n)
            others = order[:place] + order[place + 1 :]
            behind = np.concatenate(([0.0], np.cumsum(log_odds[others, n])))  # what those before the slot gain
            front = np.concatenate((np.cumsum(log_odds[n, others][::-1])[::-1], [0.0]))
            values = behind + front
            best = int(values.argmax())
            if values[best] > values[place] + 1e-9:
                order = [*others[:best], n, *others[best:]]
                moved = True
    return order
