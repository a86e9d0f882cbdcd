"""What the student is told of an object beside features: its compositional maps, the other boxes, where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from amodal.compnet.model import CompNet
from amodal.features.lattice import PAD, Lattice, Shape, interpolation_weights
from amodal.methods.looking import Seen, cell_posteriors
from amodal.student.config import Inputs

CHANNELS = 9
"""Own maps F, O, C; others' claims and boxes; inside the picture; inside the box; x and y."""
_OWN, _OTHERS = slice(0, 3), slice(3, 5)
OTHER_BOXES, INSIDE = 4, 5


@torch.inference_mode()
def hints_of(model: CompNet, seen: Sequence[Seen]) -> list[Float32[Tensor, "channels rows cols"]]:
    """All hints of all objects of one photo, on the cells of their padded lattices."""
    maps = [cell_posteriors(model, item) for item in seen]
    hints = []
    for n, item in enumerate(seen):
        hint = np.zeros((CHANNELS, *item.lattice.shape.padded), np.float32)
        hint[_OWN] = maps[n]
        hint[_OTHERS] = _others(n, seen, maps)
        hint[INSIDE] = item.inside.view(item.lattice.shape.padded).numpy()
        hint[INSIDE + 1 :] = _place(item.lattice.shape)
        hints.append(torch.from_numpy(hint))
    return hints


def told(hints: Float32[Tensor, "n channels rows cols"], inputs: Inputs) -> Float32[Tensor, "n channels rows cols"]:
    """The hints with zeros in place of those that are not to be given."""
    hints = hints.clone()
    if not inputs.maps:
        hints[:, _OWN] = 0
    if not inputs.others:
        hints[:, _OTHERS] = 0
    return hints


def _others(
    n: int, seen: Sequence[Seen], maps: Sequence[Float32[np.ndarray, "3 rows cols"]]
) -> Float32[np.ndarray, "2 rows cols"]:
    """On n's cells: the strongest claim of any other object, and whether any other box is there."""
    own = seen[n].lattice
    strongest = np.zeros((2, *own.shape.padded), np.float32)
    for m, item in enumerate(seen):
        if m != n and _meet(own, item.lattice):
            down, across = carry(item.lattice, own)
            inside = np.stack([maps[m][0] * _box_mask(item.lattice.shape), _box_mask(item.lattice.shape)])
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
