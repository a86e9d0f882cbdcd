"""COCOA in COCO's clothes as a dialect: one order for a whole photo, from 1, and the hidden share of each object."""

from __future__ import annotations

from typing import Any

from amodal.data.cocoa import read_cocoa_truth
from amodal.data.dialect import Dialect, rle_of, whole_box, xywh
from amodal.data.entries import Codes
from amodal.data.kins_write import SAYS, depth_of, edges_by_depth
from amodal.data.truth import Truth
from amodal.scene import Instance, Scene


def _masks(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    return {
        "segmentation": rle_of(instance.amodal, codes.whole),
        "bbox": whole_box(instance, truth),
        "area": instance.amodal.area,
        "inmodal_seg": rle_of(instance.modal, codes.visible),
        "inmodal_bbox": xywh(instance.modal.box),
        "inmodal_area": instance.modal.area,
        "occlude_rate": instance.occlusion,
    }


def _numbers(scene: Scene) -> dict[int, dict[str, int]]:
    return {id: {"order": depth + 1} for id, depth in depth_of(scene).items()}


COCOA = Dialect(
    name="cocoa",
    reader=read_cocoa_truth,
    keys=frozenset(
        {"segmentation", "bbox", "area", "inmodal_seg", "inmodal_bbox", "inmodal_area", "occlude_rate", "order"}
    ),
    says=SAYS,
    masks=_masks,
    numbers=_numbers,
    said=edges_by_depth,
    whole="segmentation",
    visible="inmodal_seg",
    needs_numbers=True,
)
