"""ASN [S2 §4], on Mask R-CNN and on PANet: a branch for occlusion, and mask branches told what box and occlusion know.

The box branch is of convolutions, since two fully connected layers have no map to hand on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import MultiScaleRoIAlign

from amodal.errors import InputError
from amodal.networks.maskrcnn import BoxOutputs, MaskRcnn
from amodal.networks.parts.adaptive import AdaptivePool
from amodal.networks.parts.augmentation import PathAugmentation
from amodal.networks.parts.batch import Batch
from amodal.networks.parts.boxes import POOLED as BOX_GRID
from amodal.networks.parts.boxes import Detections
from amodal.networks.parts.branches import DEPTH, BoxBranch, MaskBranch, Pooled
from amodal.networks.parts.coding import CodingParts, Join, MultiLevelCoding, Place
from amodal.networks.parts.masks import POOLED as MASK_GRID
from amodal.networks.parts.occlusion import OcclusionBranch, occlusion_loss
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import MaskKind, TwoStage
from amodal.networks.parts.trunk import LEVELS, STRIDES, Features, padded_sizes


@dataclass(frozen=True)
class AsnSettings(TwoStage):
    """ASN's own settings; the defaults are as published, but for the sizes."""

    occlusion: bool = True
    """Whether there is an occlusion branch (Table 5)."""
    occlusion_threshold: float = 0.05
    """An object of which more than this share is hidden counts as occluded (Table 6)."""
    occlusion_weight: float = 8.0
    """Of RoIs on occluded objects in the branch's loss."""
    occlusion_features: int = 128
    """Of the branch's fully connected layer."""
    coding: tuple[int, int] | None = (1, 1)
    """Multi-Level Coding (Table 5): after which convolution of box and occlusion branch features are taken, and after
    which of the mask branch they come in, 0 to 4; None leaves it out."""
    global_join: Join = "concat"
    """Part 1 of the coding (Table 7): how features of box and occlusion branch meet."""
    extraction_plain: int = 2
    """Part 2: convolutions beside the deconvolution."""
    extraction_special: Place = "first"
    """Part 2: where the deconvolution stands among them; "last" is the other order of Table 7."""
    mask_join: Join = "concat"
    """Part 3: how what was extracted meets the mask branch's features."""
    combination_plain: int = 2
    """Part 4: convolutions beside the one that halves the channels."""
    combination_special: Place = "last"
    """Part 4: where that one stands; "first" is the other order of Table 7."""
    passes: Literal[1, 2] = 2
    """How often found objects go through the box branch: as proposals, and refined (2), or as proposals alone (1)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be before anything is built."""
        super().__post_init__()
        if self.coding is not None and not self.occlusion:
            raise InputError("settings", "coding", f"is {self.coding} without occlusion branch", "expected none")
        if self.coding is not None and not all(0 <= place <= DEPTH for place in self.coding):
            raise InputError("settings", "coding", f"is {self.coding}", f"expected two numbers of 0 to {DEPTH}")
        for name in ("extraction_plain", "combination_plain"):
            if not 0 <= getattr(self, name) <= 8:
                raise InputError("settings", name, f"is {getattr(self, name)}", "expected 0 to 8")
        if not 0 <= self.occlusion_threshold < 1:
            raise InputError("settings", "occlusion_threshold", f"is {self.occlusion_threshold}", "expected 0 to 1")
        if not 0 < self.occlusion_weight < math.inf:
            found = f"is {self.occlusion_weight}"
            raise InputError("settings", "occlusion_weight", found, "expected a positive number")
        if self.occlusion_features < 1:
            raise InputError("settings", "occlusion_features", f"is {self.occlusion_features}", "expected 1 or more")
        if self.passes not in (1, 2):
            raise InputError("settings", "passes", f"is {self.passes}", "expected 1 or 2")

    @property
    def parts(self) -> CodingParts:
        """The four parts of the coding."""
        return CodingParts(
            self.global_join,
            self.extraction_plain,
            self.extraction_special,
            self.mask_join,
            self.combination_plain,
            self.combination_special,
        )


