"""Polygons and masks: fill by pixel centres straight into runs, trace outlines along pixel edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.errors import InputError
from amodal.rle import Intervals, join_touching


def check_outline(outline: Sequence[float] | Any, where: str) -> Float64[np.ndarray, "corners 2"]:
    """Return [x, y, x, y, ...] (or pairs) as an array of corners, or raise InputError if it is no polygon."""
    try:
        numbers = np.asarray(outline, np.float64).ravel()
    except (TypeError, ValueError):
        raise InputError(where, "", "found something else than numbers", "expected [x, y, x, y, ...]") from None
    if len(numbers) < 6 or len(numbers) % 2:
        raise InputError(where, "", f"found {len(numbers)} coordinates", "expected an even number, at least 6")
    if not np.isfinite(numbers).all() or bool((np.abs(numbers) > 1e9).any()):
        raise InputError(where, "", "found a coordinate that is not finite", "expected pixels")
    return numbers.reshape(-1, 2)


def fill(corners: Float64[np.ndarray, "corners 2"], height: int, width: int) -> Intervals:
    """Pixel numbers x * height + y of the pixels whose centre lies inside, by the even-odd rule."""
    x, y = _crossings(corners, width)
    # A centre (row + .5) belongs to the rows from the first crossing at or above it to the next below.
    rows = np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
    order = np.lexsort((y, x))
    bounds = x[order] * height + rows[order]
    return join_touching(bounds[::2], bounds[1::2])


def _crossings(
    corners: Float64[np.ndarray, "corners 2"], width: int
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Where the outline crosses the centre line of each column: (column, y), an even number in every column."""
    following = np.roll(corners, -1, axis=0)
    # Each edge from left to right, so that one walked both ways gives the very same number twice.
    swap = (corners[:, 0] > following[:, 0])[:, None]
    left, right = np.where(swap, following, corners), np.where(swap, corners, following)
    first = np.clip(np.ceil(left[:, 0] - 0.5), 0, width).astype(np.int64)
    after = np.clip(np.ceil(right[:, 0] - 0.5), 0, width).astype(np.int64)
    count = after - first
    edge = np.repeat(np.arange(len(corners)), count)
    x = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    (x0, y0), (x1, y1) = left[edge].T, right[edge].T
    return x, y0 + (x + 0.5 - x0) / (x1 - x0) * (y1 - y0)


def outlines(mask: Bool[np.ndarray, "h w"]) -> list[Int64[np.ndarray, "corners 2"]]:
    """One closed outline of pixel corners (x, y) for each 4-connected part, its holes joined by cuts of no width."""
    raise NotImplementedError
