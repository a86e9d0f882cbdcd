"""Settings of the two-stage networks: small ones for small machines, and the published ones; part of the model file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from amodal.errors import InputError
from amodal.features.backbone import DEFAULT_BACKBONE

MaskKind = Literal["amodal", "inmodal"]
KINDS: tuple[MaskKind, ...] = ("amodal", "inmodal")


@dataclass(frozen=True)
class TwoStage:
    """Mask R-CNN and what is built on it. The defaults are for a laptop; `published` gives the papers' sizes."""

    backbone: str = DEFAULT_BACKBONE
    """A timm name whose stages have strides 4, 8, 16 and 32."""
    frozen_stages: int = 2
    """Stages of the backbone that are not trained, the stem with them; normalisation never is."""
    channels: int = 64
    """Of the pyramid and of the convolutions in the heads."""
    pyramid_norm: bool = True
    """Group normalisation in the pyramid: features of EfficientNet-Lite0 are large enough to saturate fresh heads."""
    shortest_px: int = 256
    """Pictures are scaled so that the shorter side is this, unless the longer one would exceed `longest_px`."""
    longest_px: int = 384
    anchors: tuple[tuple[int, ...], ...] = ((), (24, 38), (60, 96), (150, 250), ())
    """Sizes of anchors at strides 4, 8, 16, 32 and 64; levels without any propose nothing."""
    ratios: tuple[float, ...] = (0.45, 1.0, 2.6)
    """Height / width of anchors."""
    proposals_kept: tuple[int, int] = (200, 150)
    """Proposals that leave the first stage, in training and at test; five times as many go into its suppression."""
    proposals: int = 64
    """RoIs sampled in a picture for the box branch."""
    foreground: int = 16
    """Of those at most this many on objects; these alone go to the mask branches."""
    box_features: int = 256
    """Of the fully connected layers of the box branch."""
    masks: tuple[MaskKind, ...] = KINDS
    """Mask branches; a kind without one repeats the other (Table 5)."""
    least_score: float = 0.05
    """Detections below are dropped."""
    overlap: float = 0.5
    """Of two detections of a class that overlap by more (IoU), the better one stays."""
    most_found: int = 100
    """Detections in a picture at most."""

    def __post_init__(self) -> None:
        """Refuse what cannot be before anything is built."""
        sizes = ("channels", "shortest_px", "longest_px", "proposals", "foreground", "box_features", "most_found")
        for name in sizes:
            if not 1 <= getattr(self, name) <= 8192:
                raise InputError("settings", name, f"is {getattr(self, name)}", "expected 1 to 8192")
        if self.channels % 8:
            raise InputError("settings", "channels", f"is {self.channels}", "expected a multiple of 8")
        if self.foreground > self.proposals:
            expected = f"expected at most the {self.proposals} proposals"
            raise InputError("settings", "foreground", f"is {self.foreground}", expected)
        if not self.masks or not set(self.masks) <= set(KINDS) or len(set(self.masks)) < len(self.masks):
            raise InputError("settings", "masks", f"is {self.masks}", "expected amodal, inmodal or both")
        if len(self.anchors) != 5 or not any(self.anchors):
            raise InputError("settings", "anchors", f"has {len(self.anchors)} levels", "expected 5, some not empty")
        if len({len(sizes) for sizes in self.anchors if sizes}) > 1:  # one head serves all levels
            raise InputError(
                "settings", "anchors", f"is {self.anchors}", "expected as many sizes on each level, or none"
            )
        for name, values in (("ratios", self.ratios), ("proposals_kept", self.proposals_kept)):
            if not values or min(values) <= 0:
                raise InputError("settings", name, f"is {values}", "expected positive numbers")


PUBLISHED = {
    "backbone": "resnet50",
    "frozen_stages": 1,
    "channels": 256,
    "pyramid_norm": False,
    "shortest_px": 800,
    "longest_px": 1333,
    "anchors": ((32,), (64,), (128,), (256,), (512,)),
    "ratios": (0.5, 1.0, 2.0),
    "proposals_kept": (2000, 1000),
    "proposals": 512,
    "foreground": 128,
    "box_features": 1024,
}
"""Sizes of Mask R-CNN on ResNet-50-FPN; 512 proposals of which 128 on objects as for KINS [S2 §5]."""


def published(settings: TwoStage) -> TwoStage:
    """The same network at the published size."""
    return replace(settings, **PUBLISHED)  # type: ignore[arg-type]
