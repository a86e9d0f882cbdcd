"""Mask R-CNN (He et al. 2017) with a pyramid, and with two mask branches: whole objects and what is seen of them.

Boxes are amodal, as [S2] trains it. ORCNN, PANet and ASN are this network with other branches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import MultiScaleRoIAlign

from amodal.networks.parts import boxes as box_branch
from amodal.networks.parts import masks as mask_branch
from amodal.networks.parts.batch import Batch, Found, Targets
from amodal.networks.parts.boxes import BoxHead, Detections, box_losses, detections, given_or_likeliest, of_class
from amodal.networks.parts.masks import MaskHead, class_masks, mask_loss
from amodal.networks.parts.proposals import proposal_losses, proposal_network, propose, proposing
from amodal.networks.parts.sampling import Rois, sample_rois
from amodal.networks.parts.settings import KINDS, MaskKind, TwoStage
from amodal.networks.parts.trunk import LEVELS, Backbone, Features, Pyramid, padded_sizes


@dataclass(frozen=True, eq=False)
class BoxOutputs:
    """What the box branch says of RoIs, all pictures' in a row.

    Attributes:
        logits, shifts: of every class.
        context: maps that mask branches may use, as ASN's do; one row for each RoI.
        occlusion: logit of "something hides a part of it", from networks with such a branch.
    """

    logits: Float[Tensor, "k classes"]
    shifts: Float[Tensor, "k shifts"]
    context: Tensor | None = None
    occlusion: Float[Tensor, " k"] | None = None

    def rows(self, chosen: Tensor) -> BoxOutputs:
        """Of some of the RoIs."""
        context, occlusion = (None if part is None else part[chosen] for part in (self.context, self.occlusion))
        return BoxOutputs(self.logits[chosen], self.shifts[chosen], context, occlusion)


class MaskRcnn(nn.Module):
    """The network; class 0 is the background. Its middle methods are what others replace."""

    def __init__(self, classes: int, settings: TwoStage, *, pretrained: bool) -> None:
        super().__init__()
        self.classes, self.settings = classes, settings
        self.backbone = Backbone(settings.backbone, settings.frozen_stages, pretrained=pretrained)
        self.pyramid = Pyramid(self.backbone.channels, settings.channels, norm=settings.pyramid_norm)
        self.rpn = proposal_network(settings, settings.channels)
        self.box_pool, self.box_head = self.box_branch()
        self.mask_pool = MultiScaleRoIAlign(list(LEVELS[:4]), mask_branch.POOLED, 2)
        self.mask_heads = nn.ModuleDict({kind: MaskHead(settings.channels, classes) for kind in settings.masks})
        self.to(memory_format=torch.channels_last)

    def box_branch(self) -> tuple[nn.Module, nn.Module]:
        """Pooling and head of the box branch."""
        pool = MultiScaleRoIAlign(list(LEVELS[:4]), box_branch.POOLED, 2)
        return pool, BoxHead(self.settings.channels, self.classes, self.settings.box_features)

    def features(self, images: ImageList) -> Features:
        """The levels that RoIs are pooled from."""
        return cast(Features, self.pyramid(self.backbone(images.tensors)))

    def look_at(self, levels: Features, rois: Sequence[Tensor], images: ImageList) -> BoxOutputs:
        """The box branch on RoIs [k, 4] of every picture."""
        pooled = self.box_pool(levels, list(rois), padded_sizes(images))
        return BoxOutputs(*self.box_head(pooled))

    def mask(
        self, levels: Features, rois: Sequence[Tensor], images: ImageList, seen: BoxOutputs
    ) -> dict[MaskKind, Float[Tensor, "k classes 28 28"]]:
        """Logits of every mask branch on RoIs that the box branch has `seen`."""
        del seen  # the branches are independent here
        pooled = self.mask_pool(levels, list(rois), padded_sizes(images))
        return {kind: self.mask_heads[kind](pooled) for kind in self.settings.masks}

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Proposals, class, box and masks, all of weight 1."""
        levels = self.features(batch.images)
        proposals, losses = proposal_losses(self.rpn, proposing(levels, self.settings), batch.images, batch.targets)
        rois = sample_rois(proposals, batch.targets, self.settings.proposals, self.settings.foreground)
        seen = self.look_at(levels, [own.boxes for own in rois], batch.images)
        losses |= box_losses(seen.logits, seen.shifts, rois, batch.targets)
        return losses | self.branch_losses(levels, batch, rois, seen)

    def branch_losses(
        self, levels: Features, batch: Batch, rois: Sequence[Rois], seen: BoxOutputs
    ) -> dict[str, Tensor]:
        """The losses beside those of boxes: masks on RoIs that are on objects."""
        own = [one.on_objects() for one in rois]
        on_objects = torch.cat([one.labels > 0 for one in rois])
        logits = self.mask(levels, [one.boxes for one in own], batch.images, seen.rows(on_objects))
        return self.mask_losses(logits, own, batch.targets)

    def mask_losses(
        self, logits: Mapping[MaskKind, Tensor], rois: Sequence[Rois], targets: Sequence[Targets]
    ) -> dict[str, Tensor]:
        """The losses of the mask branches' logits on RoIs that are on objects."""
        return {f"mask_{kind}": mask_loss(part, rois, targets, kind) for kind, part in logits.items()}

    def find(self, images: ImageList) -> list[Found]:
        """The objects of every picture, in the boxes that it proposes and refines."""
        levels = self.features(images)
        proposals = propose(self.rpn, proposing(levels, self.settings), images)
        found, seen = self.detect(levels, proposals, images)
        boxes = [own.boxes for own in found]
        return self._masked(levels, images, boxes, [own.labels for own in found], [own.scores for own in found], seen)

    def detect(
        self, levels: Features, proposals: Sequence[Tensor], images: ImageList
    ) -> tuple[list[Detections], BoxOutputs]:
        """What the proposals come down to, and what the box branch has seen of each object in its proposal."""
        seen = self.look_at(levels, proposals, images)
        found = detections(seen.logits, seen.shifts, proposals, images.image_sizes, self.settings)
        return found, seen.rows(_in_a_row([own.rows for own in found], [len(own) for own in proposals]))

    def look(
        self, images: ImageList, boxes: Sequence[Float[Tensor, "n 4"]], labels: Sequence[Int64[Tensor, " n"]]
    ) -> list[Found]:
        """Masks for given boxes; where a label is 0, the likeliest class."""
        levels = self.features(images)
        seen = self.look_at(levels, boxes, images)
        counts = [len(own) for own in boxes]
        chances = seen.logits.softmax(1)
        given = torch.cat(list(labels)) if labels else chances.new_zeros(0, dtype=torch.int64)
        chosen = given_or_likeliest(given, chances[:, 1:])
        scores = of_class(chances, chosen)
        return self._masked(levels, images, boxes, torch.split(chosen, counts), torch.split(scores, counts), seen)

    def _masked(
        self,
        levels: Features,
        images: ImageList,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        scores: Sequence[Tensor],
        seen: BoxOutputs,
    ) -> list[Found]:
        """Found objects with their masks; where a kind has no branch, the other kind's."""
        logits = self.mask(levels, boxes, images, seen)
        counts = [len(own) for own in boxes]
        masks = {kind: torch.split(class_masks(part, torch.cat(list(labels))), counts) for kind, part in logits.items()}
        whole, visible = (masks.get(kind, masks[self.settings.masks[0]]) for kind in KINDS)
        hidden = None if seen.occlusion is None else torch.split(seen.occlusion.sigmoid(), counts)
        return [
            Found(
                boxes[number],
                labels[number],
                scores[number],
                boxes[number],
                whole[number],
                visible[number],
                None if hidden is None else hidden[number],
            )
            for number in range(len(boxes))
        ]


def _in_a_row(rows: Sequence[Int64[Tensor, " n"]], counts: Sequence[int]) -> Int64[Tensor, " all"]:
    """Rows within each picture as rows among all pictures' RoIs."""
    starts = [sum(counts[:number]) for number in range(len(counts))]
    return torch.cat([own + start for own, start in zip(rows, starts, strict=True)])
