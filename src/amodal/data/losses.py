"""What a format cannot say, counted by kind with the first places: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from amodal.data.entries import Entry
from amodal.data.kins_write import depth_of
from amodal.scene import Instance

PLACES = 5
NEW_CLASS = "that a class is none of its own, which gets an id after them"
NEW_CLASS_ID = "the ids of classes, which are made anew"
OBJECT_IDS = "the ids of objects, which are made anew"
PHOTO_IDS = "the ids of photos, which are known by name alone"
STUFF_FORMATS = ("cocoa", "cocoa-regions")
_SHARE_ERROR = 1e-6


class Losses:
    """Gathers what was lost on the way from one format to another."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, list[str]] = {}

    def note(self, kind: str, place: str) -> None:
        """One more of this kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        places = self._places.setdefault(kind, [])
        if len(places) < PLACES:
            places.append(place)

    def __add__(self, other: Losses) -> Losses:
        """Both together."""
        both = Losses()
        for losses in (self, other):
            for kind, count in losses._counts.items():
                both._counts[kind] = both._counts.get(kind, 0) + count
                both._places[kind] = [*both._places.get(kind, []), *losses._places[kind]][:PLACES]
        return both

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> how many, most first."""
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))

    def lines(self) -> list[str]:
        """One line for each kind, with the first places."""
        return [f"{kind}: {count} (first: {'; '.join(self._places[kind][:2])})" for kind, count in self.counts.items()]

    def to_json(self) -> list[dict[str, Any]]:
        """All kinds with their first places."""
        return [
            {"what": kind, "count": count, "first": list(self._places[kind])} for kind, count in self.counts.items()
        ]


def place_of(entry: Entry, instance: Instance | None = None) -> str:
    """How a report calls a photo or an object."""
    name = entry.scene.image or "photo"
    return name if instance is None else f"{name}: object {instance.id}"


def note_losses(entry: Entry, says: frozenset[str], losses: Losses) -> None:
    """Note what a format that says only `says` leaves out of a photo.

    `says` are words among: modal, amodal, order, probability, whole box, visible box, score, ignore, unscored, claimed,
    empty (objects without a pixel), no mask (boxes alone, and that they are). Where the order is said, it is left to
    those who can compare it with what will be read back: see `note_order`.
    """
    truth, scene = entry.truth, entry.scene
    for one in scene.instances:
        place = place_of(entry, one)
        if "amodal" in truth.knows and "amodal" not in says and one.amodal != one.modal:
            losses.note("the whole mask of a hidden object", place)
        if "modal" in truth.knows and "modal" not in says:
            losses.note("the visible mask", place)
        if "amodal" not in truth.knows and "amodal" in says:
            losses.note("that the whole mask is not known: what is known stands in its place", place)
        if "modal" not in truth.knows and "modal" in says and "no mask" not in says:
            stand_in = "the whole one, less what is in front," if "amodal" in truth.knows else "the box"
            losses.note(f"that the visible mask is not known: {stand_in} stands in its place", place)
        _note_box(entry, one, says, losses)
        if one.score != 1 and "score" not in says:
            losses.note("the score", place)
        if one.claimed is not None and "claimed" not in says:
            losses.note("the mask claimed before reasoning", place)
        if one.id in truth.hidden | truth.unscored and "unscored" not in says:
            is_stuff = entry.read is not None and entry.read.format in STUFF_FORMATS
            said = "a region is stuff and no object" if is_stuff else "an object counts in no average"
            losses.note(f"that {said}", place)
    if "order" not in says:
        for edge in scene.order.edges:
            losses.note("who is in front", f"{place_of(entry)}: {edge.front} before {edge.behind}")
    elif "probability" not in says:
        for edge in scene.order.edges:
            if edge.probability != 1:
                losses.note("how likely the order is", f"{place_of(entry)}: {edge.front} before {edge.behind}")
    if "ignore" not in says:
        for mask in truth.ignore:
            losses.note("a region to ignore", f"{place_of(entry)}: {mask.box}")
    _note_made_anew(entry, losses)


