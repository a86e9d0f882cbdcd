"""What reasoning takes and gives: `Evidence` of one object, `Reasoning` about all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32

Window = tuple[int, int, int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Log-evidence of one object on its window, relative to the outlier model (f, o and c of the method).

    Attributes:
        window: XYXY in whole pixels, half-open, inside the picture; outside of it the object is context.
            May be empty (a box outside the picture); it is then shrunk to its first corner.
        foreground: log-evidence that the object is visible at the pixel.
        occluded: log-evidence that the object is there and hidden.
        context: log-evidence that the object is not there.
        box: the object's own box, XYXY in pixels; it may leave the picture.
        cell_area: pixels of the photo under one feature cell. Pixels of one cell are one observation.

    Raises:
        ValueError: a map has another shape than the window, or holds NaN or infinity.
    """

    window: Window
    foreground: Float32[np.ndarray, "h w"]
    occluded: Float32[np.ndarray, "h w"]
    context: Float32[np.ndarray, "h w"]
    box: Box
    cell_area: float = 1.0

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.window
        shape = (y1 - y0, x1 - x0)
        if min(shape) < 0:
            raise ValueError(f"window: {self.window}, expected x0 <= x1 and y0 <= y1")
        if not self.cell_area > 0:
            raise ValueError(f"cell_area: {self.cell_area}, expected a positive number of pixels")
        for name in ("foreground", "occluded", "context"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            if values.shape != shape:
                raise ValueError(f"{name}: shape {values.shape}, expected {shape} of window {self.window}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: NaN or infinity, expected finite log-evidence")
            object.__setattr__(self, name, values if values.size else values.reshape(0, 0))
        if min(shape) == 0:
            object.__setattr__(self, "window", (x0, y0, x0, y0))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window in pixels."""
        return self.foreground.shape

    @cached_property
    def rest(self) -> Float32[np.ndarray, "h w"]:
        """h, the better of hidden and absent."""
        rest: np.ndarray = np.maximum(self.occluded, self.context)
        return rest

    @cached_property
    def gain(self) -> Float32[np.ndarray, "h w"]:
        """g = f - h, what owning the pixel adds."""
        gain: np.ndarray = self.foreground - self.rest
        return gain

    @cached_property
    def price(self) -> Float32[np.ndarray, "h w"]:
        """d = c - h, what being absent from a pixel costs that would rather be called hidden."""
        price: np.ndarray = self.context - self.rest
        return price


@dataclass(frozen=True, eq=False)
class Reasoning:
    """One consistent reading of a picture; objects are numbered as they were given.

    Attributes:
        modal: per object, the visible mask on its window; no pixel of the picture has two owners.
        amodal: per object, the whole mask on its window; contains the visible mask.
        evidences: the evidence that the masks follow from, after self-correction.
        order: all objects, front to back. Only the order of objects that overlap means anything.
        edges: (front, behind, probability) for pairs whose amodal masks overlap or (in `joint`) touch, sorted.
            The probability is the pair's own; below .5 the pair by itself would have wished it the other way round.
        cycles: groups of objects whose pairwise wishes contradict each other (objects that interlock).
        objective: `joint` only: J under the first order and after every round of self-correction.
    """

    modal: tuple[Bool[np.ndarray, "h w"], ...]
    amodal: tuple[Bool[np.ndarray, "h w"], ...]
    evidences: tuple[Evidence, ...]
    order: tuple[int, ...]
    edges: tuple[tuple[int, int, float], ...]
    cycles: tuple[tuple[int, ...], ...] = ()
    objective: tuple[float, ...] = ()


PairLogOdds = Callable[[int, int, float], float]
"""(i, j, appearance) -> log-odds, all in all, that object i is in front of object j; antisymmetric.

`appearance` is what the pixels say for i in front of j (see `appearance.py`), 0 where nobody has looked at them.
"""

Rescore = Callable[[int, Bool[np.ndarray, "h w"]], Evidence | None]
"""(i, visible) -> new evidence of object i on the same window, or None where nothing changes.

`visible` marks the positions that the object's own model has to explain: foreground and context, but neither
what an object in front covers nor what the outlier explains (z = 1 in Eq 7).
"""


def canonical_order(evidences: Sequence[Evidence]) -> list[int]:
    """Indices of the objects sorted by what they are, so that no result depends on how they were given."""
    by_box: dict[tuple[Box, Window], list[int]] = {}
    for i, evidence in enumerate(evidences):
        by_box.setdefault((evidence.box, evidence.window), []).append(i)
    indices: list[int] = []
    for key in sorted(by_box):
        alike = by_box[key]
        indices += sorted(alike, key=lambda i: _digest(evidences[i])) if len(alike) > 1 else alike
    return indices


def same_maps(a: Evidence, b: Evidence) -> bool:
    """The two say the same about every pixel."""
    names = ("foreground", "occluded", "context")
    return a is b or all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def with_same_window(proposal: Evidence, old: Evidence) -> Evidence:
    """`proposal`, the outcome of re-scoring an object whose evidence was `old`.

    Raises:
        ValueError: it lies on another window.
    """
    if proposal.window != old.window:
        raise ValueError(f"rescore: window {proposal.window}, expected the old window {old.window}")
    return proposal


def _digest(evidence: Evidence) -> bytes:
    digest = hashlib.blake2b(np.float64(evidence.cell_area).tobytes())
    for values in (evidence.foreground, evidence.occluded, evidence.context):
        digest.update(values.tobytes())
    return digest.digest()
