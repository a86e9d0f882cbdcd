"""A visible box with its surroundings, and where the whole one ends, in numpy alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Float64

from amodal.features.lattice import XYXY, Lattice, as_xyxy, interpolation_weights

SURROUNDINGS = 0.8
"""Photo beyond each side of the box that is looked at, in longer sides of it; the lattice's padding comes on top."""

DISTANCES = (0.015, 0.03, 0.05, 0.075, 0.11, 0.15, 0.2, 0.26, 0.34, 0.44, 0.56, 0.7, 0.88, 1.1, 1.4, 1.8, 2.4)
"""How far a side may lie further out, in longer sides of the visible box; below the first it stays."""

OFFSETS = (-0.4, -0.2, -0.1, -0.03, 0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)
"""Where a side's profile is read, in longer sides outwards from it."""

HINTS = 8
"""Inside the picture; own box; other boxes; those that reach lower; how far from left, top, right and bottom side."""


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


def seen_around(
    lattice: Lattice, inside: Float32[np.ndarray, "rows cols"], n: int, boxes: Float[np.ndarray, "n 4"]
) -> dict[str, Float32[np.ndarray, ...]]:
    """What the network takes of box n beside features and label, by the names of `Around`.

    `inside`: the share of each cell inside the picture.
    """
    box = as_xyxy(boxes[n])
    sides = np.array([box[2] - box[0], box[3] - box[1]])
    outwards = sides.max() * np.array(OFFSETS)
    rows, cols = lattice.shape.padded
    across = [_reading(lattice, box[0] - outwards, 0, cols), _reading(lattice, box[2] + outwards, 0, cols)]
    down = [_reading(lattice, box[1] - outwards, 1, rows), _reading(lattice, box[3] + outwards, 1, rows)]
    taken = _share(lattice, box)
    return {
        "hints": np.stack([inside, *hints_around(lattice, n, boxes)]),
        "rows": taken.sum(1) / taken.sum(),
        "cols": taken.sum(0) / taken.sum(),
        "down": np.stack(down),
        "across": np.stack(across),
        "sizes": np.log(sides / sides.max()).astype(np.float32),
    }


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
