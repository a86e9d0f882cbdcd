"""Run lengths: the COCO codec and set algebra on sorted intervals. Plain numpy, no picture ever built.

*Intervals* here are a pair of equally long int64 arrays `(starts, ends)`: half-open, sorted, none empty, none
touching the next. COCO's run lengths alternate background, foreground, background ... down the columns of a
frame, column after column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from amodal.errors import InputError

MAX_SIDE_PX = 65_535
MAX_FRAME_PX = 2**28
_MAX_CHARACTERS = 7  # 5 bits each: 6 are enough for any run of the largest frame; more is nobody's encoder
_FIRST_CHARACTER = 48

# Set operations for `combine`: does a pixel stay that is (only in the first, only in the second, in both)?
UNION = (True, True, True)
INTERSECTION = (False, False, True)
DIFFERENCE = (True, False, False)

Intervals = tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]


def decode_coco(rle: Any, where: str = "RLE") -> tuple[int, int, Int64[np.ndarray, " runs"]]:
    """Read `{"size": [height, width], "counts": text, bytes or list}`: height, width and run lengths.

    Raises:
        InputError: a key is missing, the size is no size or too large, or the counts do not fill the frame.
    """
    if not isinstance(rle, Mapping):
        raise InputError(where, "", f"found {type(rle).__name__}", "expected an object with size and counts")
    for key in ("size", "counts"):
        if key not in rle:
            raise InputError(where, key, "missing", "expected an object with size and counts")
    height, width = check_size(rle["size"], where)
    counts = rle["counts"]
    runs = counts_from_text(counts, where) if isinstance(counts, str | bytes) else _counts_from_list(counts, where)
    _check_runs_fill(runs, height * width, where)
    return height, width, runs


def check_size(size: Any, where: str) -> tuple[int, int]:
    """Return (height, width) as ints, or raise InputError if they are not a frame this library handles."""
    if not isinstance(size, list | tuple | np.ndarray) or len(size) != 2:
        raise InputError(where, "size", f"found {_shown(size)}", "expected [height, width]")
    sides = []
    for side in size:
        if isinstance(side, bool | np.bool_) or not isinstance(side, int | np.integer):
            raise InputError(where, "size", f"found {_shown(size)}", "expected two whole numbers")
        sides.append(int(side))
    height, width = sides
    if min(sides) < 1:
        raise InputError(where, "size", f"found {height} x {width}", "expected sides of at least 1")
    if max(sides) > MAX_SIDE_PX or height * width > MAX_FRAME_PX:
        limit = f"expected sides up to {MAX_SIDE_PX} and at most {MAX_FRAME_PX} pixels"
        raise InputError(where, "size", f"found {height} x {width}", limit)
    return height, width


def counts_from_text(text: str | bytes, where: str = "RLE") -> Int64[np.ndarray, " runs"]:
    """Read COCO's compressed counts; the caller still checks that they fill the frame.

    Raises:
        InputError: a character outside the code's 64, or a text that ends in the middle of a number.
    """
    if isinstance(text, str):
        try:
            text = text.encode("ascii")
        except UnicodeEncodeError as error:
            found = f"character {text[error.start]!r} at {error.start}"
            raise InputError(where, "counts", found, "expected ASCII text") from None
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - _FIRST_CHARACTER
    if codes.size == 0:
        return codes
    wrong = np.flatnonzero((codes < 0) | (codes > 63))
    if wrong.size:
        place = int(wrong[0])
        found = f"character {chr(text[place])!r} at {place}"
        raise InputError(where, "counts", found, "expected characters from '0' to 'o'")
    is_last = (codes & 0x20) == 0
    if not is_last[-1]:
        raise InputError(where, "counts", "the text ends in the middle of a number", "it was cut off")
    last = np.flatnonzero(is_last)
    first = np.concatenate(([0], last[:-1] + 1))
    lengths = last - first + 1
    if int(lengths.max()) > _MAX_CHARACTERS:
        found = f"a number of {int(lengths.max())} characters"
        raise InputError(where, "counts", found, f"expected at most {_MAX_CHARACTERS}")
    digit = np.arange(codes.size) - np.repeat(first, lengths)
    numbers = np.add.reduceat((codes & 0x1F) << (5 * digit), first)
    numbers -= np.where(codes[last] & 0x10, np.int64(1) << (5 * lengths), 0)  # two's complement sign
    # From the fourth on, each number is the difference to the run two before it.
    runs = numbers
    runs[1::2] = np.cumsum(numbers[1::2])
    runs[2::2] = np.cumsum(numbers[2::2])
    return runs


def counts_to_text(runs: Int64[np.ndarray, " runs"]) -> str:
    """Write run lengths as COCO's compressed counts, byte for byte as pycocotools does."""
    rest = runs.astype(np.int64)
    rest[3:] -= runs[1:-2].astype(np.int64)
    characters: UInt8[np.ndarray, "runs places"] = np.zeros((len(rest), _MAX_CHARACTERS), np.uint8)
    used: Bool[np.ndarray, "runs places"] = np.zeros(characters.shape, bool)
    active = np.ones(len(rest), bool)
    for place in range(_MAX_CHARACTERS):
        if not active.any():
            break
        low = rest & 0x1F
        rest = rest >> 5
        more = np.where(low & 0x10, rest != -1, rest != 0)
        characters[:, place] = (low | (more * 0x20)) + _FIRST_CHARACTER
        used[:, place] = active
        active = active & more
    text: bytes = characters[used].tobytes()
    return text.decode("ascii")


