"""Hints in numpy alone: where an object's lattice lies, what the maps and boxes of the others say there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Float32

from amodal.features.lattice import PAD, Lattice, Shape, interpolation_weights

CHANNELS = 9
"""Own maps F, O, C; others' claims and boxes; inside the picture; inside the box; x and y."""
OWN, OTHERS = slice(0, 3), slice(3, 5)
OTHER_BOXES, INSIDE = 4, 5


def hints_from(
    lattices: Sequence[Lattice],
    maps: Sequence[Float32[np.ndarray, "3 rows cols"]],
    inside: Sequence[Float32[np.ndarray, "rows cols"]],
) -> list[Float32[np.ndarray, "channels rows cols"]]:
    """All hints of all objects of one photo, on the cells of their padded lattices.

    `maps`: each object's own posteriors of F, O and C. `inside`: the share of each cell inside the picture.
    """
    hints = []
    for n, lattice in enumerate(lattices):
        hint = np.zeros((CHANNELS, *lattice.shape.padded), np.float32)
        hint[OWN] = maps[n]
        hint[OTHERS] = _others(n, lattices, maps)
        hint[INSIDE] = inside[n]
        hint[INSIDE + 1 :] = _place(lattice.shape)
        hints.append(hint)
    return hints


def _others(
    n: int, lattices: Sequence[Lattice], maps: Sequence[Float32[np.ndarray, "3 rows cols"]]
) -> Float32[np.ndarray, "2 rows cols"]:
    """On n's cells: the strongest claim of any other object, and whether any other box is there."""
    own = lattices[n]
    strongest = np.zeros((2, *own.shape.padded), np.float32)
    for m, other in enumerate(lattices):
        if m != n and _meet(own, other):
            down, across = carry(other, own)
            inside = np.stack([maps[m][0] * _box_mask(other.shape), _box_mask(other.shape)])
            np.maximum(strongest, down @ inside @ across, out=strongest)
    return strongest


def carry(source: Lattice, target: Lattice) -> tuple[Float32[np.ndarray, "rows2 rows"], Float32[np.ndarray, "c c2"]]:
    """Weights that carry a map from the cells of one lattice to those of another, zero beyond the first's padding."""
    rows, cols = target.shape.padded
    centres = target.cell_to_photo(np.stack([np.arange(max(rows, cols)) + 0.5] * 2, axis=1))
    places = source.photo_to_cell(centres)
    source_rows, source_cols = source.shape.padded
    down = _weights(places[:rows, 1], source_rows)
    across = _weights(places[:cols, 0], source_cols)
    return down, np.ascontiguousarray(across.T)


def _weights(places: np.ndarray, cells: int) -> Float32[np.ndarray, "n cells"]:
    within = (places >= 0) & (places <= cells)
    weights: np.ndarray = interpolation_weights(places, cells) * within[:, None]
    return weights


def _meet(a: Lattice, b: Lattice) -> bool:
    """b's box reaches into a's padded lattice."""
    ax0, ay0, ax1, ay1 = a.padded_box
    bx0, by0, bx1, by1 = b.box
    return ax0 < bx1 and bx0 < ax1 and ay0 < by1 and by0 < ay1


@cache
def _box_mask(shape: Shape) -> Float32[np.ndarray, "rows cols"]:
    """1 inside the box, 0 in the padding."""
    mask = np.zeros(shape.padded, np.float32)
    mask[PAD:-PAD, PAD:-PAD] = 1
    return mask


@cache
def _place(shape: Shape) -> Float32[np.ndarray, "3 rows cols"]:
    """Inside the box or not; x and y, -1 to 1 from side to side of the box."""
    rows, cols = shape.padded
    y = (np.arange(rows) + 0.5 - PAD) / shape.rows * 2 - 1
    x = (np.arange(cols) + 0.5 - PAD) / shape.cols * 2 - 1
    return np.stack([_box_mask(shape), *np.meshgrid(x, y)]).astype(np.float32)
