"""From the visible box of an object to its whole one: how far each side lies further out, if it does.

A small head looks at frozen features of a crop with generous surroundings, one more backbone pass per object. For each
side it says with which probability the whole object reaches further than a number of distances; the side is moved to
the median. A side that is as likely to stay as not stays where it was given, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.model import CompNet
from amodal.features.crops import ObjectFeatures, extract_features
from amodal.features.lattice import as_xyxy
from amodal.student.around import DISTANCES, HINTS, OFFSETS, lattice_around, seen_around
from amodal.student.network import Merge, Residual, dilations
from amodal.student.task import label_number


@dataclass(frozen=True)
class BoxShape:
    """All that the weights' shapes depend on: channels of the backbone, labels with the class-agnostic one, widths."""

    channels: int
    labels: int
    width: int = 64
    blocks: int = 3
    narrow: int = 32
    hidden: int = 96


@dataclass(frozen=True, eq=False)
class Around:
    """n objects of one lattice shape with their surroundings, as the network takes them.

    Attributes:
        features: what the backbone gave.
        hints: see `HINTS`.
        rows, cols: weights of the rows and columns that the visible box takes; each sums to 1.
        down, across: weights that read a profile at `OFFSETS` from the upper and lower, left and right side.
        sizes: width and height as shares of the longer side, logs: what the lattice's few shapes do not tell.
        labels: numbers of the classes, 0 for any.
    """

    features: Float32[Tensor, "n channels rows cols"]
    hints: Float32[Tensor, "n hints rows cols"]
    rows: Float32[Tensor, "n rows"]
    cols: Float32[Tensor, "n cols"]
    down: Float32[Tensor, "n 2 offsets rows"]
    across: Float32[Tensor, "n 2 offsets cols"]
    sizes: Float32[Tensor, "n 2"]
    labels: Int[Tensor, " n"]


class BoxNetwork(nn.Module):
    """n objects of one lattice shape to logits: does side s of the whole box lie further out than d?

    Each side has a profile: what is seen at a number of distances from it, averaged along the side. Left and right are
    judged by the same weights.
    """

    def __init__(self, shape: BoxShape) -> None:
        super().__init__()
        self.label = nn.Embedding(shape.labels, shape.width)
        self.stem = Merge(shape.channels + HINTS, shape.width)
        self.blocks = nn.Sequential(*(Residual(shape.width, dilation) for dilation in dilations(shape.blocks)))
        self.narrow = nn.Conv2d(shape.width, shape.narrow, 1)
        given = (len(OFFSETS) + 2) * shape.narrow + 2
        self.upper, self.lower, self.lateral = (_judge(given, shape.hidden) for _ in range(3))

    def forward(self, objects: Around) -> Float[Tensor, "n 4 distances"]:
        """Sides in the sequence left, top, right, bottom."""
        scale = objects.features.shape[1] ** 0.5  # unit vectors: entries of about one
        x = self.stem(torch.cat([objects.features * scale, objects.hints], 1))
        x = self.blocks(x + self.label(objects.labels)[:, :, None, None])
        x = functional.relu(self.narrow(x)).float()
        by_row = torch.einsum("nchw,nw->nch", x, objects.cols)
        by_col = torch.einsum("nchw,nh->ncw", x, objects.rows)
        above, below = torch.einsum("nch,nskh->snkc", by_row, objects.down)
        left, right = torch.einsum("ncw,nskw->snkc", by_col, objects.across)
        inside = torch.einsum("nch,nh->nc", by_row, objects.rows)
        common = torch.cat([inside, x.mean((2, 3)), objects.sizes], 1)
        judged = ((self.lateral, left), (self.upper, above), (self.lateral, right), (self.lower, below))
        logits = [judge(torch.cat([profile.flatten(1), common], 1)) for judge, profile in judged]
        return torch.stack(logits, 1).float()


def look_around(
    model: CompNet,
    photos: Sequence[UInt8[np.ndarray, "h w 3"]],
    visible: Sequence[Float[np.ndarray, "n 4"]],
    labels: Sequence[Sequence[str | None]],
    wanted: Sequence[Sequence[bool]] | None = None,
) -> list[list[Around]]:
    """All objects of all photos (or those `wanted`) by their visible boxes; one backbone pass each."""
    rows = [[n for n in range(len(boxes)) if wanted is None or wanted[p][n]] for p, boxes in enumerate(visible)]
    lattices = [[lattice_around(as_xyxy(visible[p][n])) for n in own] for p, own in enumerate(rows)]
    features = extract_features(model.backbone, photos, lattices)
    return [
        [
            _around(item, n, visible[p], label_number(model, labels[p][n] or ""))
            for n, item in zip(rows[p], features[p], strict=True)
        ]
        for p in range(len(photos))
    ]


def joined(items: Sequence[Around]) -> Around:
    """Objects of one lattice shape together."""
    parts = {field.name: torch.cat([getattr(item, field.name) for item in items]) for field in fields(Around)}
    for name in ("features", "hints"):
        parts[name] = parts[name].contiguous(memory_format=torch.channels_last)
    return Around(**parts)


def box_shape(model: CompNet, **settings: Any) -> BoxShape:
    """The shape of a network for this model."""
    return BoxShape(model.backbone.channels, len(model.labels) + 1, **settings)


def _judge(given: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(given, hidden), nn.ReLU(), nn.Linear(hidden, len(DISTANCES)))


def _around(item: ObjectFeatures, n: int, boxes: Float[np.ndarray, "n 4"], label: int) -> Around:
    parts = seen_around(item.lattice, item.inside.numpy(), n, boxes)
    return Around(
        features=item.features.float().clone()[None],  # a copy, out of the backbone's inference mode
        labels=torch.tensor([label]),
        **{name: torch.from_numpy(part)[None] for name, part in parts.items()},
    )
