"""Reasoning as printed: pairs compete for pixels, votes give the order, the winner takes the conflict.

Where the paper leaves a gap: all pairs are judged at once on the same maps, so no sequence of visits matters;
the conflict set is what both objects call foreground, nothing more; in Eq 16 O is the larger of the two
objects' outlier evidences; tied votes leave no edge; a cycle of pairs is broken at its weakest edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from amodal.reasoning.evidence import (
    Evidence,
    PairLogOdds,
    Reasoning,
    Rescore,
    canonical_order,
    same_maps,
    with_same_window,
)
from amodal.reasoning.graph import acyclic_edges, cycles, topological_order
from amodal.reasoning.layers import frame_of
from amodal.reasoning.windows import Crop, crop_of, overlapping_pairs, shared_crops
from amodal.reasoning.wishes import logistic


def reason(
    evidences: Sequence[Evidence],
    *,
    rescore: Rescore | None = None,
    rounds: int = 2,
    pair_log_odds: PairLogOdds | None = None,
) -> Reasoning:
    """Order and masks by the published procedure (the rows "iter = rounds" of the paper).

    Arguments as in `joint.reason`, but appearance speaks by votes, not to `pair_log_odds`: that prior is added to
    the log ratio of the votes. Each round ends with self-correction, which is always accepted, and the maps it gives
    are labelled anew.

    Raises:
        ValueError: `rescore` gave evidence on another window.
    """
    sequence = canonical_order(evidences)
    current = [evidences[n] for n in sequence]
    pairs = overlapping_pairs([evidence.window for evidence in current])
    prior = _priors(sequence, pairs, pair_log_odds)
    verdict = _judge(current, pairs, prior)
    for _ in range(rounds):
        proposals = {} if rescore is None else _self_correction(sequence, current, verdict, rescore)
        if not proposals:
            break
        for n, proposal in proposals.items():
            current[n] = proposal
        verdict = _judge(current, pairs, prior)
    return _in_given_sequence(sequence, current, verdict)


def compete(evidences: Sequence[Evidence]) -> Reasoning:
    """Pixel-level competition alone (Eq 16), without an order: the row "NOD" of the paper."""
    sequence = canonical_order(evidences)
    current = [evidences[n] for n in sequence]
    pairs = overlapping_pairs([evidence.window for evidence in current])
    own = [_own_labels(evidence) for evidence in current]
    conflicts = _conflicts(current, own, pairs)
    visible = _owners(current, own, conflicts, fronts={})
    return _in_given_sequence(sequence, current, _Verdict(visible, [a for _, a in own], [], []))


Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class _Conflict:
    """Pixels that both objects of a pair call foreground, on the window of each, and who wins them."""

    in_first: Crop
    in_second: Crop
    pixels: Mask
    first_wins: Mask
    second_wins: Mask


@dataclass(frozen=True, eq=False)
class _Verdict:
    visible: list[Mask]
    amodal: list[Mask]
    edges: list[tuple[int, int, float]]  # (front, behind, log-odds), acyclic
    wishes: list[tuple[int, int]]  # before cycles were broken


def _judge(
    evidences: Sequence[Evidence], pairs: Sequence[tuple[int, int]], prior: dict[tuple[int, int], float]
) -> _Verdict:
    own = [_own_labels(evidence) for evidence in evidences]
    conflicts = _conflicts(evidences, own, pairs)
    wishes = []
    for i, j in pairs:
        log_odds = prior.get((i, j), 0.0)
        if (i, j) in conflicts:
            cell_area = 0.5 * (evidences[i].cell_area + evidences[j].cell_area)
            log_odds += _vote_log_odds(conflicts[i, j], cell_area)
        if log_odds != 0 and _share_a_pixel(evidences, own, i, j):
            wishes.append((i, j, log_odds) if log_odds > 0 else (j, i, -log_odds))
    edges = acyclic_edges(wishes)
    fronts = {(min(i, j), max(i, j)): i for i, j, _ in edges}
    visible = _owners(evidences, own, conflicts, fronts)
    return _Verdict(visible, [amodal for _, amodal in own], edges, [(i, j) for i, j, _ in wishes])


def _own_labels(evidence: Evidence) -> tuple[Mask, Mask]:
    """What the object's own three maps say: where it is visible, and where it is at all."""
    f, o, c = evidence.foreground, evidence.occluded, evidence.context
    visible = (f > o) & (f > c)
    return visible, visible | (o > c)


def _conflicts(
    evidences: Sequence[Evidence], own: Sequence[tuple[Mask, Mask]], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], _Conflict]:
    conflicts = {}
    for i, j in pairs:
        in_i, in_j = shared_crops(evidences[i].window, evidences[j].window)
        pixels = own[i][0][in_i] & own[j][0][in_j]
        if pixels.any():
            first, second = evidences[i].foreground[in_i], evidences[j].foreground[in_j]
            outlier = np.maximum(evidences[i].occluded[in_i], evidences[j].occluded[in_j])
            first_wins = pixels & (first > np.maximum(second, outlier))  # Eq 16
            second_wins = pixels & (second > np.maximum(first, outlier))
            conflicts[i, j] = _Conflict(in_i, in_j, pixels, first_wins, second_wins)
    return conflicts


