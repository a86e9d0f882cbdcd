"""Teaching the templates with edges: the model's posteriors, refined on photos, become its foreground.

The first split is coarse and too large (a person's surroundings look like a person to features of a wide
receptive field). GrabCut on the training crops, started from the model's posterior, finds the outline;
templates and priors are then estimated anew. No mask label is read: whether a refined mask is believed is
asked of the box alone, which it must fill from side to side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from amodal.compnet.refine import Refinement, extent
from amodal.features.lattice import PAD

PIXELS_PER_CELL = 8
"""Resolution of the training crops on which masks are refined."""

MIN_TIGHTNESS = 0.8
"""A refined mask whose own bounding box covers less of the given box than this is not believed."""


def refine_foreground(
    crops: Sequence[UInt8[np.ndarray, "height width 3"]],
    posteriors: Sequence[Float[Tensor, "rows cols"]],
    refinement: Refinement,
    progress: Callable[[int, int], None] | None = None,
) -> list[Float[Tensor, "rows cols"]]:
    """Share of each cell that is object after refinement, zero outside the box.

    `crops`: padded boxes at `PIXELS_PER_CELL`; `posteriors`: P(object) per cell, same lattice.
    """
    refined = []
    for index, (crop, posterior) in enumerate(zip(crops, posteriors, strict=True)):
        refined.append(_refine_one(crop, posterior, refinement))
        if progress is not None:
            progress(index + 1, len(crops))
    return refined


def tightness(mask: np.ndarray) -> float:
    """Area of the mask's bounding box over the area of the array: 1 when the mask touches all four sides."""
    return extent(mask) / mask.size


def _refine_one(crop: np.ndarray, posterior: Tensor, refinement: Refinement) -> Tensor:
    rows, cols = posterior.shape
    size = (cols * PIXELS_PER_CELL, rows * PIXELS_PER_CELL)
    box = (slice(PAD, rows - PAD), slice(PAD, cols - PAD))
    inside = np.zeros((rows, cols), np.float32)
    inside[box] = 1
    probability = cv2.resize(posterior.numpy(), size, interpolation=cv2.INTER_LINEAR)
    in_box = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    mask = refinement(crop, np.asarray(probability * in_box, np.float32)) > 0.5
    margin = PAD * PIXELS_PER_CELL
    believed = tightness(mask[margin:-margin, margin:-margin]) >= MIN_TIGHTNESS
    shares = mask.reshape(rows, PIXELS_PER_CELL, cols, PIXELS_PER_CELL).mean((1, 3))
    share = shares if believed else posterior.numpy()
    return torch.from_numpy((share * inside).astype(np.float32))
