"""What each pair of a solved cluster wishes by itself: edges with probabilities, and contradictions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from amodal.reasoning.cluster import Cluster
from amodal.reasoning.evidence import Window
from amodal.reasoning.graph import cycles
from amodal.reasoning.windows import shared_crops


@dataclass(frozen=True)
class Claims:
    """What a pair (front, behind) has in common: log-odds for the order it has.

    Attributes:
        in_favour: from samples that speak for it.
        against: from samples that speak against it, positive.
        prior: from geometry.
    """

    in_favour: float
    against: float
    prior: float

    @property
    def net(self) -> float:
        """The log-odds, all in all."""
        return self.in_favour - self.against + self.prior

    def net_within(self, limit: float) -> float:
        """The same where samples together say no more than `limit`, either way."""
        return min(max(self.in_favour - self.against, -limit), limit) + self.prior


PairClaims = dict[tuple[int, int], Claims]


def pair_claims(cluster: Cluster) -> PairClaims:
    """Claims of every overlapping pair: what J would lose if only these two were exchanged."""
    objective = cluster.objective
    claims = {}
    for (i, j), gains in objective.flip_gains(cluster.order).items():
        in_favour = objective.scale * float(np.maximum(gains, 0).sum(dtype=np.float64))
        net = objective.scale * float(gains.sum(dtype=np.float64))
        prior = float(objective.log_prior[i, j] - objective.log_prior[j, i])
        claims[i, j] = Claims(in_favour, in_favour - net, prior)
    return claims


def edges_of(cluster: Cluster, claims: PairClaims, limit: float) -> list[tuple[int, int, float]]:
    """(front, behind, probability) of every pair whose amodal masks share a pixel or touch.

    Where the model sees nothing of what is hidden, the mask of the one behind ends where the front one begins.
    """
    edges = []
    for (i, j), claim in claims.items():
        windows = cluster.evidences[i].window, cluster.evidences[j].window
        if meet(cluster.labels[i].amodal, windows[0], cluster.labels[j].amodal, windows[1]):
            edges.append((i, j, logistic(claim.net_within(limit))))
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


def contested_groups(claims: PairClaims, least: float) -> list[tuple[int, ...]]:
    """Groups of objects that no order can satisfy: cycles of pairwise wishes of log-odds `least` or more.

    Two objects interlock when each has the better claim somewhere, by `least` and by half the other's claim.
    """
    wishes = []
    for (i, j), claim in claims.items():
        larger, smaller = max(claim.in_favour, claim.against), min(claim.in_favour, claim.against)
        both = smaller >= max(least, larger / 2)
        if both or claim.net >= least:
            wishes.append((i, j))
        if both or -claim.net >= least:
            wishes.append((j, i))
    return cycles(wishes)


def logistic(log_odds: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + math.tanh(0.5 * log_odds))
