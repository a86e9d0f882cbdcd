"""The two-stage network under Mask R-CNN and BBTP: EfficientNet-Lite0, feature pyramid, proposals, box and mask heads.

The parts are torchvision's; put together here are a light backbone and losses that know of incomplete annotation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

from amodal.features.backbone import DEFAULT_BACKBONE, lite0_state
from amodal.networks.parts.trunk import STRIDES, freeze, group_norm, padded_sizes

MASK_SIDE = 28

Features = OrderedDict[str, Tensor]


@dataclass(frozen=True)
class RcnnSize:
    """How large the network is; part of its model file."""

    longest_px: int = 384
    """Photos are scaled so that their longest side is this."""
    channels: int = 96
    """Of the pyramid and the mask head."""
    box_features: int = 384
    """Of the two fully connected layers of the box head."""
    frozen_blocks: int = 2
    """Stages of the backbone that are not trained (with the stem)."""


@dataclass(frozen=True)
class Targets:
    """What is known of one picture of a batch, in its own scaled pixels.

    `boxes`: [n, 4]; `labels`: [n], 1 and up; `masks`: [n, h, w] where given; `complete`: the rest is background.
    """

    boxes: Tensor
    labels: Tensor
    complete: bool
    masks: Tensor | None = None


class Rcnn(nn.Module):
    """Pictures in; features, detections and mask logits out. Class 0 is the background."""

    def __init__(self, classes: int, size: RcnnSize, *, pretrained: bool) -> None:
        super().__init__()
        self.size = size
        network: Any = timm.create_model(DEFAULT_BACKBONE, features_only=True, out_indices=(1, 2, 3, 4))
        config = network.default_cfg if hasattr(network, "default_cfg") else network.pretrained_cfg
        if pretrained:
            state = lite0_state()
            network.load_state_dict({key: state[key] for key in network.state_dict()})
        self.backbone: nn.Module = network
        mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
        self.register_buffer("scale", (1 / (255 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor
        # Without normalisation the backbone's large features saturate the mask head before it has learned anything.
        self.pyramid = FeaturePyramidNetwork(network.feature_info.channels(), size.channels, norm_layer=group_norm)
        self.rpn = _proposals(size.channels)
        self.boxes = _box_heads(classes, size)
        # 14 cells over 112 px are 8 px each: stride 8, and a level finer for every halving.
        self.mask_pool = MultiScaleRoIAlign(_levels(STRIDES), 14, 2, canonical_scale=112, canonical_level=3)
        self.mask_head = MaskRCNNHeads(size.channels, (size.channels,) * 4, 1)
        self.mask_predictor = MaskRCNNPredictor(size.channels, size.channels, classes)
        nn.init.normal_(self.mask_predictor.mask_fcn_logits.weight, std=0.01)
        freeze(self.backbone, size.frozen_blocks)
        self.to(memory_format=torch.channels_last)

    def features(self, pictures: Float[Tensor, "n 3 h w"]) -> Features:
        """The pyramid of RGB pictures in [0, 255], at strides 4, 8, 16, 32; sides must be multiples of 32."""
        normal = torch.addcmul(self.shift, pictures, self.scale).contiguous(memory_format=torch.channels_last)
        stages = self.backbone(normal)
        levels = self.pyramid(OrderedDict((str(number), stage) for number, stage in enumerate(stages)))
        return OrderedDict((name, level.float()) for name, level in levels.items())

    def mask_logits(
        self, features: Features, rois: Sequence[Tensor], images: ImageList
    ) -> Float[Tensor, "rois classes side side"]:
        """Logits of every class over each RoI, all pictures' RoIs in a row."""
        pooled = self.mask_pool(features, list(rois), padded_sizes(images))
        logits: Tensor = self.mask_predictor(self.mask_head(pooled))
        return logits.float()

    def box_outputs(
        self, features: Features, rois: Sequence[Tensor], images: ImageList
    ) -> tuple[Float[Tensor, "rois classes"], Float[Tensor, "rois shifts"]]:
        """Class logits and box shifts for each RoI, all pictures' RoIs in a row."""
        pooled = self.boxes.box_roi_pool(features, list(rois), padded_sizes(images))
        logits, shifts = self.boxes.box_predictor(self.boxes.box_head(pooled))
        return logits.float(), shifts.float()

    def detect(self, features: Features, images: ImageList) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Boxes [n, 4], scores and labels (1 and up) found in each picture, best first."""
        proposals, _ = self.rpn(images, _coarse(features))
        logits, shifts = self.box_outputs(features, proposals, images)
        found: tuple[list[Tensor], list[Tensor], list[Tensor]] = self.boxes.postprocess_detections(
            logits, shifts, proposals, images.image_sizes
        )
        return found

    def detection_losses(
        self, features: Features, images: ImageList, targets: Sequence[Targets]
    ) -> tuple[dict[str, Tensor], list[Tensor], list[Tensor]]:
        """Losses of proposals and box head; and of each picture the RoIs on objects [k, 4], with their objects [k].

        In an incomplete picture nothing is called background: neither an anchor nor a proposal away from its boxes.
        """
        known = [{"boxes": target.boxes, "labels": target.labels} for target in targets]
        proposals, losses = self._rpn_losses(features, images, targets, known)
        offered = [
            found if target.complete else _shaken(target.boxes)
            for found, target in zip(proposals, targets, strict=True)
        ]
        rois, matched, labels, wanted = self.boxes.select_training_samples(offered, known)
        logits, shifts = self.box_outputs(features, rois, images)
        loss_class, loss_box = fastrcnn_loss(logits, shifts, labels, wanted)
        losses |= {"class": loss_class, "box": loss_box}
        on_objects = [torch.where(own > 0)[0] for own in labels]
        rois = [own[rows] for own, rows in zip(rois, on_objects, strict=True)]
        matched = [own[rows] for own, rows in zip(matched, on_objects, strict=True)]
        return losses, rois, matched

    def _rpn_losses(
        self, features: Features, images: ImageList, targets: Sequence[Targets], known: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """What `RegionProposalNetwork.forward` does, but for the anchors of incomplete pictures."""
        rpn, levels = self.rpn, list(_coarse(features).values())
        objectness, deltas = rpn.head(levels)
        anchors = rpn.anchor_generator(images, levels)
        counts = [level[0].numel() for level in objectness]
        flat, deltas = (part.float() for part in concat_box_prediction_layers(objectness, deltas))
        with torch.no_grad():
            decoded = rpn.box_coder.decode(deltas, anchors).view(len(anchors), -1, 4)
            proposals, _ = rpn.filter_proposals(decoded, flat, images.image_sizes, counts)
        labels, matched = rpn.assign_targets_to_anchors(anchors, known)
        for own, target in zip(labels, targets, strict=True):
            if not target.complete:
                own[own == 0] = -1  # not sampled
        wanted = rpn.box_coder.encode(matched, anchors)
        loss_object, loss_shift = rpn.compute_loss(flat, deltas, labels, wanted)
        return proposals, {"rpn_object": loss_object, "rpn_box": loss_shift}


def _proposals(channels: int) -> RegionProposalNetwork:
    """6 scales × 3 ratios over strides 8, 16, 32; a person stands, a car lies."""
    anchors = AnchorGenerator(((24, 38), (60, 96), (150, 250)), ((0.45, 1.0, 2.6),) * 3)
    return RegionProposalNetwork(
        anchors,
        RPNHead(channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.6,
        bg_iou_thresh=0.3,
        batch_size_per_image=128,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 300, "testing": 300},
        post_nms_top_n={"training": 150, "testing": 100},
        nms_thresh=0.7,
    )


def _box_heads(classes: int, size: RcnnSize) -> RoIHeads:
    return RoIHeads(
        MultiScaleRoIAlign(_levels(STRIDES)[1:], 7, 2),
        TwoMLPHead(size.channels * 7 * 7, size.box_features),
        FastRCNNPredictor(size.box_features, classes),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=32,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=50,
    )


def _levels(strides: Sequence[int]) -> list[str]:
    return [str(number) for number in range(len(strides))]


def _coarse(features: Features) -> Features:
    """The levels that propose boxes: stride 4 would cost more than all others together."""
    return OrderedDict((name, level) for name, level in features.items() if name != "0")


def _shaken(boxes: Float[Tensor, "n 4"], copies: int = 5) -> Float[Tensor, "m 4"]:
    """Copies of the boxes, each side moved by up to a tenth of the box's width or height."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(copies, 2)
    return boxes.repeat(copies, 1) + sides * (torch.rand(len(boxes) * copies, 4) - 0.5) * 0.2
