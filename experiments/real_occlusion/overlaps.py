"""Truths of really overlapping objects: masks of what is seen, whole boxes drawn by eye, order judged by eye."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from box_sheets import LEAST_HEIGHT_PX, overlap, read_judged

from amodal.data.coco import read_masks, read_objects
from amodal.data.truth import Truth, read_truth
from amodal.scene import OrderEdge, OrderGraph

PAIRS = Path(__file__).parents[1] / "order_prior" / "judged_pairs.json"
HIGH, LOW = f"at least {LEAST_HEIGHT_PX} px high", f"lower than {LEAST_HEIGHT_PX} px"
Boxes = Literal["whole", "seen"]


def drawn(street: Path, split: str, boxes: Boxes) -> list[Truth]:
    """The photos with drawn objects, which alone count; methods are given all objects of them.

    With "whole" boxes those of the drawn objects are the drawn ones, the others' those of what is seen, for lack of
    better; the file then says that all are whole. Groups: how much is hidden, by eye.
    """
    judged = read_judged()
    truths = []
    for truth in photos_of(street, split):
        ids = {one.id for one in truth.scene.instances if one.id in judged}
        if not ids:
            continue
        instances = [
            replace(one, box=judged[one.id]["amodal_box"]) if boxes == "whole" and one.id in ids else one
            for one in truth.scene.instances
        ]
        kind = "amodal" if boxes == "whole" else "visible"
        scene = replace(truth.scene, instances=tuple(instances), boxes_are=kind)
        truths.append(counting(replace(truth, scene=scene), ids, {id: judged[id]["hidden"] for id in ids}))
    return truths


def others(street: Path, split: str) -> list[Truth]:
    """All other objects that overlap another annotated one as the drawn ones do; boxes of what is seen.

    Groups: those as high as the drawn ones at least, and lower ones, of which a photo shows little.
    """
    judged = read_judged()
    path = street / "annotations.json"
    objects = read_objects(path, images=street / "images")
    rows: dict[str, list[int]] = {}
    for row, index in enumerate(objects.image_index):
        if objects.images[index].split == split and not objects.is_crowd[row]:
            rows.setdefault(objects.images[index].file_name, []).append(row)
    masks = read_masks(path, {int(objects.ids[row]) for own in rows.values() for row in own})
    truths = []
    for truth in photos_of(street, split):
        own = rows.get(truth.scene.image or "", [])
        ids = {
            int(objects.ids[row])
            for row in own
            if int(objects.ids[row]) not in judged
            and any(overlap(objects, masks, row, other) for other in own if other != row)
        }
        if ids:
            seen = replace(truth, scene=replace(truth.scene, boxes_are="visible"))
            heights = {one.id: one.box[3] - one.box[1] for one in truth.scene.instances}
            truths.append(counting(seen, ids, {id: HIGH if heights[id] >= LEAST_HEIGHT_PX else LOW for id in ids}))
    return truths


def judged_order(street: Path, split: str) -> list[Truth]:
    """The photos with pairs of which was judged by eye who is in front; boxes of what is seen, of all objects."""
    pairs = json.loads(PAIRS.read_text())["judged"]
    edges: dict[str, list[OrderEdge]] = {}
    for pair in pairs:
        front, behind = (pair["a"], pair["b"]) if pair["front"] == "a" else (pair["b"], pair["a"])
        edges.setdefault(pair["image"], []).append(OrderEdge(front, behind))
    truths = []
    for truth in photos_of(street, split):
        order = edges.get(truth.scene.image or "")
        if order:
            scene = replace(truth.scene, order=OrderGraph(tuple(order)), boxes_are="visible")
            truths.append(replace(truth, scene=scene, knows=frozenset({"boxes", "order"})))
    return truths


def photos_of(street: Path, split: str) -> Sequence[Truth]:
    return read_truth(street / "annotations.json", images=street / "images", split=split)


def counting(truth: Truth, ids: Iterable[int], groups: dict[int, str]) -> Truth:
    """The same photo, of which these objects alone count."""
    unscored = frozenset(one.id for one in truth.scene.instances) - set(ids)
    return replace(truth, unscored=unscored, groups=groups)
