"""The first stage: torchvision's region proposals, with losses per picture that know of incomplete annotation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.settings import TwoStage
from amodal.networks.parts.trunk import LEVELS, Features

_SAMPLED = 256  # anchors in a picture, half of them on objects if there are as many


def proposal_network(settings: TwoStage, channels: int) -> RegionProposalNetwork:
    """Region proposals on the levels that have anchors; every level the same number of sizes."""
    sizes = tuple(sizes for sizes in settings.anchors if sizes)
    anchors = AnchorGenerator(sizes, (settings.ratios,) * len(sizes))
    counts = dict(zip(("training", "testing"), settings.proposals_kept, strict=True))
    return RegionProposalNetwork(
        anchors,
        RPNHead(channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=_SAMPLED,
        positive_fraction=0.5,
        pre_nms_top_n={mode: max(count, 1000) for mode, count in counts.items()},
        post_nms_top_n=counts,
        nms_thresh=0.7,
    )


def proposing(levels: Features, settings: TwoStage) -> Features:
    """The levels that have anchors."""
    names = [name for name, sizes in zip(LEVELS, settings.anchors, strict=True) if sizes]
    return Features((name, levels[name]) for name in names)


def propose(rpn: RegionProposalNetwork, levels: Features, images: ImageList) -> list[Tensor]:
    """Proposals [k, 4] of every picture, best first."""
    proposals, _ = rpn(images, levels)
    found: list[Tensor] = proposals
    return found


def proposal_losses(
    rpn: RegionProposalNetwork, levels: Features, images: ImageList, targets: Sequence[Targets]
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Proposals of every picture, and the losses "rpn_object" and "rpn_box", each the mean over pictures.

    What `RegionProposalNetwork.forward` does, but that each picture samples its anchors by its own chance, and an
    incomplete one none from the background.
    """
    maps = list(levels.values())
    objectness, deltas = rpn.head(maps)
    anchors = rpn.anchor_generator(images, maps)
    counts = [level[0].numel() for level in objectness]
    logits, deltas = (part.float() for part in concat_box_prediction_layers(objectness, deltas))
    with torch.no_grad():
        decoded = rpn.box_coder.decode(deltas, anchors).view(len(anchors), -1, 4)
        proposals, _ = rpn.filter_proposals(decoded, logits, images.image_sizes, counts)
        known = [{"boxes": target.boxes, "labels": target.labels} for target in targets]
        labels, matched = rpn.assign_targets_to_anchors(anchors, known)
        wanted = rpn.box_coder.encode(matched, anchors)
    rows = zip(targets, labels, wanted, logits.flatten().split([len(own) for own in anchors]),
               deltas.split([len(own) for own in anchors]), strict=True)  # fmt: skip
    parts = [_picture_losses(*row) for row in rows]
    loss_object, loss_box = (torch.stack(own).mean() for own in zip(*parts, strict=True))
    return proposals, {"rpn_object": loss_object, "rpn_box": loss_box}


def _picture_losses(
    target: Targets, labels: Tensor, wanted: Tensor, logits: Tensor, deltas: Tensor
) -> tuple[Tensor, Tensor]:
    chance = target.generator()
    positive = _some(labels >= 1, _SAMPLED // 2, chance)
    none = labels.new_zeros(0, dtype=torch.int64)
    negative = _some(labels == 0, _SAMPLED - len(positive), chance) if target.complete else none
    sampled = torch.cat([positive, negative])
    if not len(sampled):
        return logits.sum() * 0, deltas.sum() * 0
    loss_object = functional.binary_cross_entropy_with_logits(logits[sampled], labels[sampled])
    distance = functional.smooth_l1_loss(deltas[positive], wanted[positive], beta=1 / 9, reduction="sum")
    return loss_object, distance / len(sampled)


def _some(wanted: Tensor, most: int, chance: torch.Generator) -> Tensor:
    """At most so many of the places where `wanted`, by chance."""
    places = torch.where(wanted)[0]
    return places[torch.randperm(len(places), generator=chance)[:most].to(places.device)]
