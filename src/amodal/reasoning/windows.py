"""Which windows overlap, and which objects therefore belong to one cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amodal.reasoning.evidence import Window

Crop = tuple[slice, slice]


def overlapping_pairs(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, whose windows share a pixel; sorted. A sweep from left to right."""
    if not windows:
        return []
    x0, y0, x1, y1 = np.asarray(windows, dtype=np.int64).T
    full = np.flatnonzero((x1 > x0) & (y1 > y0))
    swept = full[np.argsort(x0[full], kind="stable")]
    ends = np.searchsorted(x0[swept], x1[swept], side="left")  # the first that starts behind my right edge
    pairs = []
    for k, i in enumerate(swept.tolist()):
        near = swept[k + 1 : ends[k]]
        for j in near[(y0[near] < y1[i]) & (y1[near] > y0[i])].tolist():
            pairs.append((min(i, j), max(i, j)))
    return sorted(pairs)


def clusters(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of objects that are linked by overlaps, each sorted, sorted by their first member."""
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in pairs:
        low, high = sorted((find(i), find(j)))
        root[high] = low
    groups: dict[int, list[int]] = {}
    for i in range(count):
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())


def shared_crops(a: Window, b: Window) -> tuple[Crop, Crop]:
    """The common pixels of two windows, as (rows, columns) of `a` and as (rows, columns) of `b`."""
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    x1, y1 = max(x0, x1), max(y0, y1)
    return crop_of((x0, y0, x1, y1), a), crop_of((x0, y0, x1, y1), b)


def crop_of(part: Window, window: Window) -> Crop:
    """Where `part` lies inside `window`, as (rows, columns)."""
    return (
        slice(part[1] - window[1], part[3] - window[1]),
        slice(part[0] - window[0], part[2] - window[0]),
    )
