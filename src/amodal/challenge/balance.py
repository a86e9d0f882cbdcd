"""Balance: which levels a scene's objects get, and on which side of an occludee's size and lower edge they stand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from amodal.scene import Instance, Scene

Scenario = Literal["two", "four", "two-unknown", "street"]  # a new one at the end: the place is part of the seed
FEWEST = {"two": 2, "four": 4, "two-unknown": 2, "street": 5}  # known objects
RULES = ("lower", "larger", "taller")

# Hidden part of an object of a level. A little inside the definition, so that no rounding moves an object.
RANGES = {"L0": (0.0, 0.005), "L1": (0.05, 0.295), "L2": (0.305, 0.595), "L3": (0.605, 0.88),
          "any": (0.0, 0.88)}  # fmt: skip
_LIKELY = 0.97  # that the missing side is asked for: not always, for some objects can have no pair like that
LEAST_VISIBLE_PX = 32  # of a known object
_ONE_MORE_IN_FRONT = 0.25  # of `four`: share of scenes in which a second object is not hidden
_MOST_IN_STREET = 12
_ONE_IN_FRONT = 0.7  # of `two-unknown`: share of scenes in which one of the two known is not hidden


class Sides(NamedTuple):
    """Of a pair: whether the front object reaches lower, has the larger mask, and the higher box."""

    lower: bool
    larger: bool
    taller: bool


@dataclass
class Balance:
    """Counts, for each level of the hidden object, how often a rule was right; asks for what is missing."""

    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)

    def wanted(self, level: str, rng: np.random.Generator) -> Sides:
        """The sides that the next pair of this level should have."""
        chosen = []
        for rule in RULES:
            lead = 2 * self.right[level, rule] - self.pairs[level]
            likely = 0.5 if lead == 0 else _LIKELY if lead < 0 else 1 - _LIKELY
            chosen.append(bool(rng.random() < likely))
        return Sides(*chosen)

    def add(self, scene: Scene) -> None:
        """Count the pairs of known objects of a scene."""
        for level, sides in pairs_of(scene):
            self.pairs[level] += 1
            for rule, is_right in zip(RULES, sides, strict=True):
                self.right[level, rule] += is_right


def targets(scenario: Scenario, seed: int, index: int) -> tuple[str, ...]:
    """Levels of the known objects from front to back; in any three scenes from a multiple of 3 L1, L2, L3 are even.

    A street's are not chosen: `any` for each of 5 to 12 objects.
    """
    if scenario == "street":
        return ("any",) * int(np.random.default_rng([seed, index]).integers(FEWEST["street"], _MOST_IN_STREET + 1))
    rng = np.random.default_rng([seed, index // 3, 0])
    count = {"two": 1, "four": 3, "two-unknown": 2}[scenario]
    levels = [f"L{1 + (number + index) % 3}" for number in rng.integers(0, 3, count).tolist()]
    free = rng.random() < {"two": 0, "four": _ONE_MORE_IN_FRONT, "two-unknown": _ONE_IN_FRONT}[scenario]
    place = int(rng.integers(count))
    if free:
        levels[place] = "L0"
    return tuple(levels) if scenario == "two-unknown" else ("L0", *levels)


def pairs_of(scene: Scene) -> list[tuple[str, Sides]]:
    """Level of the hidden object and the sides of every ordered pair of known objects."""
    by_id = {instance.id: instance for instance in scene.instances if instance.meta["known"]}
    edges = [
        (by_id[edge.front], by_id[edge.behind])
        for edge in scene.order.edges
        if {edge.front, edge.behind} <= by_id.keys()
    ]
    return [(str(behind.level), _sides(front, behind)) for front, behind in edges]


def _sides(front: Instance, behind: Instance) -> Sides:
    (_, front_top, _, front_bottom), (_, behind_top, _, behind_bottom) = front.box, behind.box
    taller = front_bottom - front_top > behind_bottom - behind_top
    return Sides(front_bottom > behind_bottom, front.amodal.area > behind.amodal.area, taller)
