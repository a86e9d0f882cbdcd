"""Joint reasoning (default): one labelling of every cluster of objects, under the most probable order of them.

Each pair's order has a probability, from all that speaks of it; the most probable acyclic order follows, and from it
the labels that J likes best. Rounds: find order and labels; re-score every object that is partly hidden on what is
visible of it; keep the new evidence if J over the same samples does not fall; again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amodal.reasoning.cluster import Cluster, corrected, start_cluster
from amodal.reasoning.evidence import Evidence, PairLogOdds, Reasoning, Rescore, canonical_order
from amodal.reasoning.pair_order import appearance_alone
from amodal.reasoning.windows import clusters, overlapping_pairs
from amodal.reasoning.wishes import contested_groups, edges_of


@dataclass(frozen=True)
class JointSettings:
    """How `reason` searches.

    Attributes:
        max_samples: the search looks at about so many of a cluster's pixels under two windows or more, but
            at two per cell side at least; the final labels are made on every pixel.
        exact_up_to: clusters up to this size are searched completely for the order that their pixels like best.
        contested: the log-odds a pair needs for a wish that counts in a circle of wishes.
        contested_cells: the evidence that both sides of a pair need somewhere to be called interlocking, in cells.
    """

    max_samples: int = 4096
    exact_up_to: int = 6
    contested: float = 1.5
    contested_cells: float = 4.0


def reason(
    evidences: Sequence[Evidence],
    *,
    rescore: Rescore | None = None,
    rounds: int = 2,
    pair_log_odds: PairLogOdds | None = None,
    settings: JointSettings | None = None,
) -> Reasoning:
    """Order and masks of all objects of a picture.

    Args:
        evidences: one per object, in any sequence; the result does not depend on it.
        rescore: makes new evidence of an object from where it is visible; None for no self-correction.
        rounds: at most so many rounds of self-correction; it stops early when nothing changes.
        pair_log_odds: what all cues together say of each overlapping pair; None for appearance alone.
        settings: see `JointSettings`.

    Raises:
        ValueError: `rescore` gave evidence on another window.
    """
    settings = settings or JointSettings()
    pair_log_odds = pair_log_odds or appearance_alone
    groups = _solve_clusters(evidences, rescore, rounds, pair_log_odds, settings)
    cluster_of = {n: (cluster, k) for cluster in groups for k, n in enumerate(cluster.members)}
    own = [cluster_of[n] for n in range(len(evidences))]
    edges, contradictions = [], []
    for cluster in groups:
        edges += [(cluster.members[i], cluster.members[j], p) for i, j, p in edges_of(cluster)]
        for group in contested_groups(cluster, settings.contested, settings.contested_cells):
            contradictions.append(tuple(sorted(cluster.members[k] for k in group)))
    return Reasoning(
        modal=tuple(cluster.labels[k].modal for cluster, k in own),
        amodal=tuple(cluster.labels[k].amodal for cluster, k in own),
        evidences=tuple(cluster.evidences[k] for cluster, k in own),
        order=tuple(cluster.members[k] for cluster in groups for k in cluster.order),
        edges=tuple(sorted(edges)),
        cycles=tuple(sorted(contradictions)),
        objective=_sum_of_traces([cluster.trace for cluster in groups]),
    )


def _solve_clusters(
    evidences: Sequence[Evidence],
    rescore: Rescore | None,
    rounds: int,
    pair_log_odds: PairLogOdds,
    settings: JointSettings,
) -> list[Cluster]:
    sequence = canonical_order(evidences)
    pairs = overlapping_pairs([evidences[n].window for n in sequence])
    pairs_of: dict[int, list[tuple[int, int]]] = {}
    for i, j in pairs:
        pairs_of.setdefault(i, []).append((sequence[i], sequence[j]))
    solved = []
    for group in clusters(len(sequence), pairs):
        cluster = start_cluster(
            members=[sequence[k] for k in group],
            evidences=[evidences[sequence[k]] for k in group],
            pairs=[pair for k in group for pair in pairs_of.get(k, [])],
            pair_log_odds=pair_log_odds,
            max_samples=settings.max_samples,
            exact_up_to=settings.exact_up_to,
        )
        if rescore is not None:
            cluster = _correct(cluster, rescore, rounds, pair_log_odds, settings.exact_up_to)
        solved.append(cluster)
    return solved


def _correct(cluster: Cluster, rescore: Rescore, rounds: int, pair_log_odds: PairLogOdds, exact_up_to: int) -> Cluster:
    for _ in range(rounds):
        following = corrected(cluster, rescore, pair_log_odds, exact_up_to)
        if following is None:
            break
        cluster = following
    return cluster


def _sum_of_traces(traces: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """J of the picture after every round; a cluster that stopped early keeps its last value."""
    length = max((len(trace) for trace in traces), default=0)
    return tuple(sum(trace[min(k, len(trace) - 1)] for trace in traces) for k in range(length))
