"""Calibration photo by photo: maps are too large to keep until the end, what was counted of them is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amodal.evaluation.calibration import Calibration

Tally = tuple[int, float, float, float]
"""Of a bin that holds something: its number, weight, weight · confidence, weight · accuracy; an object weighs 1."""


def tally_of(found: Calibration) -> tuple[Tally, ...]:
    """What a photo adds."""
    return tuple(
        (number, share * found.count, share * found.count * sure, share * found.count * right)
        for number, (share, sure, right) in enumerate(
            zip(found.weights.tolist(), found.confidence.tolist(), found.accuracy.tolist(), strict=True)
        )
        if share > 0
    )


def added_up(photos: Sequence[Sequence[Tally]], bins: int = 15) -> Calibration:
    """The calibration of all photos together: the same as if their maps had been judged at once."""
    sums = np.zeros((bins, 3))
    for photo in photos:
        for number, *values in photo:
            sums[int(number)] += values
    weight = sums[:, 0]
    total = float(weight.sum())
    sure, right = (np.divide(column, weight, out=np.full(bins, np.nan), where=weight > 0) for column in sums.T[1:])
    shares = weight / total if total else weight
    gaps = np.where(weight > 0, np.abs(sure - right), 0.0)
    ece = 100 * float((shares * gaps).sum()) if total else float("nan")
    return Calibration(ece, shares, sure, right, round(total))
