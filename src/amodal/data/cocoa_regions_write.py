"""COCOA's own layout written: one annotation for each photo and annotator, with all regions in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from amodal.data.cocoa_regions import FORMAT, LABEL, OWN
from amodal.data.dialect import polygons_of, rle_of
from amodal.data.dialect_write import Ids
from amodal.data.entries import Entry, Head
from amodal.data.json_write import Row, write_lists
from amodal.data.kins_write import depth_of, edges_by_depth
from amodal.data.losses import Losses, note_class_ids, note_ids, note_losses, note_order, place_of
from amodal.scene import Instance

SAYS = frozenset({"modal", "amodal", "order", "unscored", "score"})


def write_regions(entries: Iterable[Entry], head: Head, out: Path, losses: Losses) -> None:
    """Write all entries as `out`. Classes become names of regions, boxes those of the masks.

    Raises:
        InputError: a photo without a name, a value that is not JSON, no place to write.
    """
    left_out = ("categories", "schema_version", "boxes_are", "masks_are")
    fields = head.fields if head.format == FORMAT else {k: v for k, v in head.fields.items() if k not in left_out}
    if head.format != FORMAT:
        note_class_ids(head.classes, {}, losses)
    write_lists(out, ("images", "annotations"), _rows(entries, losses), lambda: fields)


def _rows(entries: Iterable[Entry], losses: Losses) -> Iterator[Row]:
    photo_ids, annotation_ids = Ids(), Ids()
    written: dict[tuple[str, Any], int] = {}  # a photo drawn by several stands in `images` once
    for entry in entries:
        scene, read = entry.scene, entry.read
        same = read is not None and read.format == FORMAT
        own_id = None if read is None else read.photo.get("id")
        if not same or (entry.name, own_id) not in written:
            photo_id = photo_ids.give(own_id)
            written[entry.name, own_id] = photo_id
            fresh = {"id": photo_id, "file_name": entry.name, "width": scene.width, "height": scene.height}
            yield Row("images", {**entry.foreign_photo_fields(), **fresh}, place_of(entry))
        photo_id = written[entry.name, own_id]
        before = read.photo.get("annotation") if same and read is not None else None
        if same and before is None and not scene.instances:
            continue  # nobody had drawn on it
        if not same:
            note_losses(entry, SAYS, losses)
            drawn = [one for one in scene.instances if not one.amodal.is_empty]
            note_ids(entry, {one.id: region for region, one in enumerate(drawn, start=1)}, losses)
            if "order" in entry.truth.knows:
                note_order(entry, edges_by_depth(scene), losses)
        regions = list(_regions(entry, same, losses))
        content = dict(before or {"author": "", "url": "", "depth_constraint": ""})
        if before is None or len(content.get("regions", ())) != len(regions):
            content["size"] = len(regions)
        if before is None or "id" in before:
            content["id"] = annotation_ids.give(content.get("id"))
        yield Row("annotations", {**content, "image_id": photo_id, "regions": regions}, place_of(entry))


def _regions(entry: Entry, same: bool, losses: Losses) -> Iterator[dict[str, Any]]:
    depth = depth_of(entry.scene)
    reordered = not same or entry.read is None or entry.read.truth.scene.order != entry.scene.order
    for one in entry.scene.instances:
        place = place_of(entry, one)
        if one.amodal.is_empty:
            losses.note("an object without a pixel", place)
            continue
        if not same and one.label != LABEL:
            losses.note("the class, which becomes the name of a region", place)
        fields = dict(entry.fields_of(one)) if same else _afresh(entry, one)
        before = entry.before(one)
        if not same or before is None or (before.amodal, before.modal) != (one.amodal, one.modal):
            fields |= _masks(entry, one)
        if before is not None and before.label != one.label:
            fields["name"] = one.label
        if reordered:
            fields["order"] = depth[one.id] + 1
        yield fields


def _afresh(entry: Entry, one: Instance) -> dict[str, Any]:
    foreign = entry.foreign_fields(one)
    extra = {"score": one.score} if one.score != 1 else {}
    stuff = int(one.id in entry.truth.unscored | entry.truth.hidden)
    named = {} if "name" in foreign and one.label == LABEL else {"name": one.label}
    return {**{key: value for key, value in foreign.items() if key not in OWN}, **named, "isStuff": stuff, **extra}


def _masks(entry: Entry, one: Instance) -> dict[str, Any]:
    codes = entry.codes(one)
    outlines = polygons_of(one.amodal, codes.whole)
    # A region is one polygon; what has several parts is written as runs, which the format's readers know too.
    single = isinstance(outlines, list) and len(outlines) == 1
    fields = {
        "segmentation": outlines[0] if single else rle_of(one.amodal, None),
        "area": one.amodal.area,
        "occlude_rate": one.occlusion,
    }
    if one.occlusion:
        fields["visible_mask"] = rle_of(one.modal, codes.visible)
        fields["invisible_mask"] = one.occluder.to_coco_rle()
    return fields
