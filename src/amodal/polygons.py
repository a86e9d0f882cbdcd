"""Polygons and masks: fill by pixel centres straight into runs, trace outlines along pixel edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.errors import InputError
from amodal.rle import Intervals, join_touching

MAX_CROSSINGS = 2**24  # some 500 MB of work; an outline this ragged is an attack, not an object


def fill(corners: Float64[np.ndarray, "corners 2"], height: int, width: int) -> Intervals:
    """Pixel numbers x * height + y of the pixels whose centre lies inside, by the even-odd rule."""
    x, y = _crossings(corners, width)
    # A centre (row + .5) belongs to the rows from the first crossing at or above it to the next below.
    rows = np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
    order = np.lexsort((y, x))
    bounds = x[order] * height + rows[order]
    return join_touching(bounds[::2], bounds[1::2])


def outlines(mask: Bool[np.ndarray, "h w"]) -> list[Int64[np.ndarray, "corners 2"]]:
    """One closed outline of pixel corners (x, y) for each 4-connected part of the mask.

    A hole is joined to its part's outline by a cut of no width.
    """
    rings = _rings(mask)
    # Below and to the right of its highest, leftmost corner an outer ring has the object, a hole has the gap.
    outer = [ring for ring in rings if mask[ring[0, 1], ring[0, 0]]]
    holes = [ring for ring in rings if not mask[ring[0, 1], ring[0, 0]]]
    if not holes:
        return outer
    from scipy import ndimage  # slow to import, and most masks have no hole

    parts, _ = ndimage.label(mask)
    place = {int(parts[ring[0, 1], ring[0, 0]]): index for index, ring in enumerate(outer)}
    inside: list[list[np.ndarray]] = [[] for _ in outer]
    for hole in holes:
        x, y = hole[0]
        inside[place[int(parts[y - 1, x])]].append(hole)
    return [_joined(ring, rings_inside) for ring, rings_inside in zip(outer, inside, strict=True)]


def check_outline(outline: Sequence[float] | Any, where: str) -> Float64[np.ndarray, "corners 2"]:
    """Return [x, y, x, y, ...] (or pairs) as an array of corners, or raise InputError if it is no polygon."""
    try:
        numbers = np.asarray(outline, np.float64).ravel()
    except (TypeError, ValueError):
        raise InputError(where, "", "found no numbers", "expected [x, y, x, y, ...]") from None
    if len(numbers) < 6 or len(numbers) % 2:
        raise InputError(where, "", f"found {len(numbers)} coordinates", "expected 6, 8, 10, ...")
    if not np.isfinite(numbers).all() or bool((np.abs(numbers) > 1e9).any()):
        raise InputError(where, "", "found a coordinate that is not finite", "expected pixels")
    return numbers.reshape(-1, 2)


def _crossings(
    corners: Float64[np.ndarray, "corners 2"], width: int
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Where the outline crosses the centre line of each column: (column, y), an even number for each."""
    following = np.roll(corners, -1, axis=0)
    # Each edge from left to right, so that one walked both ways gives the very same number twice.
    swap = (corners[:, 0] > following[:, 0])[:, None]
    left, right = np.where(swap, following, corners), np.where(swap, corners, following)
    first = np.clip(np.ceil(left[:, 0] - 0.5), 0, width).astype(np.int64)
    after = np.clip(np.ceil(right[:, 0] - 0.5), 0, width).astype(np.int64)
    count = after - first
    if int(count.sum()) > MAX_CROSSINGS:
        found = f"the outline crosses {int(count.sum())} pixel columns"
        raise InputError("polygon", "", found, f"expected at most {MAX_CROSSINGS}")
    edge = np.repeat(np.arange(len(corners)), count)
    x = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    (x0, y0), (x1, y1) = left[edge].T, right[edge].T
    return x, y0 + (x + 0.5 - x0) / (x1 - x0) * (y1 - y0)


def _rings(mask: Bool[np.ndarray, "h w"]) -> list[Int64[np.ndarray, "corners 2"]]:
    """Every closed line between object and background, each from its highest, leftmost corner on."""
    x, y, right, down = _corners(mask)
    along_row, along_column = _partners(y, x, right), _partners(x, y, down)
    rings, seen = [], np.zeros(len(x), bool)
    for start in np.lexsort((x, y)).tolist():
        if seen[start]:
            continue
        ring, corner = [], start
        while not seen[corner]:
            across = along_row[corner]
            ring += [corner, across]
            seen[corner] = seen[across] = True
            corner = along_column[across]
        rings.append(np.stack((x[ring], y[ring]), axis=1))
    return rings


def _corners(mask: Bool[np.ndarray, "h w"]) -> tuple[Int64[np.ndarray, " n"], ...]:
    """Where outlines turn: x, y, does the level side lie to the right, does the upright side lie below.

    Where two pixels touch only by a corner, two outlines turn there, each keeping to its own pixel.
    """
    padded = np.pad(mask, 1)
    above_left, above_right = padded[:-1, :-1], padded[:-1, 1:]
    below_left, below_right = padded[1:, :-1], padded[1:, 1:]
    turning = above_left ^ above_right ^ below_left ^ below_right
    y, x = np.nonzero(turning)
    right = (above_right ^ below_right)[y, x]
    down = (below_left ^ below_right)[y, x]
    touching = (above_left == below_right) & (above_right == below_left) & (above_left ^ above_right)
    touch_y, touch_x = np.nonzero(touching)
    falling = above_left[touch_y, touch_x]  # the two pixels are upper left and lower right
    both = np.ones(len(falling), bool)
    return (
        np.concatenate((x, touch_x, touch_x)),
        np.concatenate((y, touch_y, touch_y)),
        np.concatenate((right, both, ~both)),
        np.concatenate((down, falling, ~falling)),
    )


def _partners(line: np.ndarray, position: np.ndarray, forwards: np.ndarray) -> list[int]:
    """The corner at the other end of each corner's side: on every line, sorted, they come in pairs."""
    order = np.lexsort((forwards, position, line))
    partner = np.empty(len(order), np.int64)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return partner.tolist()


def _joined(
    outline: Int64[np.ndarray, "corners 2"], holes: list[np.ndarray]
) -> Int64[np.ndarray, "joined 2"]:
    """One outline that walks to each hole, round it and back the same way: even-odd filling sees no cut."""
    pieces, done = [], 0
    nearest = [int(((outline - hole[0]) ** 2).sum(axis=1).argmin()) for hole in holes]
    for corner, number in sorted(zip(nearest, range(len(holes)), strict=True)):
        pieces += [outline[done : corner + 1], holes[number], holes[number][:1]]
        done = corner
    return np.concatenate([*pieces, outline[done:]])
