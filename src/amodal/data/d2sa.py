"""D2SA, and COCOA-cls, which has the same layout: COCO JSON of whole masks with `visible_mask` beside.

`segmentation` and `bbox` are of the whole object, `visible_mask` and (where something is hidden) `invisible_mask` are
its two parts, `occlude_rate` is the hidden share. The files say no order: D2SA's `occl_depth` and what stands in
`amodal_region` were found without a description, and are carried along unread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amodal.data.dialect import Dialect, rle_of, whole_box
from amodal.data.entries import Codes
from amodal.data.fields import Field
from amodal.data.kins import Layout, order_by_masks, read_layout
from amodal.data.kins_write import SAYS, edges_by_masks
from amodal.data.truth import Truth
from amodal.scene import Instance

LAYOUT = Layout("segmentation", "bbox", "visible_mask", left_out_if_whole=True)


def read_d2sa_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """Everything is known; the order is what the masks say.

    Raises:
        InputError: naming the file and the field.
    """
    return read_layout(root, images, split, LAYOUT, order_by_masks)


def _masks(instance: Instance, codes: Codes, truth: Truth) -> dict[str, Any]:
    fields = {
        "segmentation": rle_of(instance.amodal, codes.whole),
        "bbox": whole_box(instance, truth),
        "area": instance.amodal.area,
        "visible_mask": rle_of(instance.modal, codes.visible),
        "occlude_rate": instance.occlusion,
    }
    if instance.occlusion:
        fields["invisible_mask"] = instance.occluder.to_coco_rle()
    return fields


D2SA = Dialect(
    name="d2sa",
    reader=read_d2sa_truth,
    keys=frozenset({"segmentation", "bbox", "area", "visible_mask", "invisible_mask", "occlude_rate"}),
    says=SAYS,
    masks=_masks,
    said=edges_by_masks,
    whole="segmentation",
    visible="visible_mask",
    order_from_masks=True,
)
