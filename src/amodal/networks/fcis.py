"""FCIS, fully convolutional instance segmentation (Li et al. 2017): nothing is learned RoI by RoI.

Convolutions alone make, for every class and each of k × k cells of an object, a map that says "inside the object, in
this cell of it" and one that says "in its box, but outside". Over a RoI the cells are put together from their maps. The
softmax of a point's two scores is the mask; the larger one is evidence for the class, averaged over the RoI before the
softmax over classes. Boxes are shifted by averages of such maps as well, the same for all classes.
Ours: a second set of maps for the inmodal mask; class and box come from the whole one's.
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
from amodal.networks.parts.batch import Batch, Found
from amodal.networks.parts.boxes import box_losses, refined
from amodal.networks.parts.masks import mask_loss
from amodal.networks.parts.position import position_sensitive
from amodal.networks.parts.sampling import sample_rois
from amodal.networks.parts.settings import MaskKind, TwoStage
from amodal.networks.parts.single_map import SingleMap
from amodal.networks.parts.voting import Seen, all_found, named

_SAMPLES = 3  # points along a cell: masks of 7 cells have 21


@dataclass(frozen=True)
class FcisSettings(TwoStage):
    """FCIS's own settings beside those of every two-stage network; `box_features` is not used."""

    map_stride: int = 8
    """Of the feature map that the score maps are made of. Published: 16, on pictures more than twice as large."""
    cells: int = 7
    """An object is cut into cells × cells, k in the paper."""
    score_features: int = 128
    """Channels of the convolution before the score maps; published: 1024."""
    second_look: bool = True
    """At test, moved boxes are looked at as well, and vote."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        if self.map_stride not in (4, 8, 16, 32):
            raise InputError("settings", "map_stride", f"is {self.map_stride}", "expected 4, 8, 16 or 32")
        if not 1 <= self.score_features <= 8192:
            raise InputError("settings", "score_features", f"is {self.score_features}", "expected 1 to 8192")
        if not 1 <= self.cells <= 14:
            raise InputError("settings", "cells", f"is {self.cells}", "expected 1 to 14")


class Fcis(nn.Module):
    """The network; class 0 is the background."""

    def __init__(self, classes: int, settings: FcisSettings, *, pretrained: bool) -> None:
        super().__init__()
        self.classes, self.settings = classes, settings
        self.trunk = SingleMap(settings, settings.map_stride, pretrained=pretrained)
        self.maps = ScoreMaps(settings.channels, classes, settings)
        self.to(memory_format=torch.channels_last)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Proposals, class, box and masks, all of weight 1."""
        levels = self.trunk(batch.images)
        proposals, losses = self.trunk.proposal_losses(levels, batch.images, batch.targets)
        rois = sample_rois(proposals, batch.targets, self.settings.proposals, self.settings.foreground)
        scores = self.maps(self.trunk.map(levels))
        pairs = self._assembled(scores, [one.boxes for one in rois], self.settings.masks[0])
        shifts = self._shifts(scores, [one.boxes for one in rois])
        losses |= box_losses(_class_logits(pairs), shifts, rois, batch.targets)
        own = [one.on_objects() for one in rois]
        masks = {self.settings.masks[0]: _mask_logits(pairs)[torch.cat([one.labels > 0 for one in rois])]}
        for kind in self.settings.masks[1:]:
            masks[kind] = _mask_logits(self._assembled(scores, [one.boxes for one in own], kind))
        return losses | {f"mask_{kind}": mask_loss(part, own, batch.targets, kind) for kind, part in masks.items()}

    def find(self, images: ImageList) -> list[Found]:
        """The objects of every picture: proposals, and where they would be moved to, are thinned together and vote."""
        levels = self.trunk(images)
        scores = self.maps(self.trunk.map(levels))
        proposals = self.trunk.propose(levels, images)
        looks = [(proposals, self._seen(scores, proposals))]
        if self.settings.second_look:
            shifts = torch.split(looks[0][1].shifts, [len(own) for own in proposals])
            rows = zip(shifts, proposals, images.image_sizes, strict=True)
            boxes = [refined(own[:, :4], old, size)[:, 0] for own, old, size in rows]
            looks.append((boxes, self._seen(scores, boxes)))
        return all_found(looks, images.image_sizes, self.settings)

    def look(
        self, images: ImageList, boxes: Sequence[Float[Tensor, "n 4"]], labels: Sequence[Int64[Tensor, " n"]]
    ) -> list[Found]:
        """Masks for given boxes; where a label is 0, the likeliest class."""
        scores = self.maps(self.trunk.map(self.trunk(images)))
        return named(self._seen(scores, boxes), boxes, labels)

    def _seen(self, scores: Mapping[str, Tensor], rois: Sequence[Tensor]) -> Seen:
        pairs = {kind: self._assembled(scores, rois, kind) for kind in self.settings.masks}
        masks = {kind: _mask_logits(own) for kind, own in pairs.items()}
        return Seen(_class_logits(pairs[self.settings.masks[0]]), self._shifts(scores, rois), masks)

    def _assembled(
        self, scores: Mapping[str, Tensor], rois: Sequence[Tensor], kind: MaskKind
    ) -> Float[Tensor, "k classes 2 side side"]:
        """Scores of inside and outside over each RoI, put together from the cells' maps."""
        cells, stride = self.settings.cells, self.settings.map_stride
        read = position_sensitive(scores[kind], rois, stride=stride, cells=cells, side=_SAMPLES * cells)
        return read.reshape(len(read), self.classes, 2, *read.shape[2:])

    def _shifts(self, scores: Mapping[str, Tensor], rois: Sequence[Tensor]) -> Float[Tensor, "k shifts"]:
        cells, stride = self.settings.cells, self.settings.map_stride
        read = position_sensitive(scores["shifts"], rois, stride=stride, cells=cells, side=_SAMPLES * cells)
        return read.mean((2, 3)).repeat(1, self.classes)  # every class the same four


class ScoreMaps(nn.Module):
    """One convolution of width, then the maps: 2 k² for every class and kind of mask, 4 k² for boxes."""

    def __init__(self, channels: int, classes: int, settings: FcisSettings) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, settings.score_features, 3, padding=1)
        outputs = {kind: 2 * classes * settings.cells**2 for kind in settings.masks} | {"shifts": 4 * settings.cells**2}
        self.scores = nn.ModuleDict({name: nn.Conv2d(settings.score_features, out, 1) for name, out in outputs.items()})
        for layer in self.scores.values():
            nn.init.normal_(layer.weight, std=0.01)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, features: Float[Tensor, "n c h w"]) -> dict[str, Float[Tensor, "n maps h w"]]:
        """float32, of each kind (cell, class, inside or outside) and of "shifts" (cell, shift)."""
        hidden = functional.relu(self.reduce(features))
        return {name: layer(hidden).float() for name, layer in self.scores.items()}


def _class_logits(pairs: Float[Tensor, "k classes 2 side side"]) -> Float[Tensor, "k classes"]:
    """Inside or outside, a point that either map claims speaks for the class."""
    return pairs.amax(2).mean((2, 3))


def _mask_logits(pairs: Float[Tensor, "k classes 2 side side"]) -> Float[Tensor, "k classes side side"]:
    """The softmax over inside and outside is the sigmoid of their difference."""
    return pairs[:, :, 0] - pairs[:, :, 1]
