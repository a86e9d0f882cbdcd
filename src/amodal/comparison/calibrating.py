"""Calibration photo by photo: maps are too large to keep until the end, what was counted of them is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amodal.evaluation.calibration import BINS, Calibration, calibration_of

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


def added_up(photos: Sequence[Sequence[Tally]], bins: int = BINS) -> Calibration:
    """The calibration of all photos together: the same as if their maps had been judged at once."""
    sums = np.zeros((bins, 3))
    for photo in photos:
        for number, *values in photo:
            sums[int(number)] += values
    return calibration_of(sums, round(float(sums[:, 0].sum())))
