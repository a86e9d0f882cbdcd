"""A cluster of overlapping objects: its evidence, its order, its labels, and one round of self-correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from amodal.reasoning.appearance import appearance
from amodal.reasoning.evidence import Evidence, PairLogOdds, Rescore, same_maps, with_same_window
from amodal.reasoning.labels import Labels, best_labels
from amodal.reasoning.layers import frame_of, layer_of, shared_samples, step_of, thin
from amodal.reasoning.objective import Objective
from amodal.reasoning.probable import most_probable_order


@dataclass(frozen=True, eq=False)
class Cluster:
    """One state of the reasoning about a cluster; its objects are 0..N-1 in canonical sequence.

    Attributes:
        members: the objects' numbers in the picture.
        evidences: their evidence.
        objective: J over the samples that were fixed at the start.
        step: distance of the samples in pixels.
        log_odds: for i in front of j of every overlapping pair, all cues together; antisymmetric, else 0.
        order: front to back, the most probable one.
        labels: on every pixel, under that order.
        trace: J so far, one value per round.
    """

    members: tuple[int, ...]
    evidences: tuple[Evidence, ...]
    objective: Objective
    step: int
    log_odds: Float64[np.ndarray, "n n"]
    order: tuple[int, ...]
    labels: tuple[Labels, ...]
    trace: tuple[float, ...]


def start_cluster(
    *,
    members: Sequence[int],
    evidences: Sequence[Evidence],
    pairs: Sequence[tuple[int, int]],
    pair_log_odds: PairLogOdds,
    max_samples: int,
    exact_up_to: int,
) -> Cluster:
    """Fix the samples, find the order, label every pixel. `pairs` are members whose windows overlap."""
    objective, step = objective_of(members, evidences, pairs, max_samples)
    log_odds = _log_odds(members, objective, pair_log_odds, exact_up_to)
    order = most_probable_order(log_odds)
    return Cluster(
        members=tuple(members),
        evidences=tuple(evidences),
        objective=objective,
        step=step,
        log_odds=log_odds,
        order=order,
        labels=tuple(best_labels(evidences, order)),
        trace=(objective.value(order),),
    )


def objective_of(
    members: Sequence[int], evidences: Sequence[Evidence], pairs: Sequence[tuple[int, int]], max_samples: int
) -> tuple[Objective, int]:
    """J of a cluster over a grid of samples, and the distance of these in pixels."""
    frame = frame_of(evidences)
    full = [layer_of(evidence, frame) for evidence in evidences]
    step = step_of(shared_samples(full), min(evidence.cell_area for evidence in evidences), max_samples)
    # Pixels of one cell are one observation, and a sample stands for step² pixels.
    mean_cell_area = math.fsum(evidence.cell_area for evidence in evidences) / len(evidences)
    objective = Objective(
        layers=tuple(thin(layer, step) for layer in full),
        neighbours=_neighbours(members, pairs),
        scale=step**2 / mean_cell_area,
    )
    return objective, step


def corrected(cluster: Cluster, rescore: Rescore, pair_log_odds: PairLogOdds, exact_up_to: int) -> Cluster | None:
    """One round of self-correction, or None when it changes nothing.

    Every object that is partly hidden is scored again on what its own model has to explain; its new evidence
    is kept if J, over the same samples, does not fall. Likewise the order that follows from it.
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
        layer = thin(layer_of(proposal, frame), cluster.step)
        before = objective.value_inside(n, cluster.order, objective.layers[n])
        if objective.value_inside(n, cluster.order, layer) >= before:
            evidences[n], changed = proposal, True
            objective = objective.with_layer(n, layer)
    if not changed:
        return None
    order, log_odds, value = cluster.order, cluster.log_odds, objective.value(cluster.order)
    new_odds = _log_odds(cluster.members, objective, pair_log_odds, exact_up_to)
    new_order = most_probable_order(new_odds)
    new_value = objective.value(new_order)
    if new_value >= value:
        order, log_odds, value = new_order, new_odds, new_value
    return replace(
        cluster,
        evidences=tuple(evidences),
        objective=objective,
        log_odds=log_odds,
        order=order,
        labels=tuple(best_labels(evidences, order)),
        trace=(*cluster.trace, value),
    )


def _log_odds(
    members: Sequence[int], objective: Objective, pair_log_odds: PairLogOdds, exact_up_to: int
) -> Float64[np.ndarray, "n n"]:
    says = appearance(objective, exact_up_to)
    log_odds = np.zeros_like(says)
    for i, j in objective.pairs():
        log_odds[i, j] = pair_log_odds(members[i], members[j], float(says[i, j]))
        log_odds[j, i] = -log_odds[i, j]
    return log_odds


def _neighbours(members: Sequence[int], pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Per object those it overlaps, sorted."""
    place = {member: k for k, member in enumerate(members)}
    neighbours: list[list[int]] = [[] for _ in members]
    for i, j in pairs:
        neighbours[place[i]].append(place[j])
        neighbours[place[j]].append(place[i])
    return tuple(tuple(sorted(near)) for near in neighbours)
