"""Polygons and masks: fill by pixel centres straight into runs, trace outlines along pixel edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.errors import InputError
from amodal.rle import DIFFERENCE, Intervals, combine, join_touching

Corners = Int64[np.ndarray, "corners 2"]

MAX_CROSSINGS = 2**24  # some 500 MB of work; an outline this ragged is an attack, not an object

MAX_COORDINATE_PX = 1e9  # beyond, doubles are too coarse for the crossings of pixels


def fill(corners: Float64[np.ndarray, "corners 2"], height: int, width: int) -> Intervals:
    """Pixel numbers x * height + y of the pixels whose centre lies inside, by the even-odd rule."""
    x, y = _crossings(corners, width)
    # A centre (row + .5) belongs to the rows from the first crossing at or above it to the next below.
    rows = np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
    order = np.lexsort((y, x))
    bounds = x[order] * height + rows[order]
    return join_touching(bounds[::2], bounds[1::2])


def outlines(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> list[Corners]:
    """One closed outline of pixel corners (x, y) for each 4-connected part of a mask; a hole is cut open.

    The mask comes as vertical strokes (column, first row, row after the last), sorted, and no picture of it
    is made. The cut that joins a hole to its part's outline has no width.
    """
    if len(x) == 0:
        return []
    corners = _corners(x, top, bottom)
    rings, ring_of_corner = _rings(corners)
    owner = _owners(corners, rings, ring_of_corner, x, top, bottom)
    holes: dict[int, list[Corners]] = {number: [] for number, outer in enumerate(owner) if outer == number}
    for number, outer in enumerate(owner):
        if outer != number:
            holes[outer].append(rings[number])
    return [_joined(rings[outer], inside) for outer, inside in holes.items()]


def rings(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> list[Corners]:
    """Every closed outline of pixel corners, those of holes too, each by itself; a mask as in `outlines`."""
    return _rings(_corners(x, top, bottom))[0] if len(x) else []


def check_outline(outline: Sequence[float] | Any, where: str) -> Float64[np.ndarray, "corners 2"]:
    """Return [x, y, x, y, ...] (or pairs) as an array of corners, or raise InputError if it is no polygon."""
    try:
        numbers = np.asarray(outline, np.float64).ravel()
    except (TypeError, ValueError):
        raise InputError(where, "", "found no numbers", "expected [x, y, x, y, ...]") from None
    if len(numbers) < 6 or len(numbers) % 2:
        raise InputError(where, "", f"found {len(numbers)} coordinates", "expected 6, 8, 10, ...")
    if not np.isfinite(numbers).all():
        raise InputError(where, "", "found a coordinate that is not finite", "expected pixels")
    farthest = float(numbers[np.abs(numbers).argmax()])
    if abs(farthest) > MAX_COORDINATE_PX:
        raise InputError(where, "", f"found the coordinate {farthest:g}", f"expected at most {MAX_COORDINATE_PX:g} px")
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


@dataclass(frozen=True)
class _Turns:
    """Where outlines turn, one row a corner, with the corners at the other ends of its two sides."""

    x: Int64[np.ndarray, " n"]
    y: Int64[np.ndarray, " n"]
    along_row: Int64[np.ndarray, " n"]
    along_column: Int64[np.ndarray, " n"]


def _corners(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> _Turns:
    """Compare each column with the one before: outlines turn where what only one of them has begins or ends.

    Where two pixels touch only by a corner, two outlines turn there, each keeping to its own pixel.
    """
    stride = int(bottom.max()) + 1  # one row more than there is, so that no stroke touches the next column's
    here = (x * stride + top, x * stride + bottom)
    before = (here[0] + stride, here[1] + stride)
    ending_starts, ending_ends = combine(before, here, DIFFERENCE)
    beginning_starts, beginning_ends = combine(here, before, DIFFERENCE)
    place = np.concatenate((ending_starts, beginning_starts, ending_ends, beginning_ends))
    downwards = np.arange(len(place)) < len(ending_starts) + len(beginning_starts)
    # Each corner's level side lies to the right or to the left. The pixel just beyond the stretch decides,
    # in the column that has the stretch: if it is in the mask, the outline turns into the other column.
    rightwards = np.concatenate(
        (
            _inside(before, ending_starts - 1),
            ~_inside(here, beginning_starts - 1),
            _inside(before, ending_ends),
            ~_inside(here, beginning_ends),
        )
    )
    column, row = place // stride, place % stride
    return _Turns(column, row, _partners(row, column, rightwards), _partners(column, row, downwards))


def _inside(intervals: Intervals, place: np.ndarray) -> Bool[np.ndarray, " n"]:
    starts, ends = intervals
    opened, closed = np.searchsorted(starts, place, "right"), np.searchsorted(ends, place, "right")
    inside: Bool[np.ndarray, " n"] = opened > closed
    return inside


def _partners(line: np.ndarray, position: np.ndarray, forwards: np.ndarray) -> Int64[np.ndarray, " n"]:
    """The corner at the other end of each corner's side: on every line, sorted, they come in pairs."""
    order = np.lexsort((forwards, position, line))
    partner = np.empty(len(order), np.int64)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return partner


