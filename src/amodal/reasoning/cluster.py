"""A cluster of overlapping objects: its evidence, its order, its labels, and one round of self-correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from amodal.reasoning.evidence import Evidence, PairLogOdds, Rescore, same_maps, with_same_window
from amodal.reasoning.labels import Labels, best_labels
from amodal.reasoning.layers import Layer, frame_of, layer_of, shared_samples, thin
from amodal.reasoning.objective import Objective
from amodal.reasoning.restraint import Weights, sample_weights, weighted
from amodal.reasoning.search import find_order


@dataclass(frozen=True, eq=False)
class Cluster:
    """One state of the reasoning about a cluster; its objects are 0..N-1 in canonical sequence.

    Attributes:
        members: the objects' numbers in the picture.
        evidences: their evidence.
        objective: J over the samples that were fixed at the start.
        step: distance of the samples in pixels.
        weights: what each sample counts, fixed at the start; None where all count fully.
        order: front to back.
        labels: on every pixel, under that order.
        trace: J so far, one value per round.
    """

    members: tuple[int, ...]
    evidences: tuple[Evidence, ...]
    objective: Objective
    step: int
    weights: Weights | None
    order: tuple[int, ...]
    labels: tuple[Labels, ...]
    trace: tuple[float, ...]


def start_cluster(
    *,
    members: Sequence[int],
    evidences: Sequence[Evidence],
    pairs: Sequence[tuple[int, int]],
    pair_log_odds: PairLogOdds | None,
    evidence_weight: float,
    max_pair_log_odds: float,
    max_samples: int,
    exact_up_to: int,
) -> Cluster:
    """Fix the samples, find the order, label every pixel. `pairs` are members whose windows overlap."""
    frame = frame_of(evidences)
    full = [layer_of(evidence, frame) for evidence in evidences]
    step = _step(full, min(evidence.cell_area for evidence in evidences), max_samples)
    neighbours, log_prior = _relations(members, pairs, pair_log_odds)
    # Pixels of one cell are one observation, and a sample stands for step² pixels.
    mean_cell_area = math.fsum(evidence.cell_area for evidence in evidences) / len(evidences)
    objective = Objective(
        layers=tuple(thin(layer, step) for layer in full),
        neighbours=neighbours,
        log_prior=log_prior,
        scale=evidence_weight * step**2 / mean_cell_area,
    )
    # Without a prior there is nothing that pixels could shout down.
    weights = sample_weights(objective, max_pair_log_odds) if pair_log_odds is not None else None
    objective = replace(objective, layers=tuple(weighted(layer, weights) for layer in objective.layers))
    order = find_order(objective, exact_up_to=exact_up_to)
    return Cluster(
        members=tuple(members),
        evidences=tuple(evidences),
        objective=objective,
        step=step,
        weights=weights,
        order=order,
        labels=tuple(best_labels(evidences, order)),
        trace=(objective.value(order),),
    )


def corrected(cluster: Cluster, rescore: Rescore, exact_up_to: int) -> Cluster | None:
    """One round of self-correction, or None when it changes nothing.

    Every object that is partly hidden is scored again on what its own model has to explain; its new evidence
    is kept if J, over the same samples, does not fall.
    """
    changed = False
    evidences, objective = list(cluster.evidences), cluster.objective
    frame = frame_of(evidences)
    for n, label in enumerate(cluster.labels):
        if not label.is_hidden:
            continue
        proposal = rescore(cluster.members[n], label.explained)
        if proposal is None or same_maps(proposal, evidences[n]):
            continue
        proposal = with_same_window(proposal, evidences[n])
        layer = weighted(thin(layer_of(proposal, frame), cluster.step), cluster.weights)
        before = objective.value_inside(n, cluster.order, objective.layers[n])
        if objective.value_inside(n, cluster.order, layer) >= before:
            evidences[n], changed = proposal, True
            objective = objective.with_layer(n, layer)
    if not changed:
        return None
    order = find_order(objective, starts=[cluster.order], exact_up_to=exact_up_to)
    return replace(
        cluster,
        evidences=tuple(evidences),
        objective=objective,
        order=order,
        labels=tuple(best_labels(evidences, order)),
        trace=(*cluster.trace, objective.value(order)),
    )


def _step(layers: Sequence[Layer], smallest_cell_area: float, max_samples: int) -> int:
    """Sample distance: about `max_samples` where windows overlap, but at least two samples per cell side."""
    wanted = math.ceil(math.sqrt(shared_samples(layers) / max_samples))
    return max(1, min(wanted, int(math.sqrt(smallest_cell_area) / 2)))


def _relations(
    members: Sequence[int], pairs: Sequence[tuple[int, int]], pair_log_odds: PairLogOdds | None
) -> tuple[tuple[tuple[int, ...], ...], Float64[np.ndarray, "n n"]]:
    """Neighbours of every object, and log P(i in front of j) of every overlapping pair."""
    place = {member: k for k, member in enumerate(members)}
    neighbours: list[list[int]] = [[] for _ in members]
    log_prior = np.zeros((len(members), len(members)))
    for i, j in pairs:
        a, b = place[i], place[j]
        neighbours[a].append(b)
        neighbours[b].append(a)
        if pair_log_odds is not None:
            log_odds = pair_log_odds(i, j)
            log_prior[a, b] = -np.logaddexp(0, -log_odds)
            log_prior[b, a] = -np.logaddexp(0, log_odds)
    return tuple(tuple(sorted(near)) for near in neighbours), log_prior
