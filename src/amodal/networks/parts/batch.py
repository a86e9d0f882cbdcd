"""What goes into a network of the family and what comes out: pictures with their targets, and found objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from amodal.networks.parts.settings import MaskKind

_MULTIPLE = 32  # of the deepest stage


@dataclass(frozen=True, eq=False)
class Targets:
    """What is known of one picture, in its own scaled pixels.

    Attributes:
        boxes: amodal, XYXY, cut at the frame.
        labels: 1 and up; 0 is the background.
        amodal, inmodal: masks of 0 and 1; where not `whole`, amodal repeats inmodal.
        whole: False where only the visible part is known: then nothing is learned of box, whole mask and occlusion.
        complete: False where objects may lack annotation: then nothing is called background.
        seed: of the RoIs that are sampled in this picture, so that they do not depend on its neighbours in the batch.
    """

    boxes: Float[Tensor, "n 4"]
    labels: Int64[Tensor, " n"]
    amodal: UInt8[Tensor, "n h w"]
    inmodal: UInt8[Tensor, "n h w"]
    whole: Bool[Tensor, " n"]
    complete: bool
    seed: int

    def generator(self) -> torch.Generator:
        """The picture's own chance."""
        return torch.Generator().manual_seed(self.seed)

    def occlusion(self) -> Float[Tensor, " n"]:
        """The hidden share of each object (science: level of occlusion), 0 to 1."""
        whole, seen = (mask.flatten(1).sum(1, dtype=torch.float32) for mask in (self.amodal, self.inmodal))
        return (1 - seen / whole.clamp(min=1)).clamp(0, 1)

    def masks(self, kind: MaskKind) -> UInt8[Tensor, "n h w"]:
        """The masks of one kind."""
        return self.amodal if kind == "amodal" else self.inmodal


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures in one tensor (RGB, 0 to 255, padded below and right), and their targets."""

    images: ImageList
    targets: tuple[Targets, ...]


@dataclass(frozen=True, eq=False)
class Found:
    """The objects of one picture, in its scaled pixels; best first where the network found them itself.

    Attributes:
        boxes: amodal, XYXY.
        labels: 1 and up.
        scores: 0 to 1.
        frames: the regions that the grids of the masks lie on.
        amodal, inmodal: probabilities.
        occluded: probability that something hides a part; None from networks that do not say.
    """

    boxes: Float[Tensor, "n 4"]
    labels: Int64[Tensor, " n"]
    scores: Float[Tensor, " n"]
    frames: Float[Tensor, "n 4"]
    amodal: Float[Tensor, "n side side"]
    inmodal: Float[Tensor, "n side side"]
    occluded: Float[Tensor, " n"] | None = None


@runtime_checkable
class AmodalNetwork(Protocol):
    """What every network of the family can do; each is an `nn.Module` made from (classes, settings, pretrained)."""

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The parts of the loss by name, each the mean over pictures of the picture's own."""

    def find(self, images: ImageList) -> list[Found]:
        """The objects of every picture, in boxes that the network proposes."""

    def look(self, images: ImageList, boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> list[Found]:
        """Masks for given boxes [n, 4], in their order; a label of 0 is chosen by the network."""


def as_images(pictures: Sequence[UInt8[Tensor, "3 h w"]]) -> ImageList:
    """Scaled pictures in one tensor, padded below and right to multiples of 32."""
    sizes = [(int(picture.shape[1]), int(picture.shape[2])) for picture in pictures]
    height, width = (-(-max(sides) // _MULTIPLE) * _MULTIPLE for sides in zip(*sizes, strict=True))
    batch = torch.full((len(pictures), 3, height, width), 127.0)
    for row, picture in zip(batch, pictures, strict=True):
        row[:, : picture.shape[1], : picture.shape[2]] = picture
    return ImageList(batch, sizes)
