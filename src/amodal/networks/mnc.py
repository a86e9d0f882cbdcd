"""MNC, the multi-task network cascade (Dai et al. 2016): boxes, masks in them, classes from both, and once more.

Stage 1 proposes boxes; 2 draws a mask in each by two fully connected layers; 3 names it from what is in the box and
what is under the mask, and moves the box; 4 and 5 are 2 and 3 again, with the same weights, in the moved boxes. Each
stage teaches those before it: through the mask, and through where the moved boxes lie. Masks know no class.
Ours: amodal and inmodal masks, of which the whole one decides what is under it; proposals are taken without gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList

from amodal.errors import InputError
from amodal.networks.parts.batch import Batch, Found, Targets
from amodal.networks.parts.boxes import BoxPredictor, box_losses, moved_boxes
from amodal.networks.parts.masks import POOLED, SIDE, mask_loss
from amodal.networks.parts.sampling import Rois, matched, sample_rois
from amodal.networks.parts.settings import MaskKind, TwoStage
from amodal.networks.parts.single_map import SingleMap
from amodal.networks.parts.voting import Seen, all_found, named
from amodal.networks.parts.warping import warp


@dataclass(frozen=True)
class MncSettings(TwoStage):
    """MNC's own settings beside those of every two-stage network."""

    map_stride: int = 8
    """Of the one feature map that boxes are warped from. Published: 16, on pictures more than twice as large."""
    mask_features: int = 256
    """Between the two fully connected layers of the mask stage."""
    passes: int = 2
    """How often masks and classes are found: 1 is the cascade of three stages, 2 that of five."""
    box_gradient: bool = True
    """The second pass's losses move the first pass's boxes."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        if self.map_stride not in (4, 8, 16, 32):
            raise InputError("settings", "map_stride", f"is {self.map_stride}", "expected 4, 8, 16 or 32")
        if not 1 <= self.mask_features <= 8192:
            raise InputError("settings", "mask_features", f"is {self.mask_features}", "expected 1 to 8192")
        if not 1 <= self.passes <= 4:
            raise InputError("settings", "passes", f"is {self.passes}", "expected 1 to 4")


class Mnc(nn.Module):
    """The network; class 0 is the background."""

    def __init__(self, classes: int, settings: MncSettings, *, pretrained: bool) -> None:
        super().__init__()
        self.classes, self.settings = classes, settings
        self.trunk = SingleMap(settings, settings.map_stride, pretrained=pretrained)
        self.mask_stage = MaskStage(settings.channels, settings.mask_features, settings.masks)
        self.class_stage = ClassStage(settings.channels, classes, settings.box_features)
        self.to(memory_format=torch.channels_last)

    def pass_over(self, features: Float[Tensor, "n c h w"], boxes: Sequence[Float[Tensor, "_ 4"]]) -> Seen:
        """Stages 2 and 3, or 4 and 5, in the boxes of every picture."""
        warped = warp(features, boxes, stride=self.settings.map_stride, side=POOLED)
        masks = self.mask_stage(warped)
        logits, shifts = self.class_stage(warped, masks[self.settings.masks[0]].sigmoid())
        return Seen(logits, shifts, {kind: own[:, None].expand(-1, self.classes, -1, -1)
                                     for kind, own in masks.items()})  # fmt: skip

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Proposals; and mask, class and box of every pass, all of weight 1."""
        levels = self.trunk(batch.images)
        proposals, losses = self.trunk.proposal_losses(levels, batch.images, batch.targets)
        rois = sample_rois(proposals, batch.targets, self.settings.proposals, self.settings.foreground)
        for number in range(1, self.settings.passes + 1):
            seen = self.pass_over(self.trunk.map(levels), [own.boxes for own in rois])
            losses |= {f"{name}_{number}": loss for name, loss in self._pass_losses(seen, rois, batch.targets).items()}
            if number < self.settings.passes:
                boxes = self._moved(seen, [own.boxes for own in rois], batch.images)
                rois = [matched(own, target) for own, target in zip(boxes, batch.targets, strict=True)]
        return losses

    def find(self, images: ImageList) -> list[Found]:
        """The objects of every picture: the boxes of all passes are thinned together, their masks vote."""
        levels = self.trunk(images)
        boxes = self.trunk.propose(levels, images)
        looks = []
        for _ in range(self.settings.passes):
            seen = self.pass_over(self.trunk.map(levels), boxes)
            looks.append((boxes, seen))
            boxes = self._moved(seen, boxes, images)
        return all_found(looks, images.image_sizes, self.settings)

    def look(
        self, images: ImageList, boxes: Sequence[Float[Tensor, "n 4"]], labels: Sequence[Int64[Tensor, " n"]]
    ) -> list[Found]:
        """Masks for given boxes, by one pass; where a label is 0, the likeliest class."""
        return named(self.pass_over(self.trunk.map(self.trunk(images)), boxes), boxes, labels)

    def _pass_losses(self, seen: Seen, rois: Sequence[Rois], targets: Sequence[Targets]) -> dict[str, Tensor]:
        own = [one.on_objects() for one in rois]
        on_objects = torch.cat([one.labels > 0 for one in rois])
        losses = {f"mask_{kind}": mask_loss(part[on_objects], own, targets, kind) for kind, part in seen.masks.items()}
        return losses | box_losses(seen.logits, seen.shifts, rois, targets)

    def _moved(self, seen: Seen, boxes: Sequence[Tensor], images: ImageList) -> list[Tensor]:
        """Where the likeliest class of each box would have it."""
        shifts = seen.shifts if self.settings.box_gradient else seen.shifts.detach()
        return moved_boxes(seen.logits, shifts, boxes, images.image_sizes)


class MaskStage(nn.Module):
    """Two fully connected layers from warped features to the mask of the object, of every kind."""

    def __init__(self, channels: int, features: int, kinds: Sequence[MaskKind]) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels * POOLED**2, features)
        self.masks = nn.ModuleDict({kind: nn.Linear(features, SIDE**2) for kind in kinds})

    def forward(self, warped: Float[Tensor, "k c 14 14"]) -> dict[MaskKind, Float[Tensor, "k 28 28"]]:
        """float32 logits."""
        hidden = functional.relu(self.hidden(warped.flatten(1)))
        return {kind: layer(hidden).float().view(-1, SIDE, SIDE) for kind, layer in self.masks.items()}  # type: ignore[misc]


class ClassStage(nn.Module):
    """Class and box from two ways of two fully connected layers: all that is in the box, and what is under the mask."""

    def __init__(self, channels: int, classes: int, features: int) -> None:
        super().__init__()
        self.inside, self.masked = (
            nn.Sequential(nn.Linear(channels * (POOLED // 2) ** 2, features), nn.ReLU(),
                          nn.Linear(features, features), nn.ReLU()) for _ in range(2)
        )  # fmt: skip
        self.predictor = BoxPredictor(2 * features, classes)

    def forward(
        self, warped: Float[Tensor, "k c 14 14"], mask: Float[Tensor, "k 28 28"]
    ) -> tuple[Float[Tensor, "k classes"], Float[Tensor, "k shifts"]]:
        """Class logits, and four shifts for every class; the gradient passes the mask (probabilities)."""
        gate = functional.avg_pool2d(mask[:, None], SIDE // POOLED)
        ways = [self.inside(_halved(warped)), self.masked(_halved(warped * gate))]
        both: tuple[Tensor, Tensor] = self.predictor(torch.cat(ways, 1))
        return both


def _halved(warped: Float[Tensor, "k c 14 14"]) -> Float[Tensor, "k features"]:
    return functional.max_pool2d(warped, 2).flatten(1)
