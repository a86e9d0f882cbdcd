"""What two boxes say of who is in front: on the ground the nearer one reaches lower and looks larger.

`pair_features` says it in numbers; `PairGeometry` is a prior made of them alone, for `published`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from amodal.reasoning.evidence import Box, PairLogOdds

EDGE_TOLERANCE_PX = 1.5


@dataclass(frozen=True)
class PairGeometry:
    """A calibrated prior on the order of a pair; antisymmetric, hence without a bias.

    Attributes:
        weight_lower_edge: log-odds per mean box height by which a box reaches lower than the other.
        weight_log_size: log-odds per unit of log area ratio.
        max_log_odds: how sure two boxes alone may make us, either way.
    """

    # Fitted by `python experiments/order_prior/fit.py` on 168 pairs judged by eye, boxes of the visible parts.
    # Beside the lower edge, size added nothing measurable. The cap is a probability of .97: unclear pairs were left
    # out of the judging, so it cannot show how often boxes mislead on those.
    weight_lower_edge: float = 15.8
    weight_log_size: float = 0.0
    max_log_odds: float = 3.48

    def log_odds(self, box_a: Box, box_b: Box, photo_height: float | None = None) -> float:
        """Log-odds that the object in `box_a` is in front of the one in `box_b` (XYXY pixels).

        With `photo_height`, lower edges that the picture itself cuts off are not compared.
        """
        lower, size = pair_features(box_a, box_b, photo_height)
        log_odds = self.weight_lower_edge * lower + self.weight_log_size * size
        return min(max(log_odds, -self.max_log_odds), self.max_log_odds)

    def between(
        self, boxes: Sequence[Box], _labels: Sequence[str | None] = (), photo_height: float | None = None
    ) -> PairLogOdds:
        """The same for numbered objects, as `reason` takes it; whatever their classes and pixels say."""
        return lambda i, j, _: self.log_odds(boxes[i], boxes[j], photo_height)

    @classmethod
    def fit(
        cls,
        pairs: Sequence[tuple[Box, Box]],
        photo_heights: Sequence[float | None] | None = None,
        *,
        inverse_penalty: float = 1.0,
    ) -> PairGeometry:
        """Weights by logistic regression from judged pairs (front box, behind box); the cap is not fitted.

        A smaller `inverse_penalty` (scikit-learn's C) draws the weights nearer to zero.

        Raises:
            ValueError: no pairs, or not one photo height per pair.
        """
        heights = [None] * len(pairs) if photo_heights is None else list(photo_heights)
        if not pairs or len(heights) != len(pairs):
            raise ValueError(f"pairs: {len(pairs)} with {len(heights)} photo heights, expected one each")
        features = np.array([pair_features(a, b, h) for (a, b), h in zip(pairs, heights, strict=True)])
        # Neither weight may be negative: no perspective brings the higher or the smaller one nearer.
        while (weights := _weights(features, inverse_penalty)).min() < 0:
            features[:, weights.argmin()] = 0.0
        return cls(weight_lower_edge=float(weights[0]), weight_log_size=float(weights[1]))


def pair_features(box_a: Box, box_b: Box, photo_height: float | None = None) -> tuple[float, float]:
    """How much lower a reaches (in mean heights, within ±1.5), and the log of its area over b's (±4)."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = box_a, box_b
    height_a, height_b = max(ay1 - ay0, 1.0), max(by1 - by0, 1.0)
    lower = (ay1 - by1) / (0.5 * (height_a + height_b))
    if photo_height is not None and _edges_are_cut(ay1, by1, photo_height):
        lower = 0.0
    size = math.log(height_a * max(ax1 - ax0, 1.0)) - math.log(height_b * max(bx1 - bx0, 1.0))
    return min(max(lower, -1.5), 1.5), min(max(size, -4.0), 4.0)


def _edges_are_cut(lower_a: float, lower_b: float, photo_height: float) -> bool:
    """Both reach the picture's lower edge and one ends right there: where it really ends is unknown."""
    both_reach = min(lower_a, lower_b) >= photo_height - EDGE_TOLERANCE_PX
    return both_reach and min(lower_a, lower_b) <= photo_height + EDGE_TOLERANCE_PX


def _weights(features: Float64[np.ndarray, "pairs 2"], inverse_penalty: float) -> Float64[np.ndarray, " 2"]:
    from sklearn.linear_model import LogisticRegression

    # Every pair seen from both sides, so that there are two classes and nothing like a bias.
    regression = LogisticRegression(fit_intercept=False, C=inverse_penalty)
    regression.fit(np.concatenate((features, -features)), np.repeat([1, 0], len(features)))
    return np.asarray(regression.coef_[0], dtype=np.float64)
