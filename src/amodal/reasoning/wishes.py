"""What each pair of a solved cluster wishes by itself: edges with probabilities, and contradictions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from amodal.reasoning.cluster import Cluster
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


def edges_of(cluster: Cluster, claims: PairClaims) -> list[tuple[int, int, float]]:
    """(front, behind, probability) of every pair whose amodal masks share a pixel."""
    edges = []
    for (i, j), claim in claims.items():
        in_i, in_j = shared_crops(cluster.evidences[i].window, cluster.evidences[j].window)
        if (cluster.labels[i].amodal[in_i] & cluster.labels[j].amodal[in_j]).any():
            edges.append((i, j, logistic(claim.net)))
    return edges


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
