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


def _sampled(proposals: Float[Tensor, "k 4"], target: Targets, count: int, foreground: int) -> Rois:
    offered = torch.cat([target.boxes, proposals])
    if not len(target.boxes):
        return _chosen(offered, offered.new_zeros(len(offered)), torch.zeros_like(offered[:, 0], dtype=torch.int64),
                       target, count, foreground)  # fmt: skip
    overlap, objects = box_iou(target.boxes, offered).max(dim=0)
    return _chosen(offered, overlap, objects, target, count, foreground)


def _chosen(
    offered: Float[Tensor, "k 4"],
    overlap: Float[Tensor, " k"],
    objects: Int64[Tensor, " k"],
    target: Targets,
    count: int,
    foreground: int,
) -> Rois:
    chance = target.generator()
    on = torch.where(overlap >= _ON_OBJECT)[0]
    on = on[torch.randperm(len(on), generator=chance)[:foreground].to(on.device)]
    beside = torch.where(overlap < _ON_OBJECT)[0] if target.complete else on[:0]
    beside = beside[torch.randperm(len(beside), generator=chance)[: count - len(on)].to(on.device)]
    rows = torch.cat([on, beside])
    labels = torch.zeros(len(rows), dtype=torch.int64, device=offered.device)
    if len(on):
        labels[: len(on)] = target.labels[objects[on]]
    matched = objects[rows]
    matched[len(on) :] = 0
    return Rois(offered[rows].detach(), labels, matched)
