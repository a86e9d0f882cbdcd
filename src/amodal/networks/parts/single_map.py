"""The trunk of MNC and FCIS: proposals as in the other networks, and one feature map that RoIs are read from."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.proposals import proposal_losses, proposal_network, propose, proposing
from amodal.networks.parts.settings import TwoStage
from amodal.networks.parts.trunk import LEVELS, STRIDES, Backbone, Features, Pyramid


class SingleMap(nn.Module):
    """A pyramid of which only the level of `stride` goes to the second stage.

    Published are a stride-16 map (VGG's, or a ResNet's last stage, dilated) and proposals from it. A level of the
    pyramid has seen the last stage as well and needs no change to the backbone; and with the pyramid's proposals
    networks differ in what they make of a RoI alone. Levels finer than any that is used are not built.
    """

    def __init__(self, settings: TwoStage, stride: int, *, pretrained: bool) -> None:
        super().__init__()
        self.settings = settings
        self.level = LEVELS[STRIDES.index(stride)]
        with_anchors = [number for number, sizes in enumerate(settings.anchors) if sizes]
        self.first = min(STRIDES.index(stride), *with_anchors)
        self.backbone = Backbone(settings.backbone, settings.frozen_stages, pretrained=pretrained)
        self.pyramid = Pyramid(self.backbone.channels[self.first :], settings.channels, norm=settings.pyramid_norm)
        self.rpn = proposal_network(settings, settings.channels)

    def forward(self, images: ImageList) -> Features:
        """Levels by their names of the whole pyramid."""
        levels = self.pyramid(self.backbone(images.tensors)[self.first :])
        return Features(zip(LEVELS[self.first :], levels.values(), strict=True))

    def map(self, levels: Features) -> Float[Tensor, "n c h w"]:
        """The one that RoIs are read from."""
        return levels[self.level]

    def proposal_losses(
        self, levels: Features, images: ImageList, targets: Sequence[Targets]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals [k, 4] of every picture, and their losses."""
        return proposal_losses(self.rpn, proposing(levels, self.settings), images, targets)

    def propose(self, levels: Features, images: ImageList) -> list[Tensor]:
        """Proposals [k, 4] of every picture, best first."""
        return propose(self.rpn, proposing(levels, self.settings), images)
