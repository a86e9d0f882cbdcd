"""All orders of a small cluster, front to back, cutting off what cannot become the best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from amodal.reasoning.objective import Objective, canvas_crop


def better_order(objective: Objective, floor: float) -> list[int] | None:
    """The order with the largest J among those with J > `floor`, or None if there is none."""
    search = _Search(objective, *_stacked(objective), floor=floor)
    search.floor -= search.constant()
    zeros = np.zeros(search.gains.shape[1], np.float32)
    search.extend([], (1 << objective.count) - 1, zeros, zeros)
    return search.best


@dataclass
class _Search:
    objective: Objective
    gains: Float32[np.ndarray, "n samples"]  # on samples under two windows or more; -inf outside the window
    prices: Float32[np.ndarray, "n samples"]
    alone: float  # what the samples under a single window add, whatever the order
    floor: float
    best: list[int] | None = None
    largest_gain: dict[int, Float32[np.ndarray, " samples"]] = field(default_factory=dict)

    def constant(self) -> float:
        """The part of J that no order changes."""
        rest = sum(float(layer.rest.sum(dtype=np.float64)) for layer in self.objective.layers)
        return self.objective.scale * (rest + self.alone)

    def extend(
        self,
        front: list[int],
        left: int,
        best: Float32[np.ndarray, " samples"],
        paid: Float32[np.ndarray, " samples"],
    ) -> None:
        """Try every object of the set `left` (bits) behind `front`."""
        for n in range(self.objective.count):
            if not left >> n & 1 or (front and self._is_repetition(front[-1], n)):
                continue
            remaining = left & ~(1 << n)
            best_now = np.maximum(best, self.gains[n] + paid)
            paid_now = paid + self.prices[n]
            if not remaining:
                value = self.objective.scale * float(best_now.sum(dtype=np.float64))
                if value > self.floor:
                    self.floor, self.best = value, [*front, n]
                continue
            # Nobody behind can score more than its gain with what is paid already: paying more only costs.
            hope = np.maximum(best_now, paid_now + self._largest_gain(remaining))
            if self.objective.scale * float(hope.sum(dtype=np.float64)) > self.floor:
                self.extend([*front, n], remaining, best_now, paid_now)

    def _is_repetition(self, last: int, following: int) -> bool:
        """Two objects that do not overlap give the same either way round; one way is enough."""
        return following < last and following not in self.objective.neighbours[last]

    def _largest_gain(self, members: int) -> Float32[np.ndarray, " samples"]:
        if members not in self.largest_gain:
            rows = [n for n in range(self.objective.count) if members >> n & 1]
            self.largest_gain[members] = self.gains[rows].max(axis=0)
        return self.largest_gain[members]


def _stacked(
    objective: Objective,
) -> tuple[Float32[np.ndarray, "n samples"], Float32[np.ndarray, "n samples"], float]:
    """Gains and prices side by side where windows overlap, and what the other samples add."""
    height = max(layer.window[3] for layer in objective.layers)
    width = max(layer.window[2] for layer in objective.layers)
    gains = np.full((objective.count, height, width), -np.inf, np.float32)
    prices = np.zeros((objective.count, height, width), np.float32)
    covered = np.zeros((height, width), np.int32)
    for n, layer in enumerate(objective.layers):
        gains[n][canvas_crop(layer)] = layer.gain
        prices[n][canvas_crop(layer)] = layer.price
        covered[canvas_crop(layer)] += 1
    single = np.maximum(gains[:, covered == 1].max(axis=0), 0) if (covered == 1).any() else np.zeros(0)
    return gains[:, covered > 1], prices[:, covered > 1], float(single.sum(dtype=np.float64))
