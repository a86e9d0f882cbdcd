"""PANet (Liu et al. 2018): Mask R-CNN with a way back up the pyramid, RoIs from all levels, and a global mask view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList

from amodal.networks.maskrcnn import MaskRcnn
from amodal.networks.parts.adaptive import AdaptivePool, FirstLayers
from amodal.networks.parts.augmentation import PathAugmentation
from amodal.networks.parts.boxes import POOLED as BOX_GRID
from amodal.networks.parts.boxes import BoxPredictor
from amodal.networks.parts.branches import MaskBranch, Pooled
from amodal.networks.parts.masks import POOLED as MASK_GRID
from amodal.networks.parts.settings import TwoStage
from amodal.networks.parts.trunk import STRIDES, Features


class PaNet(MaskRcnn):
    """Path augmentation, adaptive feature pooling and fully connected fusion, with amodal and inmodal mask branches."""

    def __init__(self, classes: int, settings: TwoStage, *, pretrained: bool) -> None:
        super().__init__(classes, settings, pretrained=pretrained)
        self.augmentation = PathAugmentation(settings.channels)
        self.mask_pool = AdaptivePool(MASK_GRID)
        self.mask_heads = nn.ModuleDict(
            {kind: MaskBranch(settings.channels, classes, len(STRIDES), fused=True) for kind in settings.masks}
        )
        self.to(memory_format=torch.channels_last)

    def box_branch(self) -> tuple[nn.Module, nn.Module]:
        """Pooling from all levels, and a head with a first layer for each."""
        head = AdaptiveBoxHead(self.settings.channels, self.classes, self.settings.box_features, len(STRIDES))
        return AdaptivePool(BOX_GRID), head

    def features(self, images: ImageList) -> Features:
        """The pyramid, augmented; proposals come from it too."""
        levels: Features = self.augmentation(super().features(images))
        return levels


class AdaptiveBoxHead(nn.Module):
    """Mask R-CNN's two fully connected layers, the first of them one for each level."""

    def __init__(self, channels: int, classes: int, features: int, levels: int) -> None:
        super().__init__()
        self.first = FirstLayers([nn.Linear(channels * BOX_GRID**2, features) for _ in range(levels)])
        self.second = nn.Linear(features, features)
        self.predictor = BoxPredictor(features, classes)

    def forward(self, pooled: Pooled) -> tuple[Float[Tensor, "k classes"], Float[Tensor, "k shifts"]]:
        """Class logits, and four shifts for every class."""
        flat: Sequence[Tensor] = [own.flatten(1) for own in pooled]
        hidden = functional.relu(self.first(flat))
        found: tuple[Tensor, Tensor] = self.predictor(functional.relu(self.second(hidden)))
        return found
