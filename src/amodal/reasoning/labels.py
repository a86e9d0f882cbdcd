"""The best labels of every pixel under a given order: whose it is, and who is hidden there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from amodal.reasoning.evidence import Evidence
from amodal.reasoning.layers import frame_of, layer_of
from amodal.reasoning.objective import canvas_crop, winners


@dataclass(frozen=True, eq=False)
class Labels:
    """One object's labels on its window.

    Attributes:
        modal: the object owns the pixel.
        amodal: the object is there, visible or hidden.
        explained: the object's own model has to explain the pixel: it is visible there or, where nothing in
            front covers it, absent.
        is_hidden: another object in front covers a part of it.
    """

    modal: Bool[np.ndarray, "h w"]
    amodal: Bool[np.ndarray, "h w"]
    explained: Bool[np.ndarray, "h w"]
    is_hidden: bool


def best_labels(evidences: Sequence[Evidence], order: Sequence[int]) -> list[Labels]:
    """Labels of the objects of one cluster, in the sequence of `evidences`; exact, O(N) per pixel.

    Candidate owner n scores g_n + Σ_{m in front of n} d_m, nobody scores 0. Whoever stands in front of the
    owner is absent; everybody else takes the better of hidden and absent.
    """
    frame = frame_of(evidences)
    layers = [layer_of(evidence, frame) for evidence in evidences]
    winner = winners(layers, order)
    labels: list[Labels | None] = [None] * len(evidences)
    for number, n in enumerate(order, start=1):
        owner = winner[canvas_crop(layers[n])]
        modal = owner == number
        absent = (layers[n].price >= 0) | (owner > number)  # d = 0: context explains no worse than hidden
        covered = (owner < number) & (owner > 0)
        labels[n] = Labels(
            modal=modal,
            amodal=modal | ~absent,
            explained=modal | (absent & ~covered),
            is_hidden=bool((covered & ~absent).any()),
        )
    return [label for label in labels if label is not None]


def posteriors(evidences: Sequence[Evidence], order: Sequence[int]) -> list[Float32[np.ndarray, "3 h w"]]:
    """P(visible), P(context), P(occluded) of every object on its window, given the order; they sum to 1.

    The configurations of a pixel are its N + 1 possible owners; those who may be hidden or absent are summed
    over both instead of taking the better. `order` may be a whole picture's (`Reasoning.order`).
    """
    frame = frame_of(evidences)
    layers = [layer_of(evidence, frame) for evidence in evidences]
    crops = [canvas_crop(layer) for layer in layers]
    shape = (frame[3] - frame[1], frame[2] - frame[0])
    best, paid = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    scores: dict[int, Float32[np.ndarray, "h w"]] = {}
    log_absent: dict[int, Float32[np.ndarray, "h w"]] = {}
    for n in order:
        evidence, crop = evidences[n], crops[n]
        either = np.logaddexp(evidence.occluded, evidence.context)
        log_absent[n] = evidence.context - either
        scores[n] = evidence.foreground - either + paid[crop]
        np.maximum(best[crop], scores[n], out=best[crop])
        paid[crop] += log_absent[n]
    weights = {n: np.exp(scores[n] - best[crops[n]]) for n in order}
    total = np.exp(-best)  # nobody
    for n in order:
        total[crops[n]] += weights[n]
    owner_is_in_front = np.zeros(shape, np.float32)
    maps: list[Float32[np.ndarray, "3 h w"]] = [np.zeros((3, *e.shape), np.float32) for e in evidences]
    for n in order:
        crop = crops[n]
        nobody_or_in_front = np.exp(-best[crop]) + owner_is_in_front[crop]
        maps[n][0] = weights[n] / total[crop]
        maps[n][2] = -np.expm1(log_absent[n]) * nobody_or_in_front / total[crop]
        np.subtract(1, maps[n][0] + maps[n][2], out=maps[n][1])
        np.clip(maps[n], 0, 1, out=maps[n])
        owner_is_in_front[crop] += weights[n]
    return maps
