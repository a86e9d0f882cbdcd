"""Windows that overlap, cut into rectangles: everywhere in one of them the same objects are above each other.

So pixels that somebody quarrels about become dense tensors [samples, depth] without a search on the device, and what
belongs to a pair of objects is the same for a whole rectangle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

_BITS = 62

DEPTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Rectangles are put together by how many windows lie above each other, rounded up: few kinds, few calls."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Rectangles of samples, of all clusters of a batch, under at most so many windows.

    Attributes:
        box: left, top, columns, rows of each, in samples; [regions, 4].
        grid: pixels from sample to sample, x and y of sample (0, 0) in the photo; [regions, 3].
        under: numbers of the objects whose windows lie here, ascending, then the number of objects; [regions, depth].
        directed: of each two of them, see `directed_between`; [regions, depth, depth].
        cluster: the number of theirs; [regions].
    """

    box: Int64[np.ndarray, "regions 4"]
    grid: Int64[np.ndarray, "regions 3"]
    under: Int64[np.ndarray, "regions depth"]
    directed: Int64[np.ndarray, "regions depth depth"]
    cluster: Int64[np.ndarray, " regions"]


@dataclass(frozen=True, eq=False)
class Rectangles:
    """The rectangles of some windows: XYXY [rectangles, 4], and which of the windows lie over each."""

    box: Int64[np.ndarray, "rectangles 4"]
    under: Bool[np.ndarray, "rectangles windows"]

    def shared(self) -> int:
        """How many points lie under two windows or more."""
        sides = (self.box[:, 2:] - self.box[:, :2])[self.under.sum(1) > 1]
        return int(sides.prod(1).sum())


@dataclass(frozen=True, eq=False)
class Placed:
    """The rectangles of a cluster's windows, whose these are, the cluster's number, and the grid of its samples."""

    rectangles: Rectangles
    members: Int64[np.ndarray, " windows"]
    cluster: int
    grid: tuple[int, int, int]


def rectangles_of(windows: Int64[np.ndarray, "windows 4"]) -> Rectangles:
    """All points under a window (XYXY, half-open), cut where a window begins or ends."""
    xs, ys = np.unique(windows[:, [0, 2]]), np.unique(windows[:, [1, 3]])
    # A set of windows is a bit for each, in as many words as are needed.
    word, bit = np.divmod(np.arange(len(windows)), _BITS)
    bits = np.zeros((len(windows), word[-1] + 1), np.int64)
    bits[np.arange(len(windows)), word] = 1 << bit
    across = ((windows[:, :1] <= xs[:-1]) & (xs[:-1] < windows[:, 2:3])).T @ bits
    down = ((windows[:, 1:2] <= ys[:-1]) & (ys[:-1] < windows[:, 3:4])).T @ bits
    cover = down[:, None] & across[None]
    # Neighbours from left to right that are under the same windows are one.
    begins = np.asarray((cover != 0).any(2))
    ends = begins.copy()
    same = (cover[:, 1:] == cover[:, :-1]).all(2)
    begins[:, 1:] &= ~same
    ends[:, :-1] &= ~same
    row, first = np.nonzero(begins)
    last = np.nonzero(ends)[1]
    under = (cover[row, first][:, word] >> bit & 1).astype(bool)
    return Rectangles(np.stack([xs[first], ys[row], xs[last + 1], ys[row + 1]], 1), under)


def regions_by_depth(found: Sequence[Placed], pairs: Int64[np.ndarray, "pairs 2"], nobody: int) -> dict[int, Regions]:
    """The rectangles of all clusters, by depth; `nobody` is the number of no object."""
    if not found:
        return {}
    box = np.concatenate([one.rectangles.box for one in found])
    box[:, 2:] -= box[:, :2]
    counts = [len(one.rectangles.box) for one in found]
    grid = np.repeat([one.grid for one in found], counts, axis=0)
    cluster = np.repeat([one.cluster for one in found], counts)
    # Whose windows lie over each, one after the other, the lower number first.
    rows, members, begin = [], [], 0
    for one, count in zip(found, counts, strict=True):
        row, local = np.nonzero(one.rectangles.under)
        rows.append(row + begin)
        members.append(one.members[local])
        begin += count
    region, member = np.concatenate(rows), np.concatenate(members)
    over = np.bincount(region, minlength=len(box))
    slot = np.arange(len(region)) - np.repeat(np.cumsum(over) - over, over)
    depths = np.array([*DEPTHS, max(DEPTHS[-1], int(over.max(initial=0)))])
    depth_of = depths[np.searchsorted(depths, over)]
    regions = {}
    for depth in np.unique(depth_of).tolist():
        here = depth_of == depth
        theirs = here[region]
        under = np.full((int(here.sum()), depth), nobody)
        under[(np.cumsum(here) - 1)[region[theirs]], slot[theirs]] = member[theirs]
        directed = directed_between(under, pairs, nobody)
        regions[depth] = Regions(box[here], grid[here].astype(np.int64), under, directed, cluster[here])
    return regions


def directed_between(
    under: Int64[np.ndarray, "rows depth"], pairs: Int64[np.ndarray, "pairs 2"], nobody: int
) -> Int64[np.ndarray, "rows depth depth"]:
    """Of each two objects of a row: 2p for (i, j) of pair p with i < j, 2p + 1 for (j, i).

    Twice the number of pairs for two that do not overlap, one and itself, and nobody.
    """
    nothing = 2 * len(pairs)
    one, other = under[:, :, None], under[:, None]
    if not len(pairs):
        return np.full(np.broadcast_shapes(one.shape, other.shape), nothing)
    keys = pairs[:, 0] * (nobody + 1) + pairs[:, 1]  # ascending, as pairs are
    wanted = np.minimum(one, other) * (nobody + 1) + np.maximum(one, other)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    directed: Int64[np.ndarray, "rows depth depth"] = np.where(
        keys[place] == wanted, 2 * place + (one > other), nothing
    )
    return directed
