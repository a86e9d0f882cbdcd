"""How probable it is that one object is in front of another, from all that speaks of it: one calibrated number.

Cues: what pixels say (`appearance.py`), what two boxes say (`geometry.py`), and what the two classes change in that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float64

from amodal.reasoning.evidence import Box, PairLogOdds
from amodal.reasoning.geometry import pair_features
from amodal.reasoning.pair_weights import WEIGHTS

Cue = Literal["appearance", "geometry", "class"]
CUES: tuple[Cue, ...] = get_args(Cue)

CUE_OF_FEATURE: Mapping[str, tuple[Cue, ...]] = {
    "appearance": ("appearance",),
    "lower_edge": ("geometry",),
    "log_size": ("geometry",),
    "person_in_front": ("class",),
}
"""The features of a pair, and the cues each of them needs.

Tried on train pairs and worth nothing in cross-validation (`experiments/order_evidence`): lower edges or appearance
that count otherwise between a person and a vehicle, lower edges that count less where they are far apart, where the
larger box is the higher one or where heights do not fit the perspective, and a second, steeper term of appearance.
"""


CLEARLY_LOWER = 0.05
"""In mean heights of the boxes. Of .03, .1 and .3, .03 was best with a student's maps, .1 with compositional ones."""


class Pair(NamedTuple):
    """All that is known of two objects a and b: what pixels say for a in front of b, boxes, classes, photo height.

    A `photo_height` of None: the picture cuts nothing off. A label of None: a class that nobody knows.
    """

    appearance: float
    box_a: Box
    box_b: Box
    label_a: str | None = None
    label_b: str | None = None
    photo_height: float | None = None


@dataclass(frozen=True)
class PairOrder:
    """A logistic model of a pair's order; antisymmetric, hence without a bias.

    Attributes:
        weights: log-odds per unit of each feature; features that are not named weigh nothing.
    """

    weights: Mapping[str, float]

    def log_odds(self, pair: Pair) -> float:
        """Log-odds that a is in front of b."""
        found = features(pair)
        return math.fsum(weight * found[name] for name, weight in self.weights.items())

    def between(
        self, boxes: Sequence[Box], labels: Sequence[str | None], photo_height: float | None = None
    ) -> PairLogOdds:
        """The same for numbered objects, as `reason` takes it."""

        def log_odds(i: int, j: int, appearance: float) -> float:
            return self.log_odds(Pair(appearance, boxes[i], boxes[j], labels[i], labels[j], photo_height))

        return log_odds

    @classmethod
    def of(cls, cues: Iterable[Cue] = CUES, witness: str = "compositional") -> PairOrder:
        """The shipped weights for these cues, all by default; `witness` names whose maps appearance comes from.

        Raises:
            KeyError: no such witness.
        """
        chosen = ",".join(cue for cue in CUES if cue in set(cues))
        return cls(WEIGHTS[witness][chosen] if chosen else {})

    @classmethod
    def fit(
        cls,
        pairs: Sequence[Pair],
        cues: Iterable[Cue] = CUES,
        *,
        counts: Sequence[float] | None = None,
        inverse_penalty: float = 1.0,
    ) -> PairOrder:
        """Weights by logistic regression from judged pairs (a is in front), each counting `counts` times.

        A smaller `inverse_penalty` (scikit-learn's C) draws the weights nearer to zero.

        Raises:
            ValueError: no pairs, or not one count per pair.
        """
        if not pairs or (counts is not None and len(counts) != len(pairs)):
            found = "" if counts is None else f" with {len(counts)} counts"
            raise ValueError(f"pairs: {len(pairs)}{found}, expected at least one, and one count each")
        names = features_of(cues)
        table = np.array([[features(pair)[name] for name in names] for pair in pairs])
        # Neither a lower edge, nor size, nor pixels may speak against themselves: such a weight is chance.
        free = list(range(len(names)))
        weights = np.zeros(len(names))
        while free:
            weights[:] = 0.0
            weights[free] = _regression(table[:, free], counts, inverse_penalty)
            wrong = [k for k in free if weights[k] < 0 and names[k] in ("appearance", "lower_edge", "log_size")]
            if not wrong:
                break
            free.remove(min(wrong, key=weights.__getitem__))
        return cls({name: float(weight) for name, weight in zip(names, weights, strict=True) if weight})


def features_of(cues: Iterable[Cue]) -> tuple[str, ...]:
    """The features that these cues allow."""
    allowed = set(cues)
    return tuple(name for name, needed in CUE_OF_FEATURE.items() if allowed.issuperset(needed))


def features(pair: Pair) -> dict[str, float]:
    """Every feature of the pair; exchanging a and b changes the signs and nothing else."""
    lower, size = pair_features(pair.box_a, pair.box_b, pair.photo_height)
    person_a, person_b = pair.label_a == "person", pair.label_b == "person"
    between_kinds = float(person_a != person_b and None not in (pair.label_a, pair.label_b))
    return {
        "appearance": pair.appearance,
        # A lower edge is soon as clear as it gets: beyond a tenth of a height, further down says no more.
        "lower_edge": math.tanh(lower / CLEARLY_LOWER),
        "log_size": size,
        "person_in_front": between_kinds * (float(person_a) - float(person_b)),
    }


def appearance_alone(_i: int, _j: int, appearance: float) -> float:
    """The log-odds of a pair of which nothing is known but pixels."""
    return WEIGHTS["compositional"]["appearance"]["appearance"] * appearance


def _regression(
    table: Float64[np.ndarray, "pairs features"], counts: Sequence[float] | None, inverse_penalty: float
) -> Float64[np.ndarray, " features"]:
    from sklearn.linear_model import LogisticRegression

    # Every pair seen from both sides, so that there are two classes and nothing like a bias.
    regression = LogisticRegression(fit_intercept=False, C=inverse_penalty, max_iter=1000)
    both = None if counts is None else np.tile(np.asarray(counts, np.float64), 2)
    regression.fit(np.concatenate((table, -table)), np.repeat([1, 0], len(table)), sample_weight=both)
    return np.asarray(regression.coef_[0], dtype=np.float64)
