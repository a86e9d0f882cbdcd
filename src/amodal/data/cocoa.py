"""COCOA in COCO's clothes, read only: amodal `segmentation`, `inmodal_seg`, and one order for the whole photo.

`order` counts from 1, the front-most; `name` is what the annotator called the object, while there is a single
category, "object". Regions with `is_stuff` (a table, a road) belong to the order but are no objects to be averaged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amodal.data.fields import Field
from amodal.data.kins import Layout, Objects, overlapping, read_layout
from amodal.data.truth import Truth
from amodal.scene import OrderEdge

LAYOUT = Layout("segmentation", "bbox", "inmodal_seg", "order")


def read_cocoa_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """Everything is known; stuff is `unscored`.

    Raises:
        InputError: naming the file and the field.
    """
    stuff = frozenset(
        annotation["id"].integer()
        for annotation in root["annotations"].items()
        if (said := annotation.get("is_stuff")) is not None and said.flag()
    )
    return [
        replace(truth, unscored=stuff.intersection(one.id for one in truth.scene.instances))
        for truth in read_layout(root, images, split, LAYOUT, _order_of_photo)
    ]


def _order_of_photo(objects: Objects) -> list[OrderEdge]:
    """Of two objects whose whole masks overlap, the one of the smaller number is in front."""
    edges = []
    for (one, first), (other, second) in overlapping(objects):
        place, place_of_other = first["order"].integer(), second["order"].integer()
        if place != place_of_other:
            front, behind = (one, other) if place < place_of_other else (other, one)
            edges.append(OrderEdge(front.id, behind.id))
    return edges
