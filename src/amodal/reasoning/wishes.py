"""What each pair of a solved cluster wishes by itself: edges with probabilities, and contradictions."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool

from amodal.reasoning.cluster import Cluster
from amodal.reasoning.evidence import Window
from amodal.reasoning.graph import cycles
from amodal.reasoning.windows import shared_crops


def edges_of(cluster: Cluster) -> list[tuple[int, int, float]]:
    """(front, behind, probability) of every pair whose amodal masks share a pixel or touch.

    Where the model sees nothing of what is hidden, the mask of the one behind ends where the front one begins.
    """
    rank = {n: k for k, n in enumerate(cluster.order)}
    edges = []
    for pair in cluster.objective.pairs():
        i, j = sorted(pair, key=rank.__getitem__)
        windows = cluster.evidences[i].window, cluster.evidences[j].window
        if meet(cluster.labels[i].amodal, windows[0], cluster.labels[j].amodal, windows[1]):
            edges.append((i, j, logistic(float(cluster.log_odds[i, j]))))
    return edges


def meet(a: Bool[np.ndarray, "h w"], window_a: Window, b: Bool[np.ndarray, "h w"], window_b: Window) -> bool:
    """Whether two masks on overlapping windows share a pixel, or pixels of theirs are neighbours (corners count)."""
    in_a, in_b = shared_crops(window_a, window_b)
    if (a[in_a] & b[in_b]).any():
        return True
    zone = (
        max(window_a[0], window_b[0]) - 1,
        max(window_a[1], window_b[1]) - 1,
        min(window_a[2], window_b[2]) + 1,
        min(window_a[3], window_b[3]) + 1,
    )
    here_a, here_b = _on_zone(a, window_a, zone), _on_zone(b, window_b, zone)
    wide = here_a.copy()
    wide[:, 1:] |= here_a[:, :-1]
    wide[:, :-1] |= here_a[:, 1:]
    grown = wide.copy()
    grown[1:] |= wide[:-1]
    grown[:-1] |= wide[1:]
    return bool((grown & here_b).any())


def _on_zone(mask: Bool[np.ndarray, "h w"], window: Window, zone: Window) -> Bool[np.ndarray, "h w"]:
    on_zone = np.zeros((zone[3] - zone[1], zone[2] - zone[0]), bool)
    in_mask, in_zone = shared_crops(window, zone)
    on_zone[in_zone] = mask[in_mask]
    return on_zone


def contested_groups(cluster: Cluster, least: float, least_cells: float) -> list[tuple[int, ...]]:
    """Groups of objects that no order can satisfy: cycles of pairwise wishes of log-odds `least` or more.

    Two objects interlock when each has the better claim somewhere, by `least_cells` and by half the other's claim.
    """
    objective = cluster.objective
    wishes = [(int(i), int(j)) for i, j in np.argwhere(cluster.log_odds >= least)]
    for (i, j), gains in objective.flip_gains(cluster.order).items():
        in_favour = objective.scale * float(np.maximum(gains, 0).sum(dtype=np.float64))
        against = in_favour - objective.scale * float(gains.sum(dtype=np.float64))
        larger, smaller = max(in_favour, against), min(in_favour, against)
        if smaller >= max(least_cells, larger / 2):
            wishes += [(i, j), (j, i)]
    return cycles(wishes)


def logistic(log_odds: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + math.tanh(0.5 * log_odds))
