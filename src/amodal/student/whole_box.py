"""From the visible box of an object to its whole one: how far each side lies further out, if it does.

A small head looks at frozen features of a crop with generous surroundings, one more backbone pass per object. For each
side it says with which probability the whole object reaches further than a number of distances; the side is moved to
the median. A side that is as likely to stay as not stays where it was given, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.model import CompNet
from amodal.features.crops import extract_features
from amodal.features.lattice import XYXY, Lattice, Shape, as_xyxy
from amodal.student.network import Merge, Residual, dilations
from amodal.student.task import label_number

SURROUNDINGS = 0.8
"""Photo beyond each side of the box that is looked at, in longer sides of it; the lattice's padding comes on top."""

DISTANCES = (0.015, 0.03, 0.05, 0.075, 0.11, 0.15, 0.2, 0.26, 0.34, 0.44, 0.56, 0.7, 0.88, 1.1, 1.4, 1.8, 2.4)
"""How far a side may lie further out, in longer sides of the visible box; below the first it stays."""

HINTS = 8
"""Inside the picture; own box; other boxes; those that reach lower; how far from left, top, right and bottom side."""
_SIZES = 2
_GRID = 8


@dataclass(frozen=True)
class BoxShape:
    """All that the weights' shapes depend on: channels of the backbone, labels with the class-agnostic one, widths."""

    channels: int
    labels: int
    width: int = 64
    blocks: int = 3
    hidden: int = 128


class BoxNetwork(nn.Module):
    """Features, hints and labels of n objects of one lattice shape to logits: does side s lie further out than d?"""

    def __init__(self, shape: BoxShape) -> None:
        super().__init__()
        self.label = nn.Embedding(shape.labels, shape.width)
        self.stem = Merge(shape.channels + HINTS, shape.width)
        self.blocks = nn.Sequential(*(Residual(shape.width, dilation) for dilation in dilations(shape.blocks)))
        self.narrow = nn.Conv2d(shape.width, shape.width // 2, 1)
        self.hidden = nn.Linear(shape.width // 2 * _GRID**2 + _SIZES, shape.hidden)
        self.head = nn.Linear(shape.hidden, 4 * len(DISTANCES))

    def forward(
        self,
        features: Float[Tensor, "n channels rows cols"],
        hints: Float[Tensor, "n hints rows cols"],
        sizes: Float[Tensor, "n 2"],
        labels: Int[Tensor, " n"],
    ) -> Float[Tensor, "n 4 distances"]:
        """`sizes`: see `sizes_of`."""
        scale = features.shape[1] ** 0.5  # unit vectors: entries of about one
        x = self.stem(torch.cat([features * scale, hints], 1)) + self.label(labels)[:, :, None, None]
        x = functional.adaptive_avg_pool2d(functional.relu(self.narrow(self.blocks(x))), _GRID)
        x = functional.relu(self.hidden(torch.cat([x.flatten(1), sizes], 1)))
        logits: Tensor = self.head(x)
        return logits.float().view(len(logits), 4, len(DISTANCES))


@dataclass(frozen=True, eq=False)
class Around:
    """One object with its surroundings, as the network takes it."""

    shape: Shape
    features: Float32[Tensor, "channels rows cols"]
    hints: Float32[Tensor, "hints rows cols"]
    sizes: Float32[Tensor, " 2"]
    label: int


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
            Around(
                lattice.shape,
                item.features,
                torch.from_numpy(np.stack([item.inside.numpy(), *hints_around(lattice, n, visible[p])])),
                torch.from_numpy(sizes_of(as_xyxy(visible[p][n]))),
                label_number(model, labels[p][n] or ""),
            )
            for n, lattice, item in zip(rows[p], lattices[p], features[p], strict=True)
        ]
        for p in range(len(photos))
    ]


def lattice_around(box: XYXY) -> Lattice:
    """The cells over a box and its surroundings."""
    x0, y0, x1, y1 = box
    margin = SURROUNDINGS * max(x1 - x0, y1 - y0)
    return Lattice.of_box((x0 - margin, y0 - margin, x1 + margin, y1 + margin))


