"""Mask R-CNN (He et al. 2017) on the common light backbone: supervised by masks of what is seen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import maskrcnn_loss

from amodal.rivals.boxed import BoxSource, NetworkSegmenter, load_rcnn
from amodal.rivals.pictures import PictureBatch
from amodal.rivals.rcnn import Rcnn
from amodal.rivals.rcnn_task import RcnnTask
from amodal.training.loop import TrainConfig
from amodal.training.registry import TrainingData
from amodal.training.sources import read_pictures

NAME = "mask-rcnn"
DEFAULTS = TrainConfig(steps=1200, batch=2, rate=1e-3)
_MASK_ROIS = 6  # on true boxes, and as many on proposals: at test true boxes are given, or none


@dataclass(frozen=True)
class MaskRcnnTask(RcnnTask):
    """Train the network on pictures whose samples have masks."""

    supervision = "boxes, classes and masks of what is seen"

    name: str = NAME

    def loss(self, module: nn.Module, batch: PictureBatch) -> Mapping[str, Tensor]:
        """Losses of proposals, box head and mask head, all of weight 1."""
        assert isinstance(module, Rcnn)  # noqa: S101 - for the type checker
        features = module.features(batch.images.tensors)
        losses, rois, matched = module.detection_losses(features, batch.images, batch.targets)
        rois, matched = mask_rois(batch, rois, matched)
        logits = module.mask_logits(features, rois, batch.images)
        masks = [target.masks for target in batch.targets]
        labels = [target.labels for target in batch.targets]
        losses["mask"] = maskrcnn_loss(logits, rois, masks, labels, matched)
        return losses


def task(data: TrainingData) -> MaskRcnnTask:
    """The task on real photos and pasted scenes with their visible masks."""
    pictures = read_pictures(
        data.annotations, data.images, data.backgrounds, with_masks=True, split=data.split, classes=data.classes
    )
    return MaskRcnnTask(pictures, tuple(data.classes))


def mask_rois(
    batch: PictureBatch, rois: Sequence[Tensor], matched: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """RoIs for the mask head and their objects: true boxes and proposals on objects, some of each."""
    chosen_rois, chosen = [], []
    for target, own, objects in zip(batch.targets, rois, matched, strict=True):
        true = torch.randperm(len(target.boxes))[:_MASK_ROIS]
        found = torch.randperm(len(own))[:_MASK_ROIS]
        chosen_rois.append(torch.cat([target.boxes[true], own[found]]))
        chosen.append(torch.cat([true, objects[found]]))
    return chosen_rois, chosen


def load(model: str | os.PathLike[str], boxes: BoxSource = "given", least_score: float = 0.5) -> NetworkSegmenter:
    """Mask R-CNN as a segmenter.

    `boxes`: "given" takes the boxes as RoIs, as when true boxes are given; "own" ignores them and takes what the
    network finds itself with at least `least_score`. Raises `InputError` for a file that is no such network.
    """
    return load_rcnn(model, NAME, boxes, least_score)
