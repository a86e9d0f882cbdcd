"""COCO's own JSON as a dialect: boxes and masks of the visible parts, and nothing of what is hidden."""

from __future__ import annotations

from typing import Any

from amodal.data.dialect import Dialect, rle_of, xywh
from amodal.data.entries import Codes, Entry
from amodal.data.truth import Truth, read_coco_truth
from amodal.scene import Instance, Scene


def _masks(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    if "modal" not in truth.knows:  # boxes alone: an outline would be a lie
        x0, y0, x1, y1 = instance.box
        return {"bbox": xywh(instance.box), "area": (x1 - x0) * (y1 - y0)}
    return {
        "segmentation": rle_of(instance.modal, codes.visible),
        "bbox": xywh(instance.modal.box),
        "area": instance.modal.area,
    }


def _no_edges(scene: Scene) -> set[tuple[int, int]]:
    return set()


def _top(first: Entry) -> dict[str, str]:
    """What plain COCO leaves open and our reader understands."""
    if "modal" in first.truth.knows:
        return {"boxes_are": "visible"}
    return {"boxes_are": first.scene.boxes_are, "masks_are": "none"}


COCO = Dialect(
    name="coco",
    reader=read_coco_truth,
    keys=frozenset({"segmentation", "bbox", "area"}),
    says=frozenset({"modal", "visible box", "score", "ignore", "no mask"}),
    masks=_masks,
    said=_no_edges,
    visible="segmentation",
    top=_top,
)
