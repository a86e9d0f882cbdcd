"""How probable it is that something hides a part of an object: a network's own word, calibrated.

Networks with an occlusion branch say it themselves; of others the share of the whole mask that is not seen speaks.
Positive examples weigh more than one in the branch's loss, so that its logits need an offset beside a temperature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64

from amodal.errors import InputError
from amodal.evaluation.calibration import LEAST_HIDDEN

_LEAST = 1e-4
_PLAUSIBLE = 100.0
_RIDGE = 1e-3  # draws the fit to the uncalibrated one, so that examples of one kind alone do not run away


@dataclass(frozen=True)
class Occlusion:
    """Probability = sigmoid(scale · signal + offset); one over `scale` is the temperature."""

    scale: float = 1.0
    offset: float = 0.0

    def probability(self, signal: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """The calibrated probability of each signal."""
        odds: Float64[np.ndarray, " n"] = np.clip(self.scale * signal + self.offset, -50, 50)
        chances: Float64[np.ndarray, " n"] = 1 / (1 + np.exp(-odds))
        return chances

    def to_json(self) -> dict[str, float]:
        """As a model file keeps it."""
        return {"scale": self.scale, "offset": self.offset}

    @classmethod
    def from_json(cls, value: Any, where: str) -> Occlusion:
        """What `to_json` gave; raises `InputError` for anything else."""
        numbers = [value.get(name) for name in ("scale", "offset")] if isinstance(value, Mapping) else []
        usable = [isinstance(number, int | float) and abs(number) <= _PLAUSIBLE for number in numbers]
        if not usable or not all(usable):
            raise InputError(where, "occlusion", f"is {value!r}", "expected a scale and an offset")
        return cls(float(numbers[0]), float(numbers[1]))  # type: ignore[arg-type]


BY_BRANCH = Occlusion()
BY_MASKS = Occlusion(1.0, float(-np.log(LEAST_HIDDEN / (1 - LEAST_HIDDEN))))
"""Uncalibrated: even odds where as much is hidden as makes an object count as occluded."""


def branch_signal(probability: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The logits of an occlusion branch."""
    return _logit(probability)


def mask_signal(
    whole: Float[np.ndarray, "n rows cols"], seen: Float[np.ndarray, "n rows cols"]
) -> Float64[np.ndarray, " n"]:
    """Log odds of the hidden share, by two mask branches."""
    total = np.maximum(whole, seen).sum(axis=(1, 2), dtype=np.float64)
    visible = seen.sum(axis=(1, 2), dtype=np.float64)
    return _logit(1 - np.divide(visible, total, out=np.ones_like(total), where=total > 0))


def fit(signal: Float64[np.ndarray, " n"], occluded: Bool[np.ndarray, " n"], start: Occlusion = BY_BRANCH) -> Occlusion:
    """Scale and offset of least log loss, by Newton's method; a scale below zero is chance and becomes zero.

    Raises:
        ValueError: nothing to learn from.
    """
    if not len(signal) or len(signal) != len(occluded):
        raise ValueError(f"{len(signal)} signals for {len(occluded)} objects, expected some, one for each")
    table = np.stack([signal, np.ones_like(signal)], axis=1)
    first = np.array([start.scale, start.offset])
    found = _newton(table, occluded.astype(np.float64), first)
    if found[0] < 0:
        found = np.array([0.0, _newton(table[:, 1:], occluded.astype(np.float64), first[1:])[0]])
    return Occlusion(float(found[0]), float(found[1]))


def _newton(
    table: Float64[np.ndarray, "n k"], happened: Float64[np.ndarray, " n"], start: Float64[np.ndarray, " k"]
) -> Float64[np.ndarray, " k"]:
    weights = start.copy()
    loss = _loss(table, happened, weights, start)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(table @ weights, -50, 50)))
        slope = table.T @ (chance - happened) / len(table) + _RIDGE * (weights - start)
        bend = (table * (chance * (1 - chance))[:, None]).T @ table / len(table) + _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        while (tried := _loss(table, happened, weights - step, start)) > loss and np.abs(step).max() > 1e-12:
            step = step / 2
        weights, loss = weights - step, tried
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _loss(
    table: Float64[np.ndarray, "n k"],
    happened: Float64[np.ndarray, " n"],
    weights: Float64[np.ndarray, " k"],
    start: Float64[np.ndarray, " k"],
) -> float:
    odds = table @ weights
    each = np.logaddexp(0, odds) - happened * odds
    return float(each.mean() + _RIDGE / 2 * ((weights - start) ** 2).sum())


def _logit(chance: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    clipped = np.clip(np.asarray(chance, np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(clipped / (1 - clipped)))
