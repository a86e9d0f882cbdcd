"""Our own file as a dialect: it says all that a scene holds, and of regions to ignore nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amodal.data.dialect import COMMON, Dialect
from amodal.data.entries import Codes, Entry
from amodal.data.results import PER_FILE, SCHEMA_VERSION, image_json, instance_json
from amodal.data.truth import Truth, read_our_truth
from amodal.scene import Instance, Scene


def _masks(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    # Outlines are turned to runs: whoever reads our file reads runs.
    fields = instance_json(instance, {instance.label: 0})
    flags = {"known": instance.id not in truth.hidden, "scored": instance.id not in truth.unscored}
    meta = {**dict(instance.meta), **{name: False for name, value in flags.items() if not value}}
    if meta:
        fields["meta"] = meta
    fields["instance_id"] = instance.id
    return {key: value for key, value in fields.items() if key not in COMMON - {"score"}}


def _top(first: Entry) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, **_common(first)}


def _photo(entry: Entry, first: Entry) -> Mapping[str, Any]:
    fields = image_json(entry.scene, 0, _common(first))
    return {key: value for key, value in fields.items() if key not in ("id", "file_name", "width", "height")}


def _common(first: Entry) -> dict[str, Any]:
    return {key: getattr(first.scene, key) for key in PER_FILE}


def _instance_id(fields: Mapping[str, Any], row: int) -> int:
    return int(fields["instance_id"])


def _edges(scene: Scene) -> set[tuple[int, int]]:
    return {(edge.front, edge.behind) for edge in scene.order.edges}


OURS = Dialect(
    name="amodal",
    reader=read_our_truth,
    keys=frozenset(
        {"segmentation", "bbox", "area", "visible_segmentation", "visible_bbox", "occlusion", "exact_box"}
        | {"claimed_segmentation", "meta", "instance_id"}
    ),
    says=frozenset(
        {"modal", "amodal", "order", "probability", "whole box", "visible box", "score", "unscored", "claimed"}
        | {"empty"}
    ),
    masks=_masks,
    said=_edges,
    whole="segmentation",
    visible="visible_segmentation",
    photo_keys=frozenset({"exclusive", "warnings", *PER_FILE}),
    key=_instance_id,
    top=_top,
    photo=_photo,
    lists_order=True,
)
