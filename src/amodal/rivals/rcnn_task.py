"""What training Mask R-CNN and BBTP has in common: network, pictures, what the model file says; each has its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
from torch import nn

from amodal.features.backbone import DEFAULT_BACKBONE
from amodal.rivals.pictures import Picture, PictureBatch, as_picture_batch, drawn
from amodal.rivals.rcnn import Rcnn, RcnnSize
from amodal.training.sources import CLASSES, Pictures


@dataclass(frozen=True)
class RcnnTask:
    """All of a `Task` but its name and loss. `supervision`: what the network learns from, in words."""

    supervision: ClassVar[str]

    pictures: Pictures
    classes: tuple[str, ...] = CLASSES
    size: RcnnSize = field(default_factory=RcnnSize)
    pretrained: bool = True

    def build(self) -> nn.Module:
        """The network; class 0 is the background."""
        return Rcnn(1 + len(self.classes), self.size, pretrained=self.pretrained)

    def draw(self, index: int, rng: np.random.Generator) -> Picture:
        """A picture with its targets."""
        return drawn(self.pictures, self.classes, self.size.longest_px, rng)

    def collate(self, samples: Sequence[Picture]) -> PictureBatch:
        """A batch of pictures."""
        return as_picture_batch(samples)

    def metadata(self) -> dict[str, Any]:
        """What the model file says."""
        return {
            "classes": list(self.classes),
            "backbone": DEFAULT_BACKBONE,
            "size": asdict(self.size),
            "supervision": self.supervision,
            "data": self.pictures.describe(),
            "licence": "trained on photos under the licences listed, some of them non-commercial",
        }
