"""Which RoIs the second stage learns from: some on objects, the rest beside them, each picture by its own chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchvision.ops import box_iou

from amodal.networks.parts.batch import Targets

_ON_OBJECT = 0.5  # IoU with an object's box


@dataclass(frozen=True, eq=False)
class Rois:
    """RoIs of one picture, those on objects first.

    Attributes:
        boxes: XYXY.
        labels: of the object, 0 for background.
        objects: which object of the picture the RoI is on; 0 for background.
    """

    boxes: Float[Tensor, "k 4"]
    labels: Int64[Tensor, " k"]
    objects: Int64[Tensor, " k"]

    def on_objects(self) -> Rois:
        """Only those on objects."""
        count = int((self.labels > 0).sum())
        return Rois(self.boxes[:count], self.labels[:count], self.objects[:count])


def sample_rois(proposals: Sequence[Tensor], targets: Sequence[Targets], count: int, foreground: int) -> list[Rois]:
    """At most `count` RoIs of every picture, at most `foreground` of them on objects; true boxes are among the offered.

    An object is matched where IoU is at least one half; in an incomplete picture no RoI is background.
    """
    return [_sampled(own, target, count, foreground) for own, target in zip(proposals, targets, strict=True)]


def matched(boxes: Float[Tensor, "k 4"], target: Targets) -> Rois:
    """All boxes with the objects that they are on; in an incomplete picture those beside objects are left out."""
    overlap, objects = _nearest(boxes, target)
    return _rois(boxes, *_on_and_beside(overlap, target), objects, target)


def _sampled(proposals: Float[Tensor, "k 4"], target: Targets, count: int, foreground: int) -> Rois:
    offered = torch.cat([target.boxes, proposals])
    overlap, objects = _nearest(offered, target)
    on, beside = _on_and_beside(overlap, target)
    chance = target.generator()
    on = on[torch.randperm(len(on), generator=chance)[:foreground].to(on.device)]
    beside = beside[torch.randperm(len(beside), generator=chance)[: count - len(on)].to(on.device)]
    return _rois(offered.detach(), on, beside, objects, target)


@torch.no_grad()
def _nearest(boxes: Float[Tensor, "k 4"], target: Targets) -> tuple[Float[Tensor, " k"], Int64[Tensor, " k"]]:
    """IoU with the object that each box overlaps most, and which that is."""
    if not len(target.boxes):
        return boxes.new_zeros(len(boxes)), torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    overlap, objects = box_iou(target.boxes, boxes).max(dim=0)
    return overlap, objects


def _on_and_beside(overlap: Float[Tensor, " k"], target: Targets) -> tuple[Int64[Tensor, " on"], Int64[Tensor, " off"]]:
    """Rows on objects, and rows of background, of which an incomplete picture has none."""
    on = torch.where(overlap >= _ON_OBJECT)[0]
    return on, torch.where(overlap < _ON_OBJECT)[0] if target.complete else on[:0]


def _rois(
    boxes: Float[Tensor, "k 4"],
    on: Int64[Tensor, " on"],
    beside: Int64[Tensor, " off"],
    objects: Int64[Tensor, " k"],
    target: Targets,
) -> Rois:
    own, nothing = objects[on], torch.zeros_like(beside)
    return Rois(
        boxes[torch.cat([on, beside])],
        torch.cat([target.labels[own], nothing]),
        torch.cat([own, nothing]),
    )
