"""Multi-Level Coding [S2 §4.2]: what box and occlusion branch see of a whole RoI, merged into a mask branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from amodal.networks.parts.layers import convolution, deconvolution

Join = Literal["concat", "add"]
Place = Literal["first", "last"]


@dataclass(frozen=True)
class CodingParts:
    """The four parts of Table 7, each as published or modified.

    Attributes:
        global_join: (part 1) how features of box and occlusion branch meet.
        extraction_plain, extraction_special: (part 2) how many convolutions stand beside the deconvolution, and whether
            that is the first or the last layer.
        mask_join: (part 3) how what was extracted meets the mask branch's features.
        combination_plain, combination_special: (part 4) how many convolutions stand beside the one that halves the
            channels, and where that stands.
    """

    global_join: Join = "concat"
    extraction_plain: int = 2
    extraction_special: Place = "first"
    mask_join: Join = "concat"
    combination_plain: int = 2
    combination_special: Place = "last"


class MultiLevelCoding(nn.Module):
    """Extraction, from 7×7 cells to 14×14, and combination; a ReLU after every layer. One for each mask branch."""

    def __init__(self, channels: int, parts: CodingParts) -> None:
        super().__init__()
        self.parts = parts
        given = 2 * channels if parts.global_join == "concat" else channels
        up = deconvolution(given, channels, 3)
        self.extraction = _layers(up, given, channels, parts.extraction_plain, parts.extraction_special)
        given = 2 * channels if parts.mask_join == "concat" else channels
        halving = convolution(given, channels)
        self.combination = _layers(halving, given, channels, parts.combination_plain, parts.combination_special)

    def extract(
        self, box: Float[Tensor, "rois channels 7 7"], occlusion: Float[Tensor, "rois channels 7 7"]
    ) -> Float[Tensor, "rois channels 14 14"]:
        """What the two branches know of the RoI, at the mask branch's resolution."""
        known: Tensor = self.extraction(_joined(box, occlusion, self.parts.global_join))
        return known

    def combine(
        self, known: Float[Tensor, "rois channels 14 14"], features: Float[Tensor, "rois channels 14 14"]
    ) -> Float[Tensor, "rois channels 14 14"]:
        """The mask branch's features with what was extracted, to go on with in their place."""
        merged: Tensor = self.combination(_joined(known, features, self.parts.mask_join))
        return merged


def _layers(special: nn.Module, given: int, wanted: int, plain: int, place: Place) -> nn.Sequential:
    """The special layer takes `given` channels to `wanted`; the plain ones keep what they are given."""
    width = wanted if place == "first" else given
    convolutions: list[nn.Module] = [convolution(width, width) for _ in range(plain)]
    layers: Sequence[nn.Module] = [special, *convolutions] if place == "first" else [*convolutions, special]
    return nn.Sequential(*chain.from_iterable((layer, nn.ReLU()) for layer in layers))


def _joined(first: Tensor, second: Tensor, join: Join) -> Tensor:
    return first + second if join == "add" else torch.cat([first, second], 1)