def _rings(corners: _Turns) -> tuple[list[Corners], Int64[np.ndarray, " n"]]:
    """Every closed line, each from its highest, leftmost corner on; and the ring of each corner."""
    along_row, along_column = corners.along_row.tolist(), corners.along_column.tolist()
    ring_of_corner = [-1] * len(along_row)
    rings: list[Corners] = []
    for start in np.lexsort((corners.x, corners.y)).tolist():
        corner, ring = start, []
        while ring_of_corner[corner] < 0:
            across = along_row[corner]
            ring += [corner, across]
            ring_of_corner[corner] = ring_of_corner[across] = len(rings)
            corner = along_column[across]
        if ring:
            rings.append(np.stack((corners.x[ring], corners.y[ring]), axis=1))
    return rings, np.array(ring_of_corner, np.int64)


def _owners(
    corners: _Turns,
    rings: list[Corners],
    ring_of_corner: Int64[np.ndarray, " n"],
    x: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
) -> list[int]:
    """The outer ring of each ring: itself, or for a hole that of the part around it."""
    stride = int(bottom.max()) + 1
    first = np.array([ring[0] for ring in rings])
    # A hole's first corner hangs below a stroke of its part; below an outer ring's the object begins.
    stroke = np.searchsorted(x * stride + bottom, first[:, 0] * stride + first[:, 1])
    stroke = np.minimum(stroke, len(x) - 1)
    is_hole = (x[stroke] == first[:, 0]) & (bottom[stroke] == first[:, 1])
    # That stroke's upper end lies on a ring of the same part; it is higher, so it has its owner already.
    left_ends = np.flatnonzero(corners.x < corners.x[corners.along_row])
    span = int(corners.x.max()) + 1
    keys = corners.y[left_ends] * span + corners.x[left_ends]
    order = np.argsort(keys)
    side = np.searchsorted(keys[order], top[stroke] * span + x[stroke], "right") - 1
    above = ring_of_corner[left_ends[order[side]]].tolist()
    owner: list[int] = []
    for number, hole in enumerate(is_hole.tolist()):
        owner.append(owner[above[number]] if hole else number)
    return owner


def _joined(outline: Corners, holes: list[Corners]) -> Corners:
    """One outline that walks to each hole, round it and back the same way: even-odd filling sees no cut."""
    pieces, done = [], 0
    nearest = [int(((outline - hole[0]) ** 2).sum(axis=1).argmin()) for hole in holes]
    for corner, number in sorted(zip(nearest, range(len(holes)), strict=True)):
        pieces += [outline[done : corner + 1], holes[number], holes[number][:1]]
        done = corner
    return np.concatenate([*pieces, outline[done:]])
