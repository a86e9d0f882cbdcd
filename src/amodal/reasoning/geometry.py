"""Who is in front, judged by two boxes alone: on the ground the nearer one reaches lower and looks larger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amodal.reasoning.evidence import Box, PairLogOdds

EDGE_TOLERANCE_PX = 1.5


@dataclass(frozen=True)
class PairGeometry:
    """A calibrated prior on the order of a pair; antisymmetric, hence without a bias.

    Attributes:
        weight_lower_edge: log-odds per mean box height by which a box reaches lower than the other.
        weight_log_size: log-odds per unit of log area ratio.
    """

    weight_lower_edge: float = 8.0
    weight_log_size: float = 0.5

    def log_odds(self, box_a: Box, box_b: Box, photo_height: float | None = None) -> float:
        """Log-odds that the object in `box_a` is in front of the one in `box_b` (XYXY pixels).

        With `photo_height`, lower edges that the picture itself cuts off are not compared.
        """
        lower, size = pair_features(box_a, box_b, photo_height)
        return self.weight_lower_edge * lower + self.weight_log_size * size

    def between(self, boxes: Sequence[Box], photo_height: float | None = None) -> PairLogOdds:
        """The same for numbered objects, as `reason` takes it."""
        return lambda i, j: self.log_odds(boxes[i], boxes[j], photo_height)

    @classmethod
    def fit(cls, pairs: Sequence[tuple[Box, Box]], photo_heights: Sequence[float | None] | None = None) -> PairGeometry:
        """Weights by logistic regression from judged pairs (front box, behind box).

        Raises:
            ValueError: no pairs, or not one photo height per pair.
        """
        from sklearn.linear_model import LogisticRegression

        heights = [None] * len(pairs) if photo_heights is None else list(photo_heights)
        if not pairs or len(heights) != len(pairs):
            raise ValueError(f"pairs: {len(pairs)} with {len(heights)} photo heights, expected one each")
        features = np.array([pair_features(a, b, h) for (a, b), h in zip(pairs, heights, strict=True)])
        # Every pair seen from both sides, so that there are two classes and nothing like a bias.
        regression = LogisticRegression(fit_intercept=False)
        regression.fit(np.concatenate((features, -features)), np.repeat([1, 0], len(pairs)))
        lower, size = regression.coef_[0]
        return cls(weight_lower_edge=float(lower), weight_log_size=float(size))


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
