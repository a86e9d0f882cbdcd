"""BBTP (Hsu et al. 2019): the same network as Mask R-CNN, its mask head taught by tight boxes alone.

Every row and column that crosses a box touches the object, and those beside it do not: multiple-instance learning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from amodal.rivals import crf as dense_crf
from amodal.rivals.boxed import BoxSource, NetworkSegmenter, load_rcnn
from amodal.rivals.pictures import PictureBatch
from amodal.rivals.rcnn import MASK_SIDE, Rcnn
from amodal.rivals.rcnn_task import RcnnTask
from amodal.training.loop import TrainConfig
from amodal.training.registry import TrainingData
from amodal.training.sources import read_pictures

NAME = "bbtp"
DEFAULTS = TrainConfig(steps=1200, batch=2, rate=1e-3)
ENLARGED = 1.3
"""RoIs are so much larger than their boxes that there are lines beside the box to learn from."""
_MOVED, _MOST_ROIS = 0.05, 10
_SURE = 50.0  # a logit beyond doubt
_SMOOTHNESS = 0.05 / (2 * MASK_SIDE)
"""The paper's weight for the sum over neighbours beside the sum over bags; here the bags' mean is taken."""


@dataclass(frozen=True)
class BbtpTask(RcnnTask):
    """Train the network on pictures whose samples need no masks."""

    supervision = "boxes and classes"

    name: str = NAME

    def loss(self, module: nn.Module, batch: PictureBatch) -> Mapping[str, Tensor]:
        """Losses of proposals and box head; bags and smoothness of the mask head."""
        assert isinstance(module, Rcnn)  # noqa: S101 - for the type checker
        features = module.features(batch.images.tensors)
        losses, _, _ = module.detection_losses(features, batch.images, batch.targets)
        boxes, rois, labels = [], [], []
        for target in batch.targets:
            chosen = torch.randperm(len(target.boxes))[:_MOST_ROIS]
            boxes.append(target.boxes[chosen])
            rois.append(enlarged_rois(target.boxes[chosen]))
            labels.append(target.labels[chosen])
        logits = module.mask_logits(features, rois, batch.images)
        own = logits[torch.arange(len(logits)), torch.cat(labels)]
        inside_rows, inside_columns = lines_inside(torch.cat(boxes), torch.cat(rois))
        losses["bags"] = bag_loss(own, inside_rows, inside_columns)
        losses["smooth"] = _SMOOTHNESS * smoothness(own.sigmoid())
        return losses


def task(data: TrainingData) -> BbtpTask:
    """The task on real photos and pasted scenes without any mask."""
    pictures = read_pictures(
        data.annotations, data.images, data.backgrounds, with_masks=False, split=data.split, classes=data.classes
    )
    return BbtpTask(pictures, tuple(data.classes))


def load(
    model: str | os.PathLike[str], boxes: BoxSource = "given", least_score: float = 0.5, crf: bool = True
) -> NetworkSegmenter:
    """BBTP as a segmenter; `boxes`, `least_score`: as in Mask R-CNN; `crf`: polish masks by the dense CRF.

    Raises `InputError` for a file that is no such network.
    """
    return load_rcnn(model, NAME, boxes, least_score, ENLARGED, dense_crf.polish if crf else None)


def enlarged_rois(boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """RoIs around the boxes, `ENLARGED` times as large and a little moved."""
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    middle = middle + sides * (torch.rand(len(boxes), 2) * 2 - 1) * _MOVED
    return torch.cat([middle - sides * ENLARGED / 2, middle + sides * ENLARGED / 2], dim=1)


def lines_inside(
    boxes: Float[Tensor, "n 4"], rois: Float[Tensor, "n 4"], side: int = MASK_SIDE
) -> tuple[Bool[Tensor, "n side"], Bool[Tensor, "n side"]]:
    """Which rows and which columns of the RoIs' cells cross the boxes, by the cells' centres."""
    steps = (torch.arange(side) + 0.5) / side
    along_x = rois[:, 0:1] + (rois[:, 2:3] - rois[:, 0:1]) * steps
    along_y = rois[:, 1:2] + (rois[:, 3:4] - rois[:, 1:2]) * steps
    rows = (along_y > boxes[:, 1:2]) & (along_y < boxes[:, 3:4])
    columns = (along_x > boxes[:, 0:1]) & (along_x < boxes[:, 2:3])
    return rows, columns


def bag_loss(
    logits: Float[Tensor, "n rows columns"],
    inside_rows: Bool[Tensor, "n rows"],
    inside_columns: Bool[Tensor, "n columns"],
) -> Float[Tensor, ""]:
    """Mean over all bags: −log max p for lines that cross the box, −log(1 − max p) for those beside it.

    A crossing line is a bag as far as it lies in the box. In logits, or what is wrong and sure would never learn.
    """
    box = inside_rows[:, :, None] & inside_columns[:, None, :]
    within = logits.masked_fill(~box, -_SURE)
    every = torch.cat(
        [
            torch.where(crosses, softplus(-within.amax(dim=across)), softplus(logits.amax(dim=across))).flatten()
            for crosses, across in ((inside_rows, 2), (inside_columns, 1))
        ]
    )
    return every.sum() / max(1, every.numel())


def smoothness(masks: Float[Tensor, "n rows columns"]) -> Float[Tensor, ""]:
    """½ Σ (p_i − p_j)² over neighbours above and beside, per object."""
    down = (masks[:, 1:] - masks[:, :-1]).square().sum()
    across = (masks[:, :, 1:] - masks[:, :, :-1]).square().sum()
    return (down + across) / 2 / max(1, len(masks))
