"""Does an outline cross itself? Every two sides that have no corner in common are compared, many at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

ROWS = 256  # sides compared with all others at a time: bounds the memory for outlines of thousands of corners


def first_crossing(corners: Float64[np.ndarray, "corners 2"]) -> tuple[int, int] | None:
    """Numbers of the first two sides (side k goes from corner k to the next) that cross inside both, or None.

    Sides that only touch, or lie on each other as the cut to a hole does, do not cross.
    """
    ends = np.roll(corners, -1, axis=0)
    for first in range(0, len(corners), ROWS):
        rows = slice(first, first + ROWS)
        crossed = _apart(corners[rows], ends[rows], corners, ends) & _apart(corners, ends, corners[rows], ends[rows]).T
        found = np.argwhere(np.triu(crossed, k=1 + first))
        if len(found):
            return first + int(found[0, 0]), int(found[0, 1])
    return None


def _apart(
    starts: Float64[np.ndarray, "n 2"],
    ends: Float64[np.ndarray, "n 2"],
    other_starts: Float64[np.ndarray, "m 2"],
    other_ends: Float64[np.ndarray, "m 2"],
) -> Bool[np.ndarray, "n m"]:
    """Whether the other sides' ends lie strictly on different sides of the line through each side."""
    along = (ends - starts)[:, None]
    turns = []
    for points in (other_starts, other_ends):
        to = points[None] - starts[:, None]
        turns.append(np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]))
    apart: Bool[np.ndarray, "n m"] = turns[0] * turns[1] < 0
    return apart
