"""How many pixels two masks share, for tens of thousands of pairs at once.

A stroke is a piece of one column of a mask. All strokes of many masks are laid out on one long line, each pair of
masks on a stretch of its own; two sorted lists of intervals then say everything, and numpy walks them once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Int, Int64

from amodal.errors import InputError
from amodal.masks import CropMask

_CHUNK = 500  # pairs at a time: their strokes stay in the processor's cache
_THREADS = 2  # numpy lets others run while it counts; more threads only wait for Python between its calls
_NOTHING = np.zeros(1, np.uint32)


def overlaps(first: Sequence[CropMask], second: Sequence[CropMask]) -> Int64[np.ndarray, " pairs"]:
    """Pixels common to first[i] and second[i], for all i.

    Raises:
        InputError: a pair of masks of different frames.
    """
    common = np.zeros(len(first), np.int64)
    frames = frames_of(first), frames_of(second)
    meeting = _meeting(*frames)

    def count(start: int) -> None:
        chunk = meeting[start : start + _CHUNK]
        ours, theirs = (
            strokes_of([masks[i] for i in chunk], own[chunk])
            for masks, own in zip((first, second), frames, strict=True)
        )
        common[chunk] = _shared(ours, theirs)

    _in_chunks(count, len(meeting))
    return common


def areas(masks: Sequence[CropMask]) -> Int64[np.ndarray, " masks"]:
    """Pixels of each mask."""
    found = np.zeros(len(masks), np.int64)

    def count(start: int) -> None:
        runs, amount = _paired_runs(masks[start : start + _CHUNK])
        found[start : start + _CHUNK] = _sums(runs[:, 1], amount)

    _in_chunks(count, len(masks))
    return found


@dataclass(frozen=True)
class Strokes:
    """Strokes of many masks on one line: half-open, sorted; those of mask k are first[k] to first[k + 1]."""

    starts: Int[np.ndarray, " n"]
    ends: Int[np.ndarray, " n"]
    first: Int64[np.ndarray, " masks_and_1"]


def strokes_of(masks: Sequence[CropMask], frames: Int64[np.ndarray, "masks 6"]) -> Strokes:
    """Every mask's strokes, pixel (x, y) of mask k at (sum of the frames before it) + x * height + y.

    Runs that go on from the foot of a column to the head of the next one are cut there. `frames` are `frames_of`
    the masks.
    """
    line = int((frames[:, 0] * frames[:, 1]).sum())
    # Half the width goes through the processor in half the time.
    height, width, x0, y0, _, y1 = frames.T.astype(np.int32 if line < 2**31 else np.int64)
    base = np.cumsum(height * width, dtype=height.dtype) - height * width + x0 * height + y0
    runs, amount = _paired_runs(masks)
    owner = np.repeat(np.arange(len(masks), dtype=np.int32), amount)
    ends = np.cumsum(runs[:, 0] + runs[:, 1], dtype=height.dtype)
    before = np.concatenate((np.zeros(1, height.dtype), ends))[np.cumsum(amount) - amount]
    ends = ends - before[owner]  # within the mask's own box
    starts = ends - runs[:, 1].astype(height.dtype)
    rows = np.maximum(y1 - y0, 1)[owner]
    column, last = starts // rows, (ends - 1) // rows
    pieces = last - column + 1  # 0 for a run of no pixel
    if not (pieces == 1).all():
        kept = np.repeat(np.arange(len(owner)), pieces)
        step = np.arange(len(kept)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        owner, rows, column = owner[kept], rows[kept], (column[kept] + step).astype(height.dtype)
        starts, ends = np.maximum(starts[kept], column * rows), np.minimum(ends[kept], (column + 1) * rows)
    shift = base[owner] + column * (height[owner] - rows)
    return Strokes(starts + shift, ends + shift, np.searchsorted(owner, np.arange(len(masks) + 1)))


def frames_of(masks: Sequence[CropMask]) -> Int64[np.ndarray, "masks 6"]:
    """Height, width and box (XYXY) of each mask."""
    numbers = chain.from_iterable([(mask.height, mask.width, *mask.box) for mask in masks])
    return np.fromiter(numbers, np.int64, 6 * len(masks)).reshape(-1, 6)


def _in_chunks(work: Callable[[int], None], amount: int) -> None:
    """Call `work` with where each chunk begins; chunks write to places of their own, so threads change nothing."""
    starts = range(0, amount, _CHUNK)
    if len(starts) < 2:
        for start in starts:
            work(start)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(work, start) for start in starts]:
            done.result()


def _paired_runs(masks: Sequence[CropMask]) -> tuple[Int[np.ndarray, "pairs 2"], Int64[np.ndarray, " masks"]]:
    """Runs of background and object side by side, and how many such pairs each mask has."""
    parts = []
    for mask in masks:
        parts.append(mask.runs)
        if len(mask.runs) % 2:
            parts.append(_NOTHING)
    amount = np.array([(len(mask.runs) + 1) // 2 for mask in masks], np.int64)
    return np.concatenate([*parts, _NOTHING[:0]]).reshape(-1, 2), amount


def _shared(ours: Strokes, theirs: Strokes) -> Int64[np.ndarray, " pairs"]:
    covered = _covered_before(ours.ends, theirs) - _covered_before(ours.starts, theirs)
    return _sums(covered, np.diff(ours.first))


def _covered_before(places: Int[np.ndarray, " n"], strokes: Strokes) -> Int[np.ndarray, " n"]:
    """How many pixels of the strokes lie before each place of the line."""
    zero = np.zeros(1, strokes.ends.dtype)
    lengths = np.concatenate((zero, np.cumsum(strokes.ends - strokes.starts, dtype=zero.dtype)))
    index = np.searchsorted(strokes.starts, places)
    ends = np.concatenate((zero, strokes.ends))[index]
    return np.asarray(lengths[index] - np.maximum(ends - places, 0))


def _sums(values: Int[np.ndarray, " n"], amount: Int64[np.ndarray, " groups"]) -> Int64[np.ndarray, " groups"]:
    """Sums of consecutive groups of so many values each."""
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))
    end = np.cumsum(amount)
    return np.asarray(total[end] - total[end - amount])


def _meeting(a: Int64[np.ndarray, "pairs 6"], b: Int64[np.ndarray, "pairs 6"]) -> Int64[np.ndarray, " meeting"]:
    """The pairs whose boxes have a pixel in common."""
    other = np.flatnonzero((a[:, :2] != b[:, :2]).any(axis=1))
    if other.size:
        (h, w), (height, width) = b[other[0], :2], a[other[0], :2]
        raise InputError("masks", "frame", f"found {h} x {w}", f"expected {height} x {width}")
    upper_left, lower_right = np.maximum(a[:, 2:4], b[:, 2:4]), np.minimum(a[:, 4:], b[:, 4:])
    return np.flatnonzero((upper_left < lower_right).all(axis=1))