def note_class_ids(ids: Mapping[int, str], kept: Mapping[str, int], losses: Losses) -> None:
    """Note the classes, by id, that do not keep it."""
    for number, label in ids.items():
        if kept.get(label) != number:
            becomes = f"becomes {kept[label]}" if label in kept else "is not written"
            losses.note(NEW_CLASS_ID, f"{label}: {number} {becomes}")


def note_ids(entry: Entry, becomes: Mapping[int, int], losses: Losses) -> None:
    """Note the objects that do not keep their id; `becomes`: instance id -> the id that will be read back."""
    for one in entry.scene.instances:
        before = entry.fields_of(one).get("id", one.id)
        if one.id in becomes and before != becomes[one.id]:
            losses.note(OBJECT_IDS, f"{place_of(entry)}: {before} becomes {becomes[one.id]}")


def note_photo_id(entry: Entry, losses: Losses) -> None:
    """Note the id of a photo, for a format that knows photos by name alone."""
    number = None if entry.read is None else entry.read.photo.get("id")
    if number is not None:
        losses.note(PHOTO_IDS, f"{place_of(entry)}: {number}")


def note_fields(
    entry: Entry, losses: Losses, *, of_objects: Collection[str] = (), of_photos: Collection[str] = ()
) -> None:
    """Note the fields of no known meaning, for a format that has room for none but those named."""
    for one in entry.scene.instances:
        for key in entry.foreign_fields(one):
            if key not in of_objects:
                losses.note(f"field {key!r} of objects", place_of(entry, one))
    for key in entry.foreign_photo_fields():
        if key not in of_photos:
            losses.note(f"field {key!r} of photos", place_of(entry))


def note_order(entry: Entry, said: set[tuple[int, int]], losses: Losses) -> None:
    """Note how the order that will be read back differs from the one there is."""
    if "order" not in entry.truth.knows:
        for front, behind in sorted(said):
            losses.note(
                "that the order is not known: the masks seem to give one", f"{place_of(entry)}: {front} before {behind}"
            )
        return
    true = {(edge.front, edge.behind) for edge in entry.scene.order.edges}
    for front, behind in sorted(true - said):
        losses.note("who is in front", f"{place_of(entry)}: {front} before {behind}")
    for front, behind in sorted(said - true):
        if (behind, front) not in true:  # noted already
            losses.note(
                "that two objects have no order: the numbers give one", f"{place_of(entry)}: {front} before {behind}"
            )


def _note_box(entry: Entry, one: Instance, says: frozenset[str], losses: Losses) -> None:
    if "boxes" not in entry.truth.knows or ("no mask" in says and "modal" not in entry.truth.knows):
        return
    whole = entry.scene.boxes_are == "amodal"
    if whole and "whole box" not in says and one.box != tuple(map(float, one.modal.box)):
        losses.note("the whole box", place_of(entry, one))
    if not whole and "visible box" not in says and one.box != tuple(map(float, one.modal.box)):
        losses.note("the box of the visible part, other than its mask's", place_of(entry, one))


def _note_made_anew(entry: Entry, losses: Losses) -> None:
    """Note what another format computes from masks and order, where it was written as something else."""
    if entry.read is None:
        return
    depth = depth_of(entry.scene)
    for one in entry.scene.instances:
        fields = {key: value for key, value in entry.fields_of(one).items() if key in entry.read.own}
        if (
            fields.get("order", depth[one.id] + 1) != depth[one.id] + 1
            or fields.get("ico_id", depth[one.id]) != depth[one.id]
        ):
            losses.note("the numbers of the order, which are made anew", place_of(entry, one))
        if "oco_id" in fields:
            losses.note("the numbers of clusters, which are made anew", place_of(entry, one))
        share = fields.get("occlude_rate")
        if isinstance(share, int | float) and abs(share - one.occlusion) > _SHARE_ERROR:
            losses.note("the hidden share (occlude_rate), which is computed anew", place_of(entry, one))
