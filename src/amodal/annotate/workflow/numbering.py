"""Clusters of a photo's objects, KINS's numbers in them, and where the order contradicts itself; values only.

Two objects meet where their masks share pixels; where one of them has no mask yet, its box stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from amodal import rle
from amodal.data.clusters import Contradiction, Place
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph, strongly_connected
from amodal.scene import XYXY

Pair = tuple[int, int]
NO_MASKS: Mapping[int, CropMask] = MappingProxyType({})


@dataclass(frozen=True)
class Numbering:
    """What follows from boxes or masks and edges.

    Attributes:
        clusters: ids of objects that meet, directly or over others; single objects too.
        places: id -> cluster and number.
        contradictions: cycles, objects that meet with equal numbers, edges between objects that do not meet.
        edges: (front, behind) as said.
    """

    clusters: tuple[tuple[int, ...], ...]
    places: Mapping[int, Place]
    contradictions: tuple[Contradiction, ...]
    edges: tuple[Pair, ...]

    def nearer(self, id: int) -> list[int]:
        """Who takes common pixels from an object: smaller numbers of its cluster, and who is said to be in front."""
        mine = self.places[id]
        members = self.clusters[mine.cluster]
        smaller = {other for other in members if self.places[other].number < mine.number}
        return sorted(smaller.union(self._fronts.get(id, ())))

    @cached_property
    def _fronts(self) -> Mapping[int, list[int]]:
        found: dict[int, list[int]] = {}
        for front, behind in self.edges:
            found.setdefault(behind, []).append(front)
        return found

    def to_json(self) -> dict[str, Any]:
        """Clusters, numbers and contradictions in plain values."""
        return {
            "clusters": [list(ids) for ids in self.clusters],
            "numbers": {id: place.number for id, place in self.places.items()},
            "contradictions": [
                {"what": one.what, "ids": list(one.ids), "said": one.said} for one in self.contradictions
            ],
        }


def numbering(boxes: Mapping[int, XYXY], edges: Iterable[Pair], masks: Mapping[int, CropMask] = NO_MASKS) -> Numbering:
    """Number the objects of a photo.

    0 is what nothing is said to hide, else one more than the last in front of it. Only edges between objects that meet
    count. Of two that meet, nothing need be said where their numbers differ: the smaller one is in front.

    Args:
        boxes: every object's.
        edges: (front, behind).
        masks: whole masks, as far as they are known.
    """
    said = tuple(sorted(set(edges)))
    meeting = meeting_pairs(boxes, masks)
    there = {pair for one in meeting for pair in (one, one[::-1])}
    graph = OrderGraph(tuple(OrderEdge(*edge) for edge in said if edge in there))
    numbers = {id: number for number, layer in enumerate(graph.layers(boxes)) for id in layer}
    clusters = _clusters(boxes, meeting)
    places = {id: Place(k, numbers[id]) for k, ids in enumerate(clusters) for id in ids}
    found = [*_circles(graph), *_equals(meeting, numbers, graph), *_apart(said, there)]
    return Numbering(clusters, places, tuple(found), said)


def meeting_pairs(boxes: Mapping[int, XYXY], masks: Mapping[int, CropMask] = NO_MASKS) -> list[Pair]:
    """(smaller id, larger id) of objects that share pixels, or share an area of their boxes."""
    spans = {id: _span(box, masks.get(id)) for id, box in boxes.items()}
    pixels: dict[int, rle.Intervals] = {}  # each made once, however many others an object may meet
    frame = next(((one.height, one.width) for one in masks.values()), (0, 0))

    def pixels_of(id: int) -> rle.Intervals:
        if id not in pixels:
            pixels[id] = (masks.get(id) or CropMask.from_box(_at(spans[id]), *frame)).intervals()
        return pixels[id]

    def meet(one: int, other: int) -> bool:
        if not _spans_meet(_at(spans[one]), _at(spans[other])):
            return False
        if one not in masks and other not in masks:
            return True
        return bool(len(rle.combine(pixels_of(one), pixels_of(other), rle.INTERSECTION)[0]))

    by_left = sorted((id for id in boxes if spans[id] is not None), key=lambda id: _at(spans[id])[0])
    found = []
    for index, one in enumerate(by_left):
        for other in by_left[index + 1 :]:
            if _at(spans[other])[0] >= _at(spans[one])[2]:
                break  # all that follow begin further to the right
            if meet(one, other):
                found.append((min(one, other), max(one, other)))
    return sorted(found)


def _span(box: XYXY, mask: CropMask | None) -> XYXY | None:
    if mask is None:
        return box
    return None if mask.is_empty else mask.box


def _at(span: XYXY | None) -> XYXY:
    assert span is not None  # noqa: S101 - objects without pixels were left out
    return span


def _spans_meet(one: XYXY, other: XYXY) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])


def _clusters(boxes: Mapping[int, XYXY], meeting: Iterable[Pair]) -> tuple[tuple[int, ...], ...]:
    neighbours: dict[int, list[int]] = {id: [] for id in boxes}
    for one, other in meeting:
        neighbours[one].append(other)
        neighbours[other].append(one)
    return tuple(sorted(tuple(group) for group in strongly_connected(neighbours)))


def _circles(graph: OrderGraph) -> Iterable[Contradiction]:
    for cycle in graph.cycles():
        yield Contradiction("cycle", cycle, "hide each other in a circle: " + " -> ".join(map(str, (*cycle, cycle[0]))))


def _equals(meeting: Iterable[Pair], numbers: Mapping[int, int], graph: OrderGraph) -> Iterable[Contradiction]:
    for one, other in meeting:
        if numbers[one] == numbers[other] and not (graph.in_front_of(one, other) or graph.in_front_of(other, one)):
            said = f"overlap but both have number {numbers[one]}; say which is in front"
            yield Contradiction("equal numbers", (one, other), said)


def _apart(said: Iterable[Pair], there: set[Pair]) -> Iterable[Contradiction]:
    for front, behind in said:
        if (front, behind) not in there:
            told = f"{front} is said to be in front of {behind}, but they do not overlap"
            yield Contradiction("do not overlap", (front, behind), told)
