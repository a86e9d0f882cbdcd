"""How to train: the budget, the learning rate and what is kept, the same for all networks."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal

from amodal.errors import InputError


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the same for all networks but for what a network's own defaults say."""

    steps: int = 1000
    """Steps of descent."""
    batch: int = 4
    """Samples per step, over all processes."""
    seed: int = 0
    """Same data, same seed, same machine: same weights."""
    rate: float = 1e-3
    """Highest learning rate; warm-up, then a half cosine down to a hundredth, or `drops`."""
    pretrained_rate: float = 0.2
    """Of that, the share for the pretrained backbone."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """SGD has momentum 0.9."""
    weight_decay: float = 1e-2
    """For weights of two dimensions and more."""
    warm_up: float = 0.05
    """Share of the steps over which the rate rises."""
    clip: float = 5.0
    """Largest norm of a step's gradient."""
    half: bool = True
    """Compute in bfloat16 where that is safe."""
    keep_every: int = 100
    """Steps between checkpoints."""
    drops: tuple[int, ...] = ()
    """Steps at which the rate falls to a tenth; with any of them there is no cosine."""
    accumulate: int = 1
    """Parts in which a step's samples are taken one after the other: less memory, the same gradient."""

    def __post_init__(self) -> None:
        """Refuse what cannot be before anything is read."""
        object.__setattr__(self, "drops", tuple(self.drops))
        for name in ("steps", "batch", "keep_every", "accumulate"):
            if getattr(self, name) < 1:
                raise InputError("train", name, f"is {getattr(self, name)}", "expected at least 1")
        if self.seed < 0:
            raise InputError("train", "seed", f"is {self.seed}", "expected 0 or more")
        if not 0 < self.rate < math.inf:
            raise InputError("train", "rate", f"is {self.rate}", "expected a positive number")
        if self.batch % self.accumulate:
            found, expected = f"is {self.accumulate}", f"expected a divisor of batch {self.batch}"
            raise InputError("train", "accumulate", found, expected)
        if any(drop < 1 for drop in self.drops) or any(early >= late for early, late in pairwise(self.drops)):
            raise InputError("train", "drops", f"is {self.drops}", "expected rising numbers of steps")

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, the first being 0."""
        rising = max(1, round(self.warm_up * self.steps))
        if step < rising:
            return self.rate * (step + 1) / rising
        if self.drops:
            return self.rate * 0.1 ** sum(step >= drop for drop in self.drops)
        done = (step - rising) / max(1, self.steps - rising)
        return self.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def budget(self) -> dict[str, Any]:
        """What of it decides the weights beside the seed; later settings only where they are used.

        So networks trained before there were drops keep their recipe, and with it their checkpoints.
        """
        later = {"drops": (), "accumulate": 1}
        told = [one.name for one in fields(self) if one.name not in ("seed", "keep_every")]
        return {name: getattr(self, name) for name in told if getattr(self, name) != later.get(name)}