def hints_around(lattice: Lattice, n: int, boxes: Float[np.ndarray, "n 4"]) -> Float32[np.ndarray, "hints rows cols"]:
    """Box n, other boxes and those of them that reach lower, as shares of cells; and the way from n's four sides."""
    own = as_xyxy(boxes[n])
    others = [as_xyxy(box) for m, box in enumerate(boxes) if m != n]
    rows, cols = lattice.shape.padded
    x = lattice.cell_to_photo(np.stack([np.arange(cols) + 0.5] * 2, 1))[:, 0]
    y = lattice.cell_to_photo(np.stack([np.arange(rows) + 0.5] * 2, 1))[:, 1]
    longer = max(own[2] - own[0], own[3] - own[1])
    nothing = np.zeros((rows, cols))
    hints = [
        _share(lattice, own),
        np.max([nothing, *(_share(lattice, box) for box in others)], 0),
        np.max([nothing, *(_share(lattice, box) for box in others if box[3] > own[3])], 0),
        *((way + nothing) / longer for way in (x - own[0], (y - own[1])[:, None], x - own[2], (y - own[3])[:, None])),
    ]
    return np.stack(hints).astype(np.float32)


def sizes_of(box: XYXY) -> Float32[np.ndarray, " 2"]:
    """Width and height as shares of the longer side, logs: what the lattice's few shapes do not tell."""
    sides = np.array([box[2] - box[0], box[3] - box[1]])
    return np.log(sides / sides.max()).astype(np.float32)


def batch_of(items: Sequence[Around]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Objects of one lattice shape, as the network takes them."""
    # Copies, out of the backbone's inference mode.
    features = torch.stack([item.features for item in items]).float().clone(memory_format=torch.channels_last)
    hints = torch.stack([item.hints for item in items]).clone(memory_format=torch.channels_last)
    sizes = torch.stack([item.sizes for item in items])
    return features, hints, sizes, torch.tensor([item.label for item in items])


def box_shape(model: CompNet, **settings: Any) -> BoxShape:
    """The shape of a network for this model."""
    return BoxShape(model.backbone.channels, len(model.labels) + 1, **settings)


def medians(further: Float32[np.ndarray, "*n distances"]) -> Float64[np.ndarray, " *n"]:
    """The distance that is passed with probability one half; 0 where the first is not passed.

    `further`: the probability that each of `DISTANCES` is passed; linear between them.
    """
    falling = np.minimum.accumulate(further.astype(np.float64), axis=-1)
    falling = np.concatenate([falling, np.zeros_like(falling[..., :1])], -1)
    last = np.maximum((falling >= 0.5).sum(-1) - 1, 0)
    places = np.array([*DISTANCES, DISTANCES[-1]])
    here, next_ = (np.take_along_axis(falling, (last + k)[..., None], -1)[..., 0] for k in (0, 1))
    share = (here - 0.5) / np.maximum(here - next_, 1e-12)
    between: np.ndarray = places[last] + share * (places[last + 1] - places[last])
    moved: np.ndarray = np.where(falling[..., 0] >= 0.5, between, 0.0)
    return moved


def moved_out(
    box: XYXY, distances: Float64[np.ndarray, " 4"], photo_size: tuple[int, int]
) -> Float64[np.ndarray, " 4"]:
    """Every side moved outwards by so many longer sides, but not past the frame (height, width)."""
    height, width = photo_size
    longer = max(box[2] - box[0], box[3] - box[1])
    given = np.array(box, np.float64)
    outwards = given + np.array([-1, -1, 1, 1]) * longer * distances
    within = np.clip(outwards, 0, [width, height, width, height])
    # A given side beyond the frame stays where it is.
    return np.concatenate([np.minimum(given[:2], within[:2]), np.maximum(given[2:], within[2:])])


def _share(lattice: Lattice, box: XYXY) -> Float32[np.ndarray, "rows cols"]:
    """Which share of every cell the box takes."""
    rows, cols = lattice.shape.padded
    left, top, right, bottom = lattice.padded_box
    sides = []
    for low, high, edges in (
        (box[1], box[3], np.linspace(top, bottom, rows + 1)),
        (box[0], box[2], np.linspace(left, right, cols + 1)),
    ):
        common = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
        sides.append((common.clip(0) / np.diff(edges)).astype(np.float32))
    share: np.ndarray = np.outer(sides[0], sides[1])
    return share
