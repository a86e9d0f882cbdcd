"""Order and whole masks from visible masks, by a function that completes one object at a time.

A pair's order: each object is completed as if the other hid it; the one that grows more is behind. The whole object:
completed as if everything in front of it, directly or through others, hid it. Nothing in here knows a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import cv2
import numpy as np

from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph, reached, strongly_connected

GAP = 0.01
"""Up to which distance of their nearest pixels two visible masks touch, as a share of the photo's shorter side; at
least 2 px."""


@dataclass(frozen=True)
class Question:
    """Which pixels of `eraser` belong to the object that is seen as `visible`, if `eraser` stood in front of it?"""

    photo: int
    visible: CropMask
    eraser: CropMask


Grow = Callable[[Sequence[Question]], Sequence[CropMask]]
"""Answers each question with pixels of its eraser."""


@dataclass(frozen=True)
class Completed:
    """The objects of one photo, numbered as given: whole masks, the order, and edges that would have closed a cycle."""

    amodal: tuple[CropMask, ...]
    order: OrderGraph
    left_out: tuple[OrderEdge, ...]


def complete(visible: Sequence[Sequence[CropMask]], grow: Grow) -> list[Completed]:
    """Whole masks and order of the objects of several photos; an empty mask stays empty and touches nothing."""
    pairs = [touching_pairs(masks) for masks in visible]
    asked = [
        Question(photo, masks[behind], masks[front] - masks[behind])
        for photo, masks in enumerate(visible)
        for pair in pairs[photo]
        for behind, front in (pair, pair[::-1])
    ]
    answers = iter(_answered(grow, asked))
    orders = []
    for photo, masks in enumerate(visible):
        growths = {pair: (next(answers).area, next(answers).area) for pair in pairs[photo]}
        orders.append(without_cycles(growths, [mask.area for mask in masks]))
    wholes = [
        Question(photo, mask, _union([masks[front] for front in ancestors(order, number)], mask) - mask)
        for photo, (masks, (order, _)) in enumerate(zip(visible, orders, strict=True))
        for number, mask in enumerate(masks)
    ]
    grown = iter(_answered(grow, wholes))
    return [
        Completed(tuple(mask | next(grown) for mask in masks), order, left_out)
        for masks, (order, left_out) in zip(visible, orders, strict=True)
    ]


def touching_pairs(masks: Sequence[CropMask]) -> list[tuple[int, int]]:
    """Pairs (smaller number first) whose masks overlap or are at most `GAP` from each other."""
    return [pair for pair in combinations(range(len(masks)), 2) if _touch(masks[pair[0]], masks[pair[1]])]


def without_cycles(
    growths: Mapping[tuple[int, int], tuple[int, int]], areas: Sequence[int]
) -> tuple[OrderGraph, tuple[OrderEdge, ...]]:
    """The order that growths tell: of each pair, by how many pixels its first and its second grew under the other.

    Equal growth tells nothing and gives no edge. An edge's probability is its object's share of both growths, each with
    one pixel added. Where edges go round, the weakest of each knot (least difference of growths, measured by the
    smaller object) is left out until none do. Returns the order and what was left out.
    """
    strength: dict[OrderEdge, float] = {}
    for (first, second), (first_grew, second_grew) in growths.items():
        if first_grew != second_grew:
            front, behind = (first, second) if first_grew < second_grew else (second, first)
            share = (max(first_grew, second_grew) + 1) / (first_grew + second_grew + 2)
            edge = OrderEdge(front, behind, share)
            strength[edge] = abs(first_grew - second_grew) / max(1, min(areas[first], areas[second]))
    left_out: list[OrderEdge] = []
    while knots := _knots(strength):
        for knot in knots:
            # Ties go by the objects' areas, so that the result does not depend on how objects are numbered.
            weakest = min(knot, key=lambda e: (strength[e], e.probability, areas[e.front], areas[e.behind]))
            left_out.append(weakest)
            del strength[weakest]
    return OrderGraph(tuple(strength)), tuple(sorted(left_out))


def ancestors(order: OrderGraph, number: int) -> list[int]:
    """Everything in front of an object, directly or through others."""
    in_front: dict[int, list[int]] = {}
    for edge in order.edges:
        in_front.setdefault(edge.behind, []).append(edge.front)
    return sorted(set(reached(number, in_front, set())) - {number})


def _answered(grow: Grow, questions: Sequence[Question]) -> list[CropMask]:
    """Each question once, those without an object or an eraser not at all; answers kept to what was asked."""
    open_ones = list(dict.fromkeys(q for q in questions if not (q.visible.is_empty or q.eraser.is_empty)))
    grown = dict(zip(open_ones, grow(open_ones) if open_ones else (), strict=True))
    return [grown[q] & q.eraser if q in grown else CropMask.empty(q.visible.height, q.visible.width) for q in questions]


def _union(masks: Sequence[CropMask], like: CropMask) -> CropMask:
    return reduce(CropMask.union, masks, CropMask.empty(like.height, like.width))


def _touch(first: CropMask, second: CropMask) -> bool:
    if first.is_empty or second.is_empty:
        return False
    gap = max(2, round(GAP * min(first.height, first.width)))
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = first.box, second.box
    window = (max(ax0, bx0) - gap, max(ay0, by0) - gap, min(ax1, bx1) + gap, min(ay1, by1) + gap)
    if window[0] >= window[2] or window[1] >= window[3]:
        return False
    # What touches lies in both boxes widened by the gap, so nothing else need be looked at.
    near = np.ones((2 * gap + 1, 2 * gap + 1), np.uint8)
    widened = cv2.dilate(first.to_crop(window).astype(np.uint8), near)
    return bool((widened & second.to_crop(window)).any())


def _knots(edges: Mapping[OrderEdge, float]) -> list[list[OrderEdge]]:
    """The edges inside each group of objects that can all be reached from each other: each edge is on some cycle."""
    following: dict[int, list[int]] = {}
    for edge in edges:
        following.setdefault(edge.front, []).append(edge.behind)
        following.setdefault(edge.behind, [])
    groups = [set(group) for group in strongly_connected(following) if len(group) > 1]
    return [[edge for edge in edges if edge.front in group and edge.behind in group] for group in groups]
