"""Stage: the scene while it is put together from the front to the back."""

from __future__ import annotations

import numpy as np

from amodal.challenge.pieces import Piece
from amodal.challenge.render import overlap

_STRIDE = 4  # a first look at a place counts every 4th row and column


class Stage:
    """Frame of `width` x `height` pixels, the pieces placed so far from front to back, and what they cover."""

    def __init__(self, width: int, height: int, outside: float) -> None:
        """`outside`: how much of a box's side may leave the picture, 0 to 1."""
        self.width, self.height, self.outside = width, height, outside
        self.pieces: list[Piece] = []
        self._covered = np.zeros((height, width), bool)

    def put(self, piece: Piece) -> None:
        """Add a piece behind all others."""
        seen, cut = self._window(piece)
        self._covered[seen] |= piece.shape[cut]
        self.pieces.append(piece)

    def roughly_hidden(self, piece: Piece) -> float:
        """An estimate of `hidden` from a few of the pixels."""
        seen, cut = self._window(piece)
        shape = piece.shape[cut][::_STRIDE, ::_STRIDE]
        whole = np.count_nonzero(shape)
        return np.count_nonzero(self._covered[seen][::_STRIDE, ::_STRIDE] & shape) / whole if whole else 1.0

    def hidden(self, piece: Piece) -> tuple[float, int]:
        """Hidden part of a piece behind all others, as masks will have it, and the visible pixels left."""
        seen, cut = self._window(piece)
        shape = piece.shape[cut]
        whole = int(np.count_nonzero(shape))
        hidden = int(np.count_nonzero(self._covered[seen] & shape))
        return (hidden / whole if whole else 1.0), whole - hidden

    def common(self, piece: Piece, other: Piece) -> int:
        """Pixels that both have, in the picture or not."""
        a, b = piece.placed, other.placed
        seen, cut = overlap(a.x - b.x, a.y - b.y, a.width, a.height, b.width, b.height)
        return int(np.count_nonzero(other.shape[seen] & piece.shape[cut]))

    def range_x(self, width: int) -> tuple[int, int]:
        """First and last x that a box of this width may have; empty if it does not fit."""
        return _range(width, self.width, self.outside)

    def range_y(self, height: int) -> tuple[int, int]:
        """First and last y that a box of this height may have; empty if it does not fit."""
        return _range(height, self.height, self.outside)

    def _window(self, piece: Piece) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        placed = piece.placed
        return overlap(placed.x, placed.y, placed.width, placed.height, self.width, self.height)


def _range(side: int, frame: int, outside: float) -> tuple[int, int]:
    out = int(side * outside)
    return (-out, frame - side + out) if out else (1, frame - side - 1)
