"""One object's evidence in the three numbers that order and labels depend on, on every pixel or on samples.

With h = max(o, c), d = c - h <= 0 and g = f - h the joint objective of an order is
J = Σ_pixels Σ_n h_n + Σ_pixels max(0, max_n [g_n + Σ_{m in front of n} d_m]):
every object first takes the better of hidden and absent; then at most one object owns the pixel and gains
g_n, and everybody in front of the owner has to be absent there and pays d_m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from amodal.reasoning.evidence import Evidence, Window


@dataclass(frozen=True, eq=False)
class Layer:
    """g, d and h of one object on its rectangle of a canvas.

    Attributes:
        window: XYXY on the canvas, whole samples, half-open.
        gain: g, what owning the pixel adds.
        price: d, what being absent from a pixel costs that would rather be called hidden.
        rest: h, the better of hidden and absent.
    """

    window: Window
    gain: Float32[np.ndarray, "h w"]
    price: Float32[np.ndarray, "h w"]
    rest: Float32[np.ndarray, "h w"]


def frame_of(evidences: Sequence[Evidence]) -> Window:
    """The smallest window that contains all windows."""
    windows = np.array([e.window for e in evidences if min(e.shape) > 0], dtype=np.int64).reshape(-1, 4)
    if not len(windows):
        return (0, 0, 0, 0)
    x0, y0 = windows[:, :2].min(axis=0).tolist()
    x1, y1 = windows[:, 2:].max(axis=0).tolist()
    return (x0, y0, x1, y1)


def layer_of(evidence: Evidence, frame: Window) -> Layer:
    """The layer of an object on the canvas of `frame`, on every pixel."""
    x0, y0, x1, y1 = evidence.window
    if x1 <= x0 or y1 <= y0:
        window = (0, 0, 0, 0)
        empty = np.zeros((0, 0), np.float32)
        return Layer(window, empty, empty, empty)
    window = (x0 - frame[0], y0 - frame[1], x1 - frame[0], y1 - frame[1])
    return Layer(window, evidence.gain, evidence.price, evidence.rest)


def thin(layer: Layer, step: int) -> Layer:
    """The layer on a regular grid of samples, `step` pixels apart on the canvas."""
    if step == 1:
        return layer
    x0, y0, _, _ = layer.window
    offset = step // 2
    first_x, first_y = (offset - x0) % step, (offset - y0) % step
    maps = [np.ascontiguousarray(m[first_y::step, first_x::step]) for m in (layer.gain, layer.price, layer.rest)]
    return Layer(thin_window(layer.window, step), *maps)


def thin_window(window: Window, step: int) -> Window:
    """Where a window of the canvas lies among samples `step` pixels apart, the first in the middle of a step."""
    offset = step // 2
    x0, y0, x1, y1 = (-((offset - side) // step) for side in window)  # the first sample at or beyond each side
    return x0, y0, x1, y1


def step_of(shared: int, smallest_cell_area: float, max_samples: int) -> int:
    """Sample distance: about `max_samples` where windows overlap, but at least two samples per cell side."""
    wanted = math.ceil(math.sqrt(shared / max_samples))
    return max(1, min(wanted, int(math.sqrt(smallest_cell_area) / 2)))


def shared_samples(layers: Sequence[Layer]) -> int:
    """How many canvas points lie in two windows or more; only these feel the order."""
    width = max((layer.window[2] for layer in layers), default=0)
    height = max((layer.window[3] for layer in layers), default=0)
    windows = np.zeros((height, width), np.uint16)
    for layer in layers:
        x0, y0, x1, y1 = layer.window
        windows[y0:y1, x0:x1] += 1
    return int(np.count_nonzero(windows > 1))
