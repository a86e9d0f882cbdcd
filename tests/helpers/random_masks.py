"""Hypothesis strategies for batches of dense masks, rich in the cases that break mask code.

One hypothesis example is a whole batch, so that ten thousand cases take seconds; a failing batch shrinks by
its frame, its kinds and its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

BATCH = 40


@dataclass(frozen=True)
class Batch:
    """`BATCH` pairs of masks of one frame, and the generator for whatever else a test draws."""

    pairs: list[tuple[np.ndarray, np.ndarray]]
    chance: np.random.Generator


def batches() -> st.SearchStrategy[Batch]:
    """Frames from 1 x 1 over 1-pixel-wide strips to 48 x 48, every kind of mask against every other."""
    side = st.one_of(st.just(1), st.integers(1, 8), st.integers(1, 48))
    return st.builds(_batch, side, side, _kind, _kind, st.integers(0, 2**32 - 1))


SPECIAL_CASES = {
    "empty",
    "full",
    "one pixel",
    "touches every border",
    "one column",
    "one row",
    "frame of one pixel",
}


def special_cases(mask: np.ndarray) -> set[str]:
    """Which of `SPECIAL_CASES` a mask is."""
    borders = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    found = {
        "empty": not mask.any(),
        "full": mask.all(),
        "one pixel": mask.sum() == 1,
        "touches every border": all(border.any() for border in borders) and not mask.all(),
        "one column": mask.shape[1] == 1 < mask.shape[0],
        "one row": mask.shape[0] == 1 < mask.shape[1],
        "frame of one pixel": mask.shape == (1, 1),
    }
    return {name for name, is_so in found.items() if is_so}


def _batch(height: int, width: int, first: str, second: str, seed: int) -> Batch:
    chance = np.random.default_rng(seed)
    pairs = [(KINDS[first](height, width, chance), KINDS[second](height, width, chance)) for _ in range(BATCH)]
    return Batch(pairs, chance)


def _empty(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    return np.zeros((height, width), bool)


def _full(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    return np.ones((height, width), bool)


def _one_pixel(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[chance.integers(height), chance.integers(width)] = True
    return mask


def _noise(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    return chance.random((height, width)) < chance.random()


def _block(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    (y0, y1), (x0, x1) = np.sort(chance.integers(0, height + 1, 2)), np.sort(chance.integers(0, width + 1, 2))
    mask[y0:y1, x0:x1] = True
    return mask


def _borders(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    for side in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
        mask[side] |= chance.random() < 0.6
    return mask


def _chessboard(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    return np.add.outer(np.arange(height), np.arange(width)) % 2 == chance.integers(2)


def _blobs(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    """Ellipses with elliptic holes: what objects look like."""
    y, x = np.mgrid[:height, :width] + 0.5
    mask = np.zeros((height, width), bool)
    for round_ in range(4):
        middle_y, middle_x = chance.random(2) * (height, width)
        radius_y, radius_x = (0.1 + chance.random(2)) * (height, width) / 2
        inside = ((y - middle_y) / radius_y) ** 2 + ((x - middle_x) / radius_x) ** 2 < 1
        mask = mask & ~inside if round_ % 2 else mask | inside
    return mask


KINDS: dict[str, Callable[[int, int, np.random.Generator], np.ndarray]] = {
    "empty": _empty,
    "full": _full,
    "one pixel": _one_pixel,
    "noise": _noise,
    "block": _block,
    "borders": _borders,
    "chessboard": _chessboard,
    "blobs": _blobs,
}
_kind = st.sampled_from(["blobs", "noise", "block", "one pixel", "borders", "chessboard", "empty", "full"])
