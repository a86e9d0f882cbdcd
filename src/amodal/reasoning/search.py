"""The order of a cluster that its pixels like best: every order of a small one, moves from several starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float64

from amodal.reasoning.exhaustive import better_order
from amodal.reasoning.objective import Objective

ValuesOfSlots = Callable[[int, tuple[int, ...]], Float64[np.ndarray, " slots"]]


def find_order(objective: Objective, starts: Sequence[Sequence[int]] = (), exact_up_to: int = 6) -> tuple[int, ...]:
    """The order (front to back) with the largest J that was found; exact for N <= `exact_up_to`.

    `starts` are orders to begin with, by default two; the result is never worse than any of them.
    Ties go to the order found first, so objects must come in a canonical sequence.
    """
    best: list[int] = []
    best_value = -np.inf
    values_of_slots = cache(objective.values_of_slots)  # climbs from different starts meet
    for start in starts or _starts(objective):
        order = _climb(objective, start, values_of_slots)
        value = objective.value(order)
        if value > best_value + _tolerance(best_value):
            best, best_value = order, value
    if objective.count <= exact_up_to:
        better = better_order(objective, best_value + _tolerance(best_value))
        return tuple(better or best)
    return tuple(best)


def _climb(objective: Objective, start: Sequence[int], values_of_slots: ValuesOfSlots) -> list[int]:
    """Move single objects to their best place until no move raises J (adjacent swaps are such moves)."""
    order = list(start)
    waiting = set(order)
    while waiting:
        for n in sorted(waiting):
            waiting.discard(n)
            rank = {m: k for k, m in enumerate(order)}
            near = tuple(sorted(objective.neighbours[n], key=rank.__getitem__))
            if not near:
                continue
            values = values_of_slots(n, near)
            slot = sum(rank[m] < rank[n] for m in near)
            best = int(np.argmax(values))
            if values[best] > values[slot] + _tolerance(values[slot]):
                order.remove(n)
                order.insert(order.index(near[best]) if best < len(near) else order.index(near[-1]) + 1, n)
                waiting.update(near)
    return order


def _starts(objective: Objective) -> list[list[int]]:
    """Where to begin: by what each pair alone would wish, by strength of evidence."""
    wish = np.zeros(objective.count)
    for i, j in objective.pairs():
        vote = float(np.tanh(objective.scale * float(objective.gains_alone(i, j).sum(dtype=np.float64)) / 2))
        wish[[i, j]] += (vote, -vote)
    strength = np.array([float(np.maximum(layer.gain, 0).sum()) for layer in objective.layers])
    orders: list[list[int]] = []
    for score in (wish, strength):
        order: list[int] = np.argsort(-score, kind="stable").tolist()
        if order not in orders:
            orders.append(order)
    return orders


def _tolerance(value: float) -> float:
    # Sums of float32 scores differ by rounding; a move has to gain more than that.
    return 1e-6 * (1.0 + abs(value)) if np.isfinite(value) else 0.0
