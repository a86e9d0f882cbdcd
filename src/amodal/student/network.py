"""The student's network: a dense head on one crop's features, from coarse to fine, giving F, O and C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from amodal.features.lattice import STRIDE
from amodal.student.config import WIDTHS
from amodal.student.surroundings import CHANNELS


@dataclass(frozen=True)
class NetworkShape:
    """All that the weights' shapes depend on.

    Attributes:
        channels: of the backbone at stride 16, and `finer` by stride.
        labels: number of classes, the class-agnostic one included.
        widths: of the head at strides 16, 8, 4, …: as many as there are give how fine its maps are.
        blocks: residual blocks at stride 16.
    """

    channels: int
    finer: Mapping[int, int]
    labels: int
    widths: Sequence[int] = WIDTHS
    blocks: int = 4

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the finer stages, in the sequence of the head."""
        return strides_of(self.widths)


def strides_of(widths: Sequence[int]) -> tuple[int, ...]:
    """Of the backbone's finer stages that a head of these widths looks at, in its sequence."""
    return tuple(STRIDE // 2**number for number in range(1, len(widths)))


class StudentNetwork(nn.Module):
    """Features, hints and labels of n objects of one lattice shape to logits of F, O and C."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        coarse = shape.widths[0]
        self.label = nn.Embedding(shape.labels, coarse)
        self.stem = Merge(shape.channels + CHANNELS, coarse)
        self.blocks = nn.Sequential(*(Residual(coarse, dilation) for dilation in dilations(shape.blocks)))
        given = zip(shape.widths, shape.strides, shape.widths[1:], strict=False)
        self.stages = nn.ModuleList(
            nn.Sequential(Merge(before + shape.finer.get(stride, 0), width), Residual(width, 1))
            for before, stride, width in given
        )
        self.head = nn.Conv2d(shape.widths[-1], 3, 1)

    def forward(
        self,
        features: Float[Tensor, "n channels rows cols"],
        finer: Sequence[Float[Tensor, "n more finer_rows finer_cols"]],
        hints: Float[Tensor, "n hints rows cols"],
        labels: Int[Tensor, " n"],
    ) -> Float[Tensor, "n 3 fine_rows fine_cols"]:
        """`finer`: features of finer stages, those that the backbone has; fine_rows is a multiple of rows.

        What is given may be more or less precise than the weights, which say how precise everything is.
        """
        scale = features.shape[1] ** 0.5  # unit vectors: entries of about one
        given = torch.cat([features * scale, hints], 1).to(self.head.weight.dtype)
        x = self.stem(given) + self.label(labels)[:, :, None, None]
        x = self.blocks(x)
        by_rows = {item.shape[-2]: item for item in finer}
        for stage in self.stages:
            x = stage(_with(_doubled(x), by_rows))
        logits: Tensor = self.head(x)
        return logits.float()


class Merge(nn.Sequential):
    """What is given, side by side, to `wanted` channels."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__(nn.Conv2d(given, wanted, 3, padding=1), nn.GroupNorm(8, wanted), nn.ReLU())


class Residual(nn.Module):
    """Two convolutions beside the way straight on; the first looks `dilation` positions far."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        y = functional.relu(self.norms[0](self.first(x)))
        return functional.relu(x + self.norms[1](self.second(y)))


def dilations(blocks: int) -> list[int]:
    """1, 2, 4, 1, 2, 4, …: a few blocks see the whole crop."""
    return [(1, 2, 4)[number % 3] for number in range(blocks)]


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _with(x: Tensor, by_rows: Mapping[int, Tensor]) -> Tensor:
    found = by_rows.get(x.shape[-2])
    return x if found is None else torch.cat([x, found.to(x.dtype)], 1)
