"""How many pixels two masks share, for tens of thousands of pairs at once.

A stroke is a piece of one column of a mask. All strokes of many masks are laid out on one long line, each pair of
masks on a stretch of its own; two sorted lists of intervals then say everything, and numpy walks them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Int64

from amodal.errors import InputError
from amodal.masks import CropMask

_CHUNK = 500  # pairs at a time: their strokes stay in the processor's cache
_NOTHING = np.zeros(1, np.uint32)


def overlaps(first: Sequence[CropMask], second: Sequence[CropMask]) -> Int64[np.ndarray, " pairs"]:
    """Pixels common to first[i] and second[i], for all i.

    Raises:
        InputError: a pair of masks of different frames.
    """
    common = np.zeros(len(first), np.int64)
    meeting = _meeting(first, second)
    for start in range(0, len(meeting), _CHUNK):
        chunk = meeting[start : start + _CHUNK]
        common[chunk] = _overlaps([first[i] for i in chunk], [second[i] for i in chunk])
    return common


def areas(masks: Sequence[CropMask]) -> Int64[np.ndarray, " masks"]:
    """Pixels of each mask."""
    amount = np.fromiter((len(mask.runs) for mask in masks), np.int64, len(masks))
    first = np.cumsum(amount) - amount
    runs = np.concatenate([_NOTHING[:0], *(mask.runs for mask in masks)])
    is_object = (np.arange(len(runs), dtype=np.int32) - np.repeat(first.astype(np.int32), amount)) & 1
    total = np.concatenate(([0], np.cumsum(runs * is_object.astype(np.uint32), dtype=np.int64)))
    return np.asarray(total[first + amount] - total[first])


@dataclass(frozen=True)
class Strokes:
    """Strokes of many masks on one line: half-open, sorted; those of mask k are first[k] to first[k + 1]."""

    starts: Int64[np.ndarray, " n"]
    ends: Int64[np.ndarray, " n"]
    first: Int64[np.ndarray, " masks_and_1"]


def strokes_of(masks: Sequence[CropMask]) -> Strokes:
    """Every mask's strokes, pixel (x, y) of mask k at (sum of the frames before it) + x * height + y.

    Runs that go on from the foot of a column to the head of the next one are cut there.
    """
    frame = _frames(masks)
    height, width, x0, y0, _, y1 = frame.T
    base = np.cumsum(height * width) - height * width + x0 * height + y0
    # An even number of runs each, so that background and object alternate throughout.
    parts = [part for mask in masks for part in ((mask.runs, _NOTHING) if len(mask.runs) % 2 else (mask.runs,))]
    runs = np.concatenate([*parts, _NOTHING[:0]]).astype(np.int64).reshape(-1, 2)
    amount = np.array([(len(mask.runs) + 1) // 2 for mask in masks], np.int64)
    owner = np.repeat(np.arange(len(masks)), amount)
    ends = np.cumsum(runs.sum(axis=1))
    before = np.concatenate(([0], ends))[np.cumsum(amount) - amount]  # pixels of the boxes before each mask's own
    ends = ends - before[owner]
    starts = ends - runs[:, 1]
    rows = np.maximum(y1 - y0, 1)[owner]
    column, last = starts // rows, (ends - 1) // rows
    pieces = last - column + 1  # 0 for a run of no pixel
    if not (pieces == 1).all():
        kept = np.repeat(np.arange(len(owner)), pieces)
        step = np.arange(len(kept)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        owner, rows, column = owner[kept], rows[kept], column[kept] + step
        starts, ends = np.maximum(starts[kept], column * rows), np.minimum(ends[kept], (column + 1) * rows)
    shift = base[owner] + column * (height[owner] - rows)
    return Strokes(starts + shift, ends + shift, np.searchsorted(owner, np.arange(len(masks) + 1)))


def _overlaps(first: Sequence[CropMask], second: Sequence[CropMask]) -> Int64[np.ndarray, " pairs"]:
    ours, theirs = strokes_of(first), strokes_of(second)
    covered = _covered_before(ours.ends, theirs) - _covered_before(ours.starts, theirs)
    total = np.concatenate(([0], np.cumsum(covered)))
    return np.asarray(total[ours.first[1:]] - total[ours.first[:-1]])


def _covered_before(places: Int64[np.ndarray, " n"], strokes: Strokes) -> Int64[np.ndarray, " n"]:
    """How many pixels of the strokes lie before each place of the line."""
    lengths = np.concatenate(([0], np.cumsum(strokes.ends - strokes.starts)))
    index = np.searchsorted(strokes.starts, places)
    ends = np.concatenate(([0], strokes.ends))[index]
    covered: Int64[np.ndarray, " n"] = lengths[index] - np.maximum(ends - places, 0)
    return covered


def _meeting(first: Sequence[CropMask], second: Sequence[CropMask]) -> Int64[np.ndarray, " meeting"]:
    """The pairs whose boxes have a pixel in common."""
    if not len(first):
        return np.zeros(0, np.int64)
    a, b = _frames(first), _frames(second)
    other = np.flatnonzero((a[:, :2] != b[:, :2]).any(axis=1))
    if other.size:
        (h, w), (height, width) = b[other[0], :2], a[other[0], :2]
        raise InputError("masks", "frame", f"found {h} x {w}", f"expected {height} x {width}")
    upper_left, lower_right = np.maximum(a[:, 2:4], b[:, 2:4]), np.minimum(a[:, 4:], b[:, 4:])
    return np.flatnonzero((upper_left < lower_right).all(axis=1))


def _frames(masks: Sequence[CropMask]) -> Int64[np.ndarray, "masks 6"]:
    """Height, width and box of each mask."""
    numbers = chain.from_iterable((mask.height, mask.width, *mask.box) for mask in masks)
    return np.fromiter(numbers, np.int64, 6 * len(masks)).reshape(-1, 6)
