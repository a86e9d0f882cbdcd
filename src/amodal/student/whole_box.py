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
from jaxtyping import Float, Float32, Float64, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.model import CompNet
from amodal.features.crops import ObjectFeatures, extract_features
from amodal.features.lattice import XYXY, Lattice, as_xyxy, interpolation_weights
from amodal.student.network import Merge, Residual, dilations
from amodal.student.task import label_number

SURROUNDINGS = 0.8
"""Photo beyond each side of the box that is looked at, in longer sides of it; the lattice's padding comes on top."""

DISTANCES = (0.015, 0.03, 0.05, 0.075, 0.11, 0.15, 0.2, 0.26, 0.34, 0.44, 0.56, 0.7, 0.88, 1.1, 1.4, 1.8, 2.4)
"""How far a side may lie further out, in longer sides of the visible box; below the first it stays."""

OFFSETS = (-0.4, -0.2, -0.1, -0.03, 0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)
"""Where a side's profile is read, in longer sides outwards from it."""

HINTS = 8
"""Inside the picture; own box; other boxes; those that reach lower; how far from left, top, right and bottom side."""


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


def _judge(given: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(given, hidden), nn.ReLU(), nn.Linear(hidden, len(DISTANCES)))


def _around(item: ObjectFeatures, n: int, boxes: Float[np.ndarray, "n 4"], label: int) -> Around:
    lattice = item.lattice
    box = as_xyxy(boxes[n])
    hints = np.stack([item.inside.numpy(), *hints_around(lattice, n, boxes)])
    sides = np.array([box[2] - box[0], box[3] - box[1]])
    outwards = sides.max() * np.array(OFFSETS)
    rows, cols = lattice.shape.padded
    across = [_reading(lattice, box[0] - outwards, 0, cols), _reading(lattice, box[2] + outwards, 0, cols)]
    down = [_reading(lattice, box[1] - outwards, 1, rows), _reading(lattice, box[3] + outwards, 1, rows)]
    taken = _share(lattice, box)
    return Around(
        features=item.features.float().clone()[None],  # a copy, out of the backbone's inference mode
        hints=torch.from_numpy(hints)[None],
        rows=torch.from_numpy(taken.sum(1) / taken.sum())[None],
        cols=torch.from_numpy(taken.sum(0) / taken.sum())[None],
        down=torch.from_numpy(np.stack(down))[None],
        across=torch.from_numpy(np.stack(across))[None],
        sizes=torch.from_numpy(np.log(sides / sides.max()).astype(np.float32))[None],
        labels=torch.tensor([label]),
    )


def _reading(
    lattice: Lattice, places: Float64[np.ndarray, " k"], axis: int, cells: int
) -> Float32[np.ndarray, "k cells"]:
    """Weights that read a map's values at these x (axis 0) or y (axis 1) of the photo."""
    points = lattice.photo_to_cell(np.stack([places, places], 1))[:, axis]
    return interpolation_weights(points, cells)


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
