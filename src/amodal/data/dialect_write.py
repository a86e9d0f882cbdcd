"""Writing a format in COCO's clothes photo by photo, in bounded memory and in one step at the end.

What the same format said before and nobody changed is written as it was. Between formats, fields of no known meaning
go along, masks keep their polygons, and what has no place is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from amodal.data.dialect import COMMON, Dialect
from amodal.data.entries import Codes, Entry, Head
from amodal.data.json_write import Row, write_lists
from amodal.data.losses import NEW_CLASS, Losses, note_class_ids, note_losses, note_order, place_of
from amodal.scene import Instance


def write_dialect(dialect: Dialect, entries: Iterable[Entry], head: Head, out: Path, losses: Losses) -> None:
    """Write all entries as `out`; what the format cannot say goes into `losses`.

    Raises:
        InputError: a photo without a name, a value that is not JSON, no place to write.
    """
    writer = _Writer(dialect, head, losses)
    lists = ("images", "annotations", "order") if dialect.lists_order else ("images", "annotations")
    rows = (Row(name, fields, place_of(entry)) for entry in entries for name, fields in writer.rows(entry))
    write_lists(out, lists, rows, writer.head)


class _Writer:
    """Gives out ids, and the rows of each photo."""

    def __init__(self, dialect: Dialect, head: Head, losses: Losses) -> None:
        self._dialect, self._head, self._losses = dialect, head, losses
        self._same = head.format == dialect.name
        named = head.classes or dialect.classes or {}
        if dialect.classes and not self._same:  # a format with ids of its own keeps to them
            others = [label for label in named.values() if label not in dialect.classes.values()]
            named = {**dialect.classes, **dict(enumerate(others, start=max(dialect.classes) + 1))}
        self._names = dict(named)
        self._ids = {label: number for number, label in reversed(self._names.items())}
        self._used: set[str] = set()
        if not self._same and head.format != "made here":
            note_class_ids(head.classes, self._ids, losses)
        self._first: Entry | None = None
        self._photo_ids, self._object_ids = Ids(), Ids()

    def rows(self, entry: Entry) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows of one photo, with the list each belongs to."""
        self._first = self._first or entry
        same = entry.read is not None and entry.read.format == self._dialect.name
        photo_id = self._photo_ids.give(entry.read.photo.get("id") if entry.read else None)
        yield "images", self._photo(entry, photo_id, same)
        kept = self._sayable(entry, same)
        ids: dict[int, int] = {}
        numbers = self._numbers(kept, same)
        for instance in kept.scene.instances:
            fields = kept.fields_of(instance)
            ids[instance.id] = self._object_ids.give(fields.get("id"))
            content = self._as_it_was(kept, instance) if same and fields else self._afresh(kept, instance)
            yield "annotations", {**self._placed(content, ids[instance.id], photo_id), **numbers.get(instance.id, {})}
        for region in self._regions(entry):
            number = self._object_ids.give(region.get("id"))
            yield "annotations", self._placed(region, number, photo_id)
        for edge in kept.scene.order.edges if self._dialect.lists_order else ():
            ends = {"front": ids[edge.front], "behind": ids[edge.behind]}
            yield "order", {"image_id": photo_id, **ends, "probability": edge.probability}
        if not same:
            note_losses(kept, self._dialect.says, self._losses)
        if "order" in self._dialect.says and (not same or numbers):
            known = "order" in kept.truth.knows or self._dialect.order_from_masks
            note_order(kept, self._dialect.said(kept.scene) if known else set(), self._losses)

    def head(self) -> dict[str, Any]:
        """The fields at the top but the lists of entries."""
        fields = {key: value for key, value in self._head.fields.items() if key != "categories"}
        if not self._same:
            foreign = {k: v for k, v in fields.items() if k not in ("schema_version", "boxes_are", "masks_are")}
            own = self._dialect.top(self._first) if self._first is not None else {}
            fields = {**own, **{key: value for key, value in foreign.items() if not own.get(key)}}
        return {**fields, "categories": self._categories()}

    def _categories(self) -> list[Mapping[str, Any]]:
        """As read where they still hold, then those that came to be."""
        before = self._head.fields.get("categories")
        found = [
            entry
            for entry in (before if isinstance(before, list) else [])
            if isinstance(entry, dict) and self._names.get(entry.get("id", -1)) == entry.get("name")
        ]
        said = {entry["id"] for entry in found}
        wanted = self._names.items() if self._dialect.classes is None or self._same else self._needed()
        return [*found, *({"id": number, "name": label} for number, label in wanted if number not in said)]

    def _needed(self) -> list[tuple[int, str]]:
        """KINS lists person-sitting in files of eight classes only."""
        wanted = self._used.union(self._head.classes.values())
        return [(n, label) for n, label in self._names.items() if label in wanted or label != "person-sitting"]

    def _photo(self, entry: Entry, photo_id: int, same: bool) -> dict[str, Any]:
        scene = entry.scene
        fresh = {"id": photo_id, "file_name": entry.name, "width": scene.width, "height": scene.height}
        if same and entry.read is not None:
            return {**entry.read.photo, **fresh} if entry.read.photo.get("id") != photo_id else dict(entry.read.photo)
        fresh |= self._dialect.photo(entry, self._first or entry)
        foreign = entry.foreign_photo_fields()
        for key in foreign.keys() & self._dialect.photo_keys:
            self._losses.note(f"field {key!r} of photos, a name with another meaning here", place_of(entry))
        return {**foreign, **fresh}

    def _sayable(self, entry: Entry, same: bool) -> Entry:
        """Without the objects that the format has no way to say."""
        kept = []
        for one in entry.scene.instances:
            seen, before = one.amodal if "amodal" in self._dialect.says else one.modal, entry.before(one)
            as_it_was = same and before is not None and before.amodal == one.amodal
            if seen.is_empty and "empty" not in self._dialect.says and not as_it_was:
                self._losses.note("an object without a pixel", place_of(entry, one))
            else:
                kept.append(one)
        if len(kept) == len(entry.scene.instances):
            return entry
        order = entry.scene.order.among(one.id for one in kept)
        scene = replace(entry.scene, instances=tuple(kept), order=order)
        return replace(entry, truth=replace(entry.truth, scene=scene))

    def _numbers(self, entry: Entry, same: bool) -> Mapping[int, Mapping[str, Any]]:
        """The fields of the order; none where they stand in the file as they are, or nobody knows it."""
        if "order" not in entry.truth.knows and not self._dialect.needs_numbers:
            return {}
        if same and entry.read is not None:
            before = entry.read.truth.scene
            if before.order == entry.scene.order and entry.read.objects.keys() == {o.id for o in entry.scene.instances}:
                return {}
        return self._dialect.numbers(entry.scene)

    def _as_it_was(self, entry: Entry, instance: Instance) -> dict[str, Any]:
        fields, before = dict(entry.fields_of(instance)), entry.before(instance)
        if before is None or _outlines(before) != _outlines(instance):
            fields |= self._dialect.masks(instance, entry.codes(instance), entry.truth)
        if before is None or before.label != instance.label or self._names.get(fields["category_id"]) != instance.label:
            fields["category_id"] = self._category(instance.label)
        if before is not None and before.score != instance.score:
            fields["score"] = instance.score
        if "meta" in self._dialect.keys and before is not None and before.meta != instance.meta:
            fields["meta"] = dict(instance.meta)
        return fields

    def _afresh(self, entry: Entry, instance: Instance) -> dict[str, Any]:
        fields: dict[str, Any] = {"id": 0, "image_id": 0, "category_id": self._category(instance.label), "iscrowd": 0}
        fields |= self._dialect.masks(instance, entry.codes(instance), entry.truth)
        if instance.score != 1 or "score" in entry.fields_of(instance):
            fields["score"] = instance.score
        foreign = entry.foreign_fields(instance)
        for key in sorted(foreign.keys() & (self._dialect.keys - {"meta", "instance_id"})):
            self._losses.note(f"field {key!r} of objects, a name with another meaning here", place_of(entry, instance))
        return fields | {k: v for k, v in foreign.items() if k not in self._dialect.keys and k not in COMMON}

    def _regions(self, entry: Entry) -> Iterator[dict[str, Any]]:
        read = entry.read
        if read is not None and read.format == self._dialect.name and read.truth.ignore == entry.truth.ignore:
            yield from (dict(region) for region in read.regions)
        elif "ignore" in self._dialect.says:
            raws = read.regions if read is not None and read.truth.ignore == entry.truth.ignore else ()
            own = COMMON if read is None else read.own | COMMON
            for number, mask in enumerate(entry.truth.ignore):
                foreign = raws[number] if number < len(raws) else {}
                if not mask.is_empty:
                    x0, y0, x1, y1 = mask.box
                    region = Instance(0, "", (x0, y0, x1, y1), 1.0, mask, mask)
                    fields = dict(self._dialect.masks(region, Codes(), entry.truth))
                    fields |= {k: v for k, v in foreign.items() if k not in own and k not in self._dialect.keys}
                    yield {"id": 0, "image_id": 0, "category_id": None, "iscrowd": 1, **fields}

    def _placed(self, fields: Mapping[str, Any], number: int, photo_id: int) -> dict[str, Any]:
        if "id" not in fields:  # a file whose annotations have none keeps it so
            return {**fields, "image_id": photo_id}
        return {**fields, "id": number, "image_id": photo_id}

    def _category(self, label: str) -> int:
        own = self._dialect.classes
        if own is not None and not self._same and label not in self._used and label not in own.values():
            self._losses.note(NEW_CLASS, label)
        self._used.add(label)
        if label not in self._ids:
            number = max((0, *self._names)) + 1
            self._names[number] = label
            self._ids[label] = number
        return self._ids[label]


def _outlines(instance: Instance) -> tuple[Any, ...]:
    return instance.amodal, instance.modal, instance.box


class Ids:
    """Gives every entry the id that it had, or one that nobody has."""

    def __init__(self) -> None:
        # A bit for each id, 256 in a number: ids mostly follow one another, and a set takes some 60 bytes for each.
        self._given: dict[int, int] = {}
        self._next = 1

    def give(self, wanted: Any) -> int:
        """`wanted`, if it is an id and free."""
        if isinstance(wanted, float) and wanted.is_integer():
            wanted = int(wanted)
        if not isinstance(wanted, int) or isinstance(wanted, bool) or self._is_given(wanted):
            while self._is_given(self._next):
                self._next += 1
            wanted = self._next
        number = int(wanted)
        self._given[number >> 8] = self._given.get(number >> 8, 0) | 1 << (number & 255)
        return number

    def _is_given(self, number: int) -> bool:
        return bool(self._given.get(number >> 8, 0) >> (number & 255) & 1)
