"""From what pixels say of pairs to the order of every cluster, on the host: a few numbers, many decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.device.layout import Layout, Thing
from amodal.reasoning import PairOrder
from amodal.reasoning.pair_order import Pair
from amodal.reasoning.probable import most_probable_order
from amodal.reasoning.wishes import logistic, meet


@dataclass(frozen=True, eq=False)
class Orders:
    """The most probable order of every cluster.

    Attributes:
        rank: the place of each object in the order of its cluster, and a last one for nobody; [things + 1].
        log_odds: for i in front of j, of every pair; [pairs].
    """

    rank: Int64[np.ndarray, " things_1"]
    log_odds: Float64[np.ndarray, " pairs"]

    def where(self, better: Bool[np.ndarray, " clusters"], other: Orders, layout: Layout) -> Orders:
        """The other's for the clusters where it is better."""
        rank = self.rank.copy()
        for cluster in layout.clusters:
            if better[cluster.number]:
                rank[cluster.members] = other.rank[cluster.members]
        log_odds = np.where(better[layout.cluster_of_pair], other.log_odds, self.log_odds)
        return replace(self, rank=rank, log_odds=log_odds)


def orders_from(
    says: Float64[np.ndarray, " pairs"],
    layout: Layout,
    pair_order: PairOrder,
    names: Sequence[str | None],
    heights: Sequence[int],
) -> Orders:
    """All that speaks of each pair, and the order that follows; `names` of objects' classes, `heights` of photos."""
    things = layout.things
    log_odds = np.zeros(len(says))
    matrices = [np.zeros((len(cluster.members),) * 2) for cluster in layout.clusters]
    rank = np.zeros(len(things) + 1, np.int64)
    rank[-1] = len(things) + 1
    place = {int(n): k for cluster in layout.clusters for k, n in enumerate(cluster.members)}
    for p, (i, j) in enumerate(layout.pairs.tolist()):
        boxes = things[i].lattice.box, things[j].lattice.box
        pair = Pair(float(says[p]), *boxes, names[i], names[j], heights[things[i].photo])
        log_odds[p] = pair_order.log_odds(pair)
        matrix = matrices[layout.cluster_of_pair[p]]
        matrix[place[i], place[j]], matrix[place[j], place[i]] = log_odds[p], -log_odds[p]
    for cluster, matrix in zip(layout.clusters, matrices, strict=True):
        rank[cluster.members[list(most_probable_order(matrix))]] = np.arange(len(matrix))
    return Orders(rank, log_odds)


def edges_of(
    orders: Orders, layout: Layout, amodal: Sequence[Bool[np.ndarray, "h w"]]
) -> list[list[tuple[int, int, float]]]:
    """By photo: (front, behind, probability) of pairs whose whole masks share a pixel or touch; numbers as given."""
    things = layout.things
    edges: list[list[tuple[int, int, float]]] = [[] for _ in range(max((one.photo for one in things), default=-1) + 1)]
    for (i, j), log_odds in zip(layout.pairs.tolist(), orders.log_odds.tolist(), strict=True):
        if not meet(amodal[i], things[i].window, amodal[j], things[j].window):
            continue
        edges[things[i].photo].append(
            _edge(things[i], things[j], log_odds)
            if orders.rank[i] < orders.rank[j]
            else _edge(things[j], things[i], -log_odds)
        )
    return [sorted(own) for own in edges]


def _edge(front: Thing, behind: Thing, log_odds: float) -> tuple[int, int, float]:
    return front.given, behind.given, logistic(log_odds)
