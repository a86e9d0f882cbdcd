"""How the formats call things: which fields of an annotation hold its masks, boxes and place in the order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amodal.data.fields import Field
from amodal.scene import XYXY


@dataclass(frozen=True)
class Layout:
    """Names of an annotation's fields; None where the format has no such thing.

    Attributes:
        name: what the format is called.
        whole, visible: masks; where there is no `visible`, `whole` is the only one; without both there are boxes alone.
        whole_box, visible_box: boxes [x, y, width, height].
        whole_area, visible_area: in pixels.
        cluster, number: of the order; a `number` without `cluster` counts through the whole photo.
        strict: whether the reader refuses a visible mask that leaves the whole one, instead of cutting it.
        free_boxes: whether boxes may be other than tight around the mask.
        needs_box: whether the reader refuses an annotation without `whole_box`.
        flat: whether `whole` is a single polygon, not a list of them.
        needs_number: whether the reader refuses an annotation without `number`.
        needs_visible: whether an annotation without `visible` says nothing of what is visible; else nothing hides it.
        flags: fields that are true, false, 0 or 1, or not there.
        scalars: fields that have to be finite numbers, and what to write where they are not.
    """

    name: str
    whole: str | None
    visible: str | None = None
    whole_box: str | None = "bbox"
    visible_box: str | None = None
    whole_area: str | None = "area"
    visible_area: str | None = None
    cluster: str | None = None
    number: str | None = None
    strict: bool = False
    free_boxes: bool = False
    needs_box: bool = True
    flat: bool = False
    needs_number: bool = False
    needs_visible: bool = False
    flags: tuple[str, ...] = ("iscrowd",)
    scalars: tuple[tuple[str, float], ...] = ()


OURS = Layout(
    "amodal",
    "segmentation",
    "visible_segmentation",
    visible_box="visible_bbox",
    strict=True,
    free_boxes=True,
    flags=(),
    scalars=(("score", 1.0),),
)
KINS_2020 = Layout(
    "kins 2020", "a_segm", "i_segm", "a_bbox", "i_bbox", "a_area", "i_area", "oco_id", "ico_id", needs_visible=True
)
KINS_2019 = Layout(
    "kins 2019",
    "segmentation",
    "inmodal_seg",
    "bbox",
    "inmodal_bbox",
    "area",
    "inmodal_area",
    needs_visible=True,
)
COCOA = Layout(
    "cocoa",
    "segmentation",
    "inmodal_seg",
    "bbox",
    "inmodal_bbox",
    "area",
    "inmodal_area",
    number="order",
    needs_number=True,
    needs_visible=True,
    flags=("iscrowd", "is_stuff"),
)
COCOA_REGIONS = Layout(
    "cocoa regions",
    "segmentation",
    "visible_mask",
    whole_box=None,
    number="order",
    needs_box=False,
    flat=True,
    needs_number=True,
    flags=("isStuff",),
)
D2SA = Layout("d2sa", "segmentation", "visible_mask")
COCO = Layout("coco", "segmentation")
COCO_BOXES = Layout("coco, boxes alone", None)

SOME = 200


def layout_of(root: Field) -> Layout:
    """Which layout most of the first annotations have; plain COCO where nothing tells."""
    if isinstance(root.value, dict) and "schema_version" in root.value:
        return OURS
    listed = root.value.get("annotations") if isinstance(root.value, dict) else None
    dicts = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    some = [one for one in dicts if one.get("iscrowd") not in (1, True)][:SOME]  # regions to ignore have no order

    def count(*keys: str) -> int:
        return sum(any(key in one for key in keys) for one in some)

    if count("regions"):
        return COCOA_REGIONS
    if isinstance(root.value, dict) and root.value.get("masks_are") == "none":
        return COCO_BOXES
    votes = {
        COCO: 0,  # the first of equals wins
        KINS_2020: count("a_segm", "i_segm", "a_bbox"),
        KINS_2019: count("inmodal_seg", "inmodal_bbox") - count("order"),
        COCOA: min(count("inmodal_seg"), count("order")),
        D2SA: count("visible_mask"),
    }
    return max(votes, key=lambda layout: votes[layout])


def value_of(annotation: Any, key: str | None) -> Any:
    """An annotation's value, None where it is missing."""
    return annotation.get(key) if key is not None and isinstance(annotation, dict) else None


def xyxy_of(value: Any) -> XYXY | None:
    """From [x, y, width, height]; None where it is not four numbers (NaN is one: `box_problem` names it)."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | float) or abs(one) > 1e300 for one in value):
        return None
    x, y, width, height = value
    return x, y, x + width, y + height