class Asn(MaskRcnn):
    """ASN on Mask R-CNN."""

    settings: AsnSettings
    levels_pooled = 1
    fused = False

    def __init__(self, classes: int, settings: AsnSettings, *, pretrained: bool) -> None:
        super().__init__(classes, settings, pretrained=pretrained)
        channels, levels = settings.channels, self.levels_pooled
        if settings.occlusion:
            self.occlusion_branch = OcclusionBranch(channels, settings.occlusion_features, levels)
        self.mask_pool = self.pool(MASK_GRID)
        self.mask_heads = nn.ModuleDict(
            {kind: MaskBranch(channels, classes, levels, fused=self.fused) for kind in settings.masks}
        )
        if settings.coding is not None:
            self.codings = nn.ModuleDict({kind: MultiLevelCoding(channels, settings.parts) for kind in settings.masks})
        self.to(memory_format=torch.channels_last)

    def pool(self, side: int) -> nn.Module:
        """Each RoI from the level of its size."""
        pool: nn.Module = MultiScaleRoIAlign(list(LEVELS[:4]), side, 2)
        return pool

    def box_branch(self) -> tuple[nn.Module, nn.Module]:
        """Pooling, and a branch of convolutions."""
        settings = self.settings
        head = BoxBranch(settings.channels, self.classes, settings.box_features, self.levels_pooled)
        return self.pool(BOX_GRID), head

    def look_at(self, levels: Features, rois: Sequence[Tensor], images: ImageList) -> BoxOutputs:
        """Box and occlusion branch on RoIs [k, 4] of every picture, with the maps that the masks are told."""
        pooled = _as_levels(self.box_pool(levels, list(rois), padded_sizes(images)))
        logits, shifts, box_maps = self.box_head(pooled)
        if not self.settings.occlusion:
            return BoxOutputs(logits, shifts)
        occlusion, occlusion_maps = self.occlusion_branch(pooled)
        if self.settings.coding is None:
            return BoxOutputs(logits, shifts, None, occlusion)
        source, _ = self.settings.coding
        return BoxOutputs(logits, shifts, torch.stack([box_maps[source], occlusion_maps[source]], 1), occlusion)

    def mask(
        self, levels: Features, rois: Sequence[Tensor], images: ImageList, seen: BoxOutputs
    ) -> dict[MaskKind, Float[Tensor, "k classes 28 28"]]:
        """Logits of every mask branch on RoIs that box and occlusion branch have `seen`."""
        pooled = _as_levels(self.mask_pool(levels, list(rois), padded_sizes(images)))
        if self.settings.coding is None or seen.context is None:
            return {kind: self.mask_heads[kind](pooled) for kind in self.settings.masks}
        _, after = self.settings.coding
        logits: dict[MaskKind, Tensor] = {}
        for kind in self.settings.masks:
            coding = self.codings[kind]
            assert isinstance(coding, MultiLevelCoding)  # noqa: S101 - for the type checker
            known = coding.extract(*seen.context.unbind(1))
            logits[kind] = self.mask_heads[kind](pooled, partial(coding.combine, known), after)
        return logits

    def branch_losses(
        self, levels: Features, batch: Batch, rois: Sequence[Rois], seen: BoxOutputs
    ) -> dict[str, Tensor]:
        """The losses of the mask branches, and "occlusion"."""  # Eq 2
        losses = super().branch_losses(levels, batch, rois, seen)
        if seen.occlusion is None:
            return losses
        settings = self.settings
        own = occlusion_loss(
            seen.occlusion, rois, batch.targets, settings.occlusion_threshold, settings.occlusion_weight
        )
        return losses | {"occlusion": own}

    def detect(
        self, levels: Features, proposals: Sequence[Tensor], images: ImageList
    ) -> tuple[list[Detections], BoxOutputs]:
        """Objects are seen once more, in their refined boxes, for occlusion and what the masks are told.

        Their scores stay those of the proposals. Scores of refined boxes would not tell good ones from bad: what the
        first look calls background is moved as well, often half onto an object, and looks like one from there.
        """
        found, seen = super().detect(levels, proposals, images)
        if self.settings.passes == 1:
            return found, seen
        return found, self.look_at(levels, [own.boxes for own in found], images)


class PanetAsn(Asn):
    """ASN on PANet: the same branches on an augmented pyramid, RoIs from all levels, masks with a global view."""

    levels_pooled = len(STRIDES)
    fused = True

    def __init__(self, classes: int, settings: AsnSettings, *, pretrained: bool) -> None:
        super().__init__(classes, settings, pretrained=pretrained)
        self.augmentation = PathAugmentation(settings.channels)
        self.to(memory_format=torch.channels_last)

    def pool(self, side: int) -> nn.Module:
        """Each RoI from all levels."""
        return AdaptivePool(side)

    def features(self, images: ImageList) -> Features:
        """The pyramid, augmented; proposals come from it too."""
        levels: Features = self.augmentation(super().features(images))
        return levels


def _as_levels(pooled: Tensor | list[Tensor]) -> Pooled:
    return [pooled] if isinstance(pooled, Tensor) else pooled
