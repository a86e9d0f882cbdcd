"""What the pixels of a cluster say about the order of each of its pairs: one number, 0 where they are silent."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64

from amodal.reasoning.objective import Objective
from amodal.reasoning.search import find_order

PSEUDO_CELLS = 1.0
"""Evidence that either side is given for nothing, so that little evidence says little: one cell, one log unit."""


def appearance(objective: Objective, exact_up_to: int) -> Float64[np.ndarray, "n n"]:
    """A[i, j]: log ratio of the evidence for i in front of j to the evidence against it; antisymmetric.

    The mean of two witnesses: the pair as if it were alone, and the pair among all others, in the order that pixels
    alone like best. A third object may hide what two would quarrel about, or be the reason for their quarrel.
    """
    says = np.zeros((objective.count, objective.count))
    for i, j in objective.pairs():
        says[i, j] = log_ratio(objective.gains_alone(i, j), objective.scale)
    if objective.count > 2:
        order = find_order(objective, exact_up_to=exact_up_to)
        for (i, j), gains in objective.flip_gains(order).items():
            first, second, sign = (i, j, 1.0) if i < j else (j, i, -1.0)
            says[first, second] = 0.5 * (says[first, second] + sign * log_ratio(gains, objective.scale))
    antisymmetric: Float64[np.ndarray, "n n"] = says - says.T
    return antisymmetric


def log_ratio(gains: Float32[np.ndarray, "h w"], scale: float) -> float:
    """Log of evidence for over evidence against. Sums grow with size and with what is double counted; ratios do not."""
    in_favour = scale * float(np.maximum(gains, 0).sum(dtype=np.float64))
    against = in_favour - scale * float(gains.sum(dtype=np.float64))
    return math.log((in_favour + PSEUDO_CELLS) / (max(against, 0.0) + PSEUDO_CELLS))
