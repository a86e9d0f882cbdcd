"""Grids of probabilities over a box, as mask heads give them, carried to the photo's pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from amodal.reasoning.evidence import Box, Window


def on_pixels(
    grid: Float[np.ndarray, "*maps rows cols"], frame: Box, window: Window
) -> Float32[np.ndarray, "*maps h w"]:
    """What a grid over `frame` (XYXY pixels) says of each pixel of a window, interpolated between its cells' centres.

    Constant beyond the outer centres.
    """
    x0, y0, x1, y1 = window
    down = _between(np.arange(y0, y1) + 0.5, frame[1], frame[3], grid.shape[-2])
    across = _between(np.arange(x0, x1) + 0.5, frame[0], frame[2], grid.shape[-1])
    pixels: Float32[np.ndarray, "*maps h w"] = down @ grid.astype(np.float32, copy=False) @ across.T
    return pixels


def _between(places: Float[np.ndarray, " n"], start: float, end: float, cells: int) -> Float32[np.ndarray, "n cells"]:
    """Weights of linear interpolation between the centres of `cells` equal cells."""
    at = np.clip((places - start) / (end - start) * cells - 0.5, 0, cells - 1)
    low = np.minimum(at.astype(np.int64), cells - 1)
    high = np.minimum(low + 1, cells - 1)
    weights = np.zeros((len(places), cells), np.float32)
    rows = np.arange(len(places))
    np.add.at(weights, (rows, low), 1 - (at - low))
    np.add.at(weights, (rows, high), at - low)
    return weights