def runs_to_intervals(runs: np.ndarray) -> Intervals:
    """Foreground runs as intervals; runs of length zero are allowed and vanish."""
    bounds = np.cumsum(runs, dtype=np.int64)
    ends = bounds[1::2]
    starts = bounds[::2][: len(ends)]
    return join_touching(starts, ends)


def intervals_to_runs(intervals: Intervals, length: int) -> Int64[np.ndarray, " runs"]:
    """Alternating run lengths over [0, length); the first is background, possibly 0, and no other is 0."""
    starts, ends = intervals
    bounds = np.empty(2 * len(starts) + 2, np.int64)
    bounds[0], bounds[-1] = 0, length
    bounds[1:-1:2], bounds[2:-1:2] = starts, ends
    runs: Int64[np.ndarray, " runs"] = np.diff(bounds)
    if len(runs) > 1 and runs[-1] == 0:
        runs = runs[:-1]
    return runs


def join_touching(starts: np.ndarray, ends: np.ndarray) -> Intervals:
    """Drop empty intervals and join neighbours that touch; they must be sorted and must not overlap."""
    filled = starts < ends
    if not filled.all():
        starts, ends = starts[filled], ends[filled]
    if len(starts) < 2:
        return starts.astype(np.int64), ends.astype(np.int64)
    gap = starts[1:] > ends[:-1]
    keep_start = np.concatenate(([True], gap))
    keep_end = np.concatenate((gap, [True]))
    return starts[keep_start].astype(np.int64), ends[keep_end].astype(np.int64)


def combine(first: Intervals, second: Intervals, table: tuple[bool, bool, bool]) -> Intervals:
    """Any set operation; `table` is UNION, INTERSECTION or DIFFERENCE."""
    a_starts, a_ends = first
    b_starts, b_ends = second
    positions = np.concatenate((a_starts, a_ends, b_starts, b_ends))
    steps = np.repeat(np.array([1, -1, 2, -2]), [len(a_starts), len(a_ends), len(b_starts), len(b_ends)])
    order = np.argsort(positions, kind="stable")
    positions, state = positions[order], np.cumsum(steps[order])
    # Of several events at one position only the state after the last counts.
    settled = np.ones(len(positions), bool)
    settled[:-1] = positions[1:] > positions[:-1]
    positions, state = positions[settled], state[settled]
    inside = np.array([False, *table])[state]
    change = np.diff(inside, prepend=False)
    bounds = positions[change]
    return bounds[::2], bounds[1::2]


def union_of(parts: Sequence[Intervals]) -> Intervals:
    """The union of any number of interval lists, in one sweep."""
    starts = np.sort(np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)]))
    ends = np.sort(np.concatenate([np.zeros(0, np.int64), *(part[1] for part in parts)]))
    if len(starts) == 0:
        return starts, ends
    # Sorted apart, the i-th start and the end before it leave a gap exactly where nothing is open.
    gap = starts[1:] > ends[:-1]
    return starts[np.concatenate(([True], gap))], ends[np.concatenate((gap, [True]))]


def _counts_from_list(counts: Any, where: str) -> Int64[np.ndarray, " runs"]:
    if not isinstance(counts, list | tuple | np.ndarray):
        raise InputError(where, "counts", f"found {type(counts).__name__}", "expected text or a list")
    if len(counts) == 0:
        return np.zeros(0, np.int64)
    try:
        array = np.asarray(counts)
    except ValueError:
        array = np.zeros(0)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(where, "counts", f"found {_shown(counts)}", "expected a list of whole numbers")
    if array.dtype.kind == "u" and int(array.max()) > MAX_FRAME_PX:
        raise InputError(where, "counts", f"a run of {int(array.max())}", f"expected at most {MAX_FRAME_PX}")
    return array.astype(np.int64)


def _check_runs_fill(runs: Int64[np.ndarray, " runs"], pixels: int, where: str) -> None:
    expected = f"the frame has {pixels} pixels"
    if len(runs) and int(runs.min()) < 0:
        place = int(np.flatnonzero(runs < 0)[0])
        raise InputError(where, "counts", f"run {place} is {int(runs[place])}", "a run cannot be negative")
    if len(runs) and int(runs.max()) > pixels:  # before the sum, which could overflow
        raise InputError(where, "counts", f"too long: a run of {int(runs.max())} pixels", expected)
    total = int(runs.sum())
    if total != pixels:
        too = "short" if total < pixels else "long"
        raise InputError(where, "counts", f"too {too}: the runs cover {total} pixels", expected)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
