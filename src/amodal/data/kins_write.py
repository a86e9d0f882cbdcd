"""KINS annotation files as dialects, to be read photo by photo and written: the layouts of 2019 and of 2020."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amodal.data.clusters import Place, complete_order, numbered, order_by_masks, overlaps
from amodal.data.dialect import Dialect, polygons_of, rle_of, whole_box, xywh
from amodal.data.entries import Codes
from amodal.data.kins import CLASSES, read_kins_truth
from amodal.data.truth import Truth
from amodal.scene import Instance, Scene

SAYS = frozenset({"modal", "amodal", "whole box", "score", "ignore", "order"})


def edges_by_masks(scene: Scene) -> set[tuple[int, int]]:
    """What a reader of masks alone takes for the order."""
    return {(edge.front, edge.behind) for edge in order_by_masks(scene.instances).edges}


def edges_by_depth(scene: Scene) -> set[tuple[int, int]]:
    """What numbers along the order say: of two objects that overlap, the one of the smaller number is in front."""
    depth = depth_of(scene)
    pairs = (sorted(pair, key=lambda id: depth[id]) for pair in overlaps(scene.instances))
    return {(front, behind) for front, behind in pairs if depth[front] != depth[behind]}


def depth_of(scene: Scene) -> dict[int, int]:
    """How many objects lie one before the other in front of each, at most; what overlaps never shares a number."""
    return {id: place.number for id, place in places_of(scene).items()}


def places_of(scene: Scene) -> dict[int, Place]:
    """Clusters and numbers as every format writes them; cycles, which numbers cannot say, are broken."""
    return numbered(replace(scene, order=complete_order(scene).without_cycles()))


def _masks_2019(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    return {
        "segmentation": polygons_of(instance.amodal, codes.whole),
        "bbox": whole_box(instance, truth),
        "area": instance.amodal.area,
        "inmodal_seg": rle_of(instance.modal, codes.visible),
        "inmodal_bbox": xywh(instance.modal.box),
        "inmodal_area": instance.modal.area,
    }


def _masks_2020(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    return {
        "a_segm": polygons_of(instance.amodal, codes.whole),
        "a_bbox": whole_box(instance, truth),
        "a_area": instance.amodal.area,
        "i_segm": rle_of(instance.modal, codes.visible),
        "i_bbox": xywh(instance.modal.box),
        "i_area": instance.modal.area,
    }


def _numbers_2020(scene: Scene) -> dict[int, dict[str, int]]:
    return {id: {"oco_id": place.cluster, "ico_id": place.number} for id, place in places_of(scene).items()}


KINS_2019 = Dialect(
    name="kins-2019",
    reader=read_kins_truth,
    keys=frozenset({"segmentation", "bbox", "area", "inmodal_seg", "inmodal_bbox", "inmodal_area"}),
    says=SAYS,
    masks=_masks_2019,
    said=edges_by_masks,
    whole="segmentation",
    visible="inmodal_seg",
    classes=CLASSES,
    order_from_masks=True,
)

KINS_2020 = Dialect(
    name="kins-2020",
    reader=read_kins_truth,
    keys=frozenset({"a_segm", "a_bbox", "a_area", "i_segm", "i_bbox", "i_area", "oco_id", "ico_id"}),
    says=SAYS,
    masks=_masks_2020,
    numbers=_numbers_2020,
    said=edges_by_depth,
    whole="a_segm",
    visible="i_segm",
    classes=CLASSES,
)
