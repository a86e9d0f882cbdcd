"""The order of one photo's objects, checked against itself and against the masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from amodal.data.clusters import Place, complete_order, contradictions, numbered, order_by_masks
from amodal.data.fields import Field, shortened
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph
from amodal.scene import Instance, Scene
from amodal.survey.findings import Notes, Severity, child
from amodal.survey.layouts import Layout

AGAINST_ITSELF = ("equal numbers", "clusters apart", "cluster in pieces")
THROUGH_THE_PHOTO = ("equal numbers", "masks disagree")
ADVICE = {
    "equal numbers": "the one that is hidden needs the larger number",
    "clusters apart": "objects that overlap belong to one cluster",
    "cluster in pieces": "give each group its own cluster",
    "nothing in front": "number 0 is for what nothing hides",
    "number left out": "one more than the last in front is expected",
    "masks disagree": "swap the numbers or mend the visible masks",
    "cycle": "break the circle: one of these must be behind the others",
}


@dataclass(frozen=True)
class Drawn:
    """An annotation whose masks could be read.

    Attributes:
        key: unique in the file whatever the id is.
        about: what a problem calls it.
        annotation, whole, seen: it and its masks.
        is_seen_known: False where `seen` stands in for a mask that nobody drew.
    """

    key: int
    about: int | str | None
    annotation: Field
    whole: CropMask
    seen: CropMask
    is_seen_known: bool = True


def examine_numbers(drawn: Sequence[Drawn], layout: Layout, least_px: int, notes: Notes) -> None:
    """Note contradictions between the numbers of one photo, and its masks; numbers are made anew where they clash."""
    instances = [Instance(one.key, "", (0.0, 0.0, 1.0, 1.0), 1.0, one.seen, one.whole) for one in drawn]
    if layout.number is None:
        _cycles_of_masks(drawn, instances, notes)
        return
    before = len(notes.problems)
    places = {one.key: place for one in drawn if (place := _place(one, layout, notes)) is not None}
    is_seen_known = all(one.is_seen_known for one in drawn)
    found = contradictions(instances, places, least_px, masks=is_seen_known)
    if layout.cluster is None:
        found = [one for one in found if one.what in THROUGH_THE_PHOTO]
    unreadable = notes.problems[before:]
    if not found and not any(problem.severity == "broken" for problem in unreadable):
        return
    anew = _numbers(drawn, instances, places, layout) if is_seen_known else None
    remedy = "" if anew is None else "the photo's numbers are made anew from the masks"
    notes.problems[before:] = [replace(problem, mended=remedy) for problem in unreadable]
    by_key = {one.key: one for one in drawn}
    for one in found:
        first = by_key[one.ids[0]]
        said = f"annotations {', '.join(str(by_key[key].about) for key in one.ids)} {one.said}"
        notes.note(
            child(first.annotation, layout.number),
            f"order: {one.what}",
            said,
            ADVICE[one.what],
            mended=remedy,
            severity="broken" if one.what in AGAINST_ITSELF else "doubtful",
            about=first.about,
        )
    for key, changes in (anew or {}).items():
        for name, value in changes.items():
            notes.change(child(by_key[key].annotation, name), value)


def examine_missing_visible(drawn: Sequence[Drawn], layout: Layout, notes: Notes) -> None:
    """Note the objects of one photo that lack a visible mask; whole masks and numbers give it, where they can."""
    for one in drawn:
        if one.is_seen_known or layout.visible is None:
            continue
        place, seen = child(one.annotation, layout.visible), _left_over(one, drawn, layout)
        mended = "taken out" if seen is None else "made from the whole masks and the numbers"
        found = "is missing, other annotations have one"
        notes.note(place, "visible mask missing", found, "draw what is seen", mended=mended, about=one.about)
        if seen is None:
            notes.remove(one.annotation)
        else:
            notes.change(place, seen.to_coco_rle())


def _left_over(one: Drawn, drawn: Sequence[Drawn], layout: Layout) -> CropMask | None:
    """The whole mask less those of smaller numbers; None where an object that overlaps lacks a number."""
    seen = one.whole
    for other in drawn:
        if other is one or not one.whole.intersection_area(other.whole):
            continue
        own, of_other = (_number_of(each, layout) for each in (one, other))
        if own is None or of_other is None:
            return None
        if of_other < own:
            seen = seen.subtract(other.whole)
    return seen


def _number_of(one: Drawn, layout: Layout) -> int | None:
    value = None if layout.number is None else child(one.annotation, layout.number).value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def examine_edges(root: Field, photo_of: Mapping[int, int], notes: Notes) -> None:
    """Note edges of our own file that name no object, cross photos, speak of one pair twice or go round."""
    listed = child(root, "order")
    if not isinstance(listed.value, list):
        notes.note(listed, "order missing", "is no list", "write [] where nothing is known", mended="[]")
        notes.change(listed, [])
        return
    seen: set[tuple[int, int]] = set()
    edges: dict[int, list[OrderEdge]] = {}
    for number, value in enumerate(listed.value):
        edge = child(listed, number)
        problem = _edge_problem(value, photo_of, seen)
        if problem is not None:
            notes.note(edge, "order: broken edge", problem, "take it out", mended="taken out")
            notes.remove(edge)
            continue
        front, behind = value["front"], value["behind"]
        seen.add((front, behind))
        edges.setdefault(photo_of[front], []).append(OrderEdge(front, behind))
    for inside in edges.values():
        for cycle in OrderGraph(tuple(inside)).cycles():
            path = " -> ".join(map(str, (*cycle, cycle[0])))
            found = f"annotations hide each other in a circle: {path}"
            notes.note(listed, "order: cycle", found, ADVICE["cycle"], severity="doubtful", about=cycle[0])


def _place(one: Drawn, layout: Layout, notes: Notes) -> Place | None:
    values = []
    for name in (layout.cluster, layout.number):
        if name is None:
            values.append(0)
            continue
        place = child(one.annotation, name)
        value = place.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            said = "is missing" if value is None else f"is {shortened(value)}"
            advice = "a whole number from 0 on is expected"
            severity: Severity = "doubtful" if value is None and not layout.needs_number else "broken"
            notes.note(place, "order: no number", said, advice, severity=severity, about=one.about)
            return None
        values.append(value)
    return Place(*values)


def _numbers(
    drawn: Sequence[Drawn], instances: Sequence[Instance], places: Mapping[int, Place], layout: Layout
) -> dict[int, dict[str, int]] | None:
    """New values of the order's fields, from the masks; None where those go round in a circle."""
    frame = drawn[0].whole
    scene = Scene(frame.height, frame.width, tuple(instances), exclusive=False)
    try:
        found = numbered(scene)
    except InputError:
        return None
    if layout.cluster is not None and layout.number is not None:
        return {key: {layout.cluster: place.cluster, layout.number: place.number} for key, place in found.items()}
    layers = complete_order(scene).kins_orders(found)
    sequence = sorted(found, key=lambda key: (layers[key], places.get(key, Place(0, 0)).number, key))
    return {key: {str(layout.number): place} for place, key in enumerate(sequence, start=1)}


