"""Windows that overlap, cut into rectangles: everywhere in one of them the same objects are above each other.

So pixels that somebody quarrels about become dense tensors [samples, depth] without a search on the device, and what
belongs to a pair of objects is the same for a whole rectangle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Rectangles are put together by how many windows lie above each other, rounded up: few kinds, few calls."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Rectangles of samples, of all clusters of a batch, under at most so many windows.

    Attributes:
        box: left, top, columns, rows of each, in samples; [regions, 4].
        grid: pixels from sample to sample, x and y of sample (0, 0) in the photo; [regions, 3].
        under: numbers of the objects whose windows lie here, ascending, then the number of objects; [regions, depth].
        directed: of each two of them, see `Cluster`; [regions, depth, depth].
        cluster: the number of theirs; [regions].
    """

    box: Int64[np.ndarray, "regions 4"]
    grid: Int64[np.ndarray, "regions 3"]
    under: Int64[np.ndarray, "regions depth"]
    directed: Int64[np.ndarray, "regions depth depth"]
    cluster: Int64[np.ndarray, " regions"]


@dataclass(frozen=True, eq=False)
class Cluster:
    """Objects that overlapping windows link.

    Attributes:
        number: of the cluster.
        members: numbers of the objects, ascending.
        directed: 2p for members (i, j) of pair p with i < j, 2p + 1 for (j, i); for two that do not overlap, and for
            nobody (the last), twice the number of pairs; [members + 1, members + 1].
    """

    number: int
    members: Int64[np.ndarray, " members"]
    directed: Int64[np.ndarray, "members_1 members_1"]


@dataclass(frozen=True, eq=False)
class Rectangles:
    """The rectangles of one cluster: XYXY [rectangles, 4], and which of its windows lie over each."""

    box: Int64[np.ndarray, "rectangles 4"]
    under: Bool[np.ndarray, "rectangles windows"]

    def shared(self) -> int:
        """How many points lie under two windows or more."""
        sides = (self.box[:, 2:] - self.box[:, :2])[self.under.sum(1) > 1]
        return int(sides.prod(1).sum())


def rectangles_of(windows: Int64[np.ndarray, "windows 4"]) -> Rectangles:
    """All points under a window (XYXY, half-open), cut where a window begins or ends."""
    xs, ys = np.unique(windows[:, [0, 2]]), np.unique(windows[:, [1, 3]])
    across = (windows[:, :1] <= xs[:-1]) & (xs[:-1] < windows[:, 2:3])
    down = (windows[:, 1:2] <= ys[:-1]) & (ys[:-1] < windows[:, 3:4])
    cover = down.T[:, None] & across.T[None]
    # Neighbours from left to right that are under the same windows are one.
    begins = np.asarray(cover.any(2))
    ends = begins.copy()
    same = (cover[:, 1:] == cover[:, :-1]).all(2)
    begins[:, 1:] &= ~same
    ends[:, :-1] &= ~same
    row, first = np.nonzero(begins)
    last = np.nonzero(ends)[1]
    return Rectangles(np.stack([xs[first], ys[row], xs[last + 1], ys[row + 1]], 1), cover[row, first])


def regions_by_depth(
    found: Sequence[tuple[Cluster, Rectangles, tuple[int, int, int]]], nobody: int
) -> dict[int, Regions]:
    """The rectangles of all clusters, by depth. With each comes its grid; `nobody` is the number of no object."""
    rows: dict[int, list[tuple[np.ndarray, ...]]] = {}
    for cluster, rectangles, grid in found:
        count = rectangles.under.sum(1)
        # Whom each window belongs to, those over the rectangle first; the last place is nobody's.
        whose = np.argsort(~rectangles.under, axis=1, kind="stable")
        depths = np.asarray(DEPTHS)[np.searchsorted(DEPTHS, np.minimum(count, DEPTHS[-1]))]
        depths = np.where(count > DEPTHS[-1], len(cluster.members), depths)
        for depth in np.unique(depths):
            here = depths == depth
            local = np.full((int(here.sum()), int(depth)), len(cluster.members))
            width = min(int(depth), whose.shape[1])
            local[:, :width] = whose[here, :width]
            local[np.arange(depth) >= count[here, None]] = len(cluster.members)
            box = rectangles.box[here]
            rows.setdefault(int(depth), []).append((
                np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], 1),
                np.broadcast_to(np.asarray(grid), (len(box), 3)),
                np.append(cluster.members, nobody)[local],
                cluster.directed[local[:, :, None], local[:, None]],
                np.full(len(box), cluster.number),
            ))  # fmt: skip
    return {
        depth: Regions(*(np.concatenate(parts).astype(np.int64) for parts in zip(*rows[depth], strict=True)))
        for depth in sorted(rows)
    }
