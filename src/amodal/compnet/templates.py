"""Templates: what a mixture component of a class expects at each cell, and resampling between lattices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from amodal.features.lattice import PAD, Shape, interpolation_weights

PRIOR_MARGIN = 1e-4
"""Priors are kept in [margin, 1 − margin]: no cell is ever certain."""


@dataclass(frozen=True)
class Templates:
    """The M mixture components of one class on one lattice (Eq 2–5).

    `foreground` α and `context` χ: [mixtures, kernels, rows, cols], on the simplex over kernels;
    `prior` p(i | m, y): [mixtures, rows, cols].
    """

    shape: Shape
    foreground: Tensor
    context: Tensor
    prior: Tensor

    def on(self, shape: Shape) -> Templates:
        """The same templates on the lattice of another shape, the box's edges kept in place."""
        if shape == self.shape:
            return self
        return Templates(
            shape,
            resample(self.foreground, self.shape, shape),
            resample(self.context, self.shape, shape),
            resample(self.prior, self.shape, shape),
        )


def resample(
    cells: Float[Tensor, "... rows cols"], source: Shape, target: Shape
) -> Float[Tensor, "... new_rows new_cols"]:
    """Carries a map from one padded lattice to another, box edge on box edge; linear between cells."""
    if source == target:
        return cells
    down = _weights(source.rows, target.rows)
    across = _weights(source.cols, target.cols)
    return down @ cells @ across.T


def blur(cells: Float[Tensor, "... rows cols"], sigma_cells: float) -> Float[Tensor, "... rows cols"]:
    """Gaussian smoothing over neighbouring cells; the edge cells are continued outwards."""
    if sigma_cells <= 0:
        return cells
    radius = math.ceil(3 * sigma_cells)
    steps = torch.arange(-radius, radius + 1, dtype=cells.dtype)
    weights = torch.exp(-(steps**2) / (2 * sigma_cells**2))
    weights = weights / weights.sum()
    flat = cells.reshape(-1, 1, *cells.shape[-2:])
    flat = functional.pad(flat, (radius, radius, radius, radius), mode="replicate")
    flat = functional.conv2d(flat, weights.view(1, 1, 1, -1))
    return functional.conv2d(flat, weights.view(1, 1, -1, 1)).reshape(cells.shape)


def _weights(source: int, target: int) -> Tensor:
    """[target + 2·PAD, source + 2·PAD]: box cells stretch, and so do their surroundings with them."""
    centres = (np.arange(target + 2 * PAD) + 0.5 - PAD) / target * source + PAD
    return torch.from_numpy(interpolation_weights(centres, source + 2 * PAD))