def _cycles_of_masks(drawn: Sequence[Drawn], instances: Sequence[Instance], notes: Notes) -> None:
    by_key = {one.key: one for one in drawn}
    for cycle in order_by_masks(instances).cycles():
        told = " -> ".join(str(by_key[key].about) for key in (*cycle, cycle[0]))
        found = f"by their visible masks, annotations hide each other in a circle: {told}"
        first = by_key[cycle[0]]
        notes.note(first.annotation, "order: cycle", found, ADVICE["cycle"], severity="doubtful", about=first.about)


def _edge_problem(value: object, photo_of: Mapping[int, int], seen: set[tuple[int, int]]) -> str | None:
    if not isinstance(value, dict):
        return "is no object"
    front: Any = value.get("front")
    behind: Any = value.get("behind")
    if not _is_known(front, photo_of):
        return f"names annotation {shortened(front)}, which is not there"
    if not _is_known(behind, photo_of):
        return f"names annotation {shortened(behind)}, which is not there"
    if front == behind:
        return f"puts {front} in front of itself"
    if photo_of[front] != photo_of[behind]:
        return f"joins {front} and {behind}, which are in different photos"
    if (front, behind) in seen:
        return f"says {front} -> {behind} again"
    if (behind, front) in seen:
        return f"says {front} -> {behind} after the other way round"
    probability = value.get("probability")
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        return f"has probability {shortened(probability)}"
    return None


def _is_known(id: Any, photo_of: Mapping[int, int]) -> TypeGuard[int]:
    return isinstance(id, int) and not isinstance(id, bool) and id in photo_of