def _vote_log_odds(conflict: _Conflict, cell_area: float) -> float:
    """Eq 17 as a number: its sign is R, and 0 is a tie. Counted in cells, one pseudo-count on either side."""
    first, second = int(conflict.first_wins.sum()), int(conflict.second_wins.sum())
    return math.log((first / cell_area + 1) / (second / cell_area + 1))


def _share_a_pixel(evidences: Sequence[Evidence], own: Sequence[tuple[Mask, Mask]], i: int, j: int) -> bool:
    in_i, in_j = shared_crops(evidences[i].window, evidences[j].window)
    return bool((own[i][1][in_i] & own[j][1][in_j]).any())


def _owners(
    evidences: Sequence[Evidence],
    own: Sequence[tuple[Mask, Mask]],
    conflicts: dict[tuple[int, int], _Conflict],
    fronts: dict[tuple[int, int], int],
) -> list[Mask]:
    """Visible masks once every conflict is settled: by order, all or nothing; without one, pixel by pixel.

    The exception for pixels won by the outlier is empty: in a conflict both objects already beat it.
    """
    visible = [mask.copy() for mask, _ in own]
    for (i, j), conflict in conflicts.items():
        front = fronts.get((i, j))
        if front is None:
            # A pixel of equal claims goes to the first in the canonical sequence.
            first_loses = conflict.second_wins
        else:
            first_loses = conflict.pixels if front == j else np.zeros_like(conflict.pixels)
        visible[i][conflict.in_first] &= ~first_loses
        visible[j][conflict.in_second] &= ~(conflict.pixels & ~first_loses)
    _give_back_orphans(evidences, own, visible)
    return visible


def _give_back_orphans(
    evidences: Sequence[Evidence], own: Sequence[tuple[Mask, Mask]], visible: Sequence[Mask]
) -> None:
    """Pixels that everybody lost to somebody else go to the largest foreground evidence.

    It takes three objects, of which one pair has no order, to go round in a circle like that.
    """
    x0, y0, x1, y1 = frame = frame_of(evidences)
    orphaned = np.zeros((y1 - y0, x1 - x0), bool)
    crops = [crop_of(evidence.window, frame) for evidence in evidences]
    for (claimed, _), crop in zip(own, crops, strict=True):
        orphaned[crop] |= claimed
    for kept, crop in zip(visible, crops, strict=True):
        orphaned[crop] &= ~kept
    if not orphaned.any():
        return
    best = np.full(orphaned.shape, -np.inf, np.float32)
    owner = np.full(orphaned.shape, -1, np.int32)
    for n, ((claimed, _), crop) in enumerate(zip(own, crops, strict=True)):
        better = claimed & (evidences[n].foreground > best[crop])
        np.copyto(best[crop], evidences[n].foreground, where=better)
        np.copyto(owner[crop], n, where=better)
    for n, crop in enumerate(crops):
        visible[n][orphaned[crop] & (owner[crop] == n)] = True


def _self_correction(
    sequence: Sequence[int], evidences: Sequence[Evidence], verdict: _Verdict, rescore: Rescore
) -> dict[int, Evidence]:
    """New evidence of every object that lost pixels, where it differs from the old."""
    proposals = {}
    for n, (number, evidence) in enumerate(zip(sequence, evidences, strict=True)):
        own_visible, _ = _own_labels(evidence)
        if not (own_visible & ~verdict.visible[n]).any():
            continue
        proposal = rescore(number, verdict.visible[n] | ~verdict.amodal[n])
        if proposal is None or same_maps(proposal, evidence):
            continue
        proposals[n] = with_same_window(proposal, evidence)
    return proposals


def _priors(
    sequence: Sequence[int], pairs: Sequence[tuple[int, int]], pair_log_odds: PairLogOdds | None
) -> dict[tuple[int, int], float]:
    if pair_log_odds is None:
        return {}
    return {(i, j): pair_log_odds(sequence[i], sequence[j], 0.0) for i, j in pairs}


def _in_given_sequence(sequence: Sequence[int], evidences: Sequence[Evidence], verdict: _Verdict) -> Reasoning:
    place = {number: n for n, number in enumerate(sequence)}
    own = [place[number] for number in range(len(sequence))]
    order = topological_order(len(sequence), [(i, j) for i, j, _ in verdict.edges])
    return Reasoning(
        modal=tuple(verdict.visible[n] for n in own),
        amodal=tuple(verdict.amodal[n] for n in own),
        evidences=tuple(evidences[n] for n in own),
        order=tuple(sequence[n] for n in order),
        edges=tuple(sorted((sequence[i], sequence[j], logistic(s)) for i, j, s in verdict.edges)),
        cycles=tuple(sorted(tuple(sorted(sequence[n] for n in g)) for g in cycles(verdict.wishes))),
    )
