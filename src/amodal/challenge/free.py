"""Layout `free`: position, scale and order know nothing of each other.

An object behind gets a size from its main occluder's, as often larger as smaller and by as much, and a place where
it reaches lower as often as not; so no rule of geometry can tell who is in front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.balance import LEAST_VISIBLE_PX, RANGES, Balance, Sides
from amodal.challenge.pieces import MOST_ENLARGED, Piece, cut_out_piece, random_unknown, texture_piece
from amodal.challenge.sources import CutOut, Sources
from amodal.challenge.stage import Stage

LOWEST_PX, _HIGHEST_PX = 88, 220
_SLIM_HIGHEST_PX = 320  # of things higher than wide, which are
_SLIM_HIGHER = 1.4  # so many times as high as others
_WIDEST = 0.8  # of the scene's width
_KNOWN_SHARE = 0.7
_PLACES = 60  # tries before another object is drawn
# Between areas of a hidden object and its main occluder, either way: what every level can have both ways.
_MOST_RATIO = {"L0": math.log(2.5), "L1": math.log(2.5), "L2": math.log(1.7), "L3": math.log(1.3)}
_LEAST_RATIO = math.log(1.04)
_LEAST_STEP_PX = 2  # between lower edges


@dataclass
class Free:
    """Puts things anywhere; `many` objects share a picture better if they are smaller."""

    sources: Sources
    backgrounds: Backgrounds
    balance: Balance
    many: bool

    def first(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int]) -> Piece | None:
        """The frontmost object, anywhere."""
        cut_out = self.sources.objects[ids[int(rng.integers(len(ids)))]]
        height = math.exp(rng.uniform(math.log(LOWEST_PX), math.log(160 if self.many else 200)))
        if cut_out.height > cut_out.width:
            height *= _SLIM_HIGHER
        scale = height / cut_out.height
        if not _allowed(stage, cut_out, scale):
            return None
        return _anywhere(rng, stage, cut_out_piece(rng, self.sources, "object", cut_out.id, scale))

    def unknown(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int]) -> Piece | None:
        """An unknown occluder about as large as a known object would be, anywhere or by what is there already."""
        model = self.sources.objects[ids[int(rng.integers(len(ids)))]]
        height = math.exp(rng.uniform(math.log(LOWEST_PX), math.log(170)))
        area = model.mask.area * (height / model.height) ** 2 * rng.uniform(0.5, 1.1)
        highest, widest = min(_SLIM_HIGHEST_PX, stage.height - 4), round(_WIDEST * stage.width)
        cut_out = random_unknown(rng, self.sources, self.backgrounds)
        if cut_out is None:
            piece = texture_piece(rng, self.sources, self.backgrounds, area, highest, widest)
            return None if piece is None else _beside(rng, stage, piece)
        scale = min(math.sqrt(area / cut_out.mask.area), MOST_ENLARGED)
        if cut_out.height * scale > highest or cut_out.width * scale > widest:
            return None
        return _beside(rng, stage, cut_out_piece(rng, self.sources, "unknown", cut_out.id, scale))

    def behind(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int], level: str) -> Piece | None:
        """An object behind all others, hidden as the level says, at the sides that the balance asks for."""
        anchor = _anchor(rng, stage)
        sides = self.balance.wanted(level, rng)
        ratio = math.exp(rng.uniform(_LEAST_RATIO, _MOST_RATIO[level]))
        cut_out = self.sources.objects[ids[int(rng.integers(len(ids)))]]
        area = anchor.area / ratio if sides.larger else anchor.area * ratio
        scale = math.sqrt(area / cut_out.mask.area)
        taller = anchor.placed.height > round(cut_out.height * scale)
        if not _allowed(stage, cut_out, scale) or (level != "L0" and taller != sides.taller):
            return None
        piece = cut_out_piece(rng, self.sources, "object", cut_out.id, scale)
        if level != "L0" and (piece.area < anchor.area) != sides.larger:
            return None
        for _ in range(_PLACES):
            tried = _anywhere(rng, stage, piece) if level == "L0" else _around(rng, stage, piece, anchor, sides)
            if tried is None or not fits(stage, tried, level):
                continue
            if level == "L0" or (_is_main(stage, tried, anchor) and _as_wanted(stage, tried, sides)):
                return tried
        return None


def fits(stage: Stage, piece: Piece, level: str) -> bool:
    """Whether a piece behind all others is hidden as the level says, with enough of it to be seen."""
    low, high = RANGES[level]
    if not low - 0.02 <= stage.roughly_hidden(piece) <= high + 0.02:
        return False
    hidden, visible = stage.hidden(piece)
    return low <= hidden <= high and visible >= LEAST_VISIBLE_PX


def _allowed(stage: Stage, cut_out: CutOut, scale: float) -> bool:
    highest = min(_HIGHEST_PX if cut_out.width >= cut_out.height else _SLIM_HIGHEST_PX, stage.height - 4)
    fitting = cut_out.width * scale <= min(_WIDEST * stage.width, stage.width - 4)
    return scale <= MOST_ENLARGED and LOWEST_PX <= round(cut_out.height * scale) <= highest and fitting


def _anywhere(rng: np.random.Generator, stage: Stage, piece: Piece) -> Piece | None:
    return _within(rng, stage, piece, (-(10**6), 10**6), (-(10**6), 10**6))


def _anchor(rng: np.random.Generator, stage: Stage) -> Piece:
    """Whom the next object is put behind: rather a known one, so that there are pairs to order."""
    known = [piece for piece in stage.pieces if piece.placed.known]
    chosen = known if known and rng.random() < _KNOWN_SHARE else stage.pieces
    return chosen[int(rng.integers(len(chosen)))]


def _beside(rng: np.random.Generator, stage: Stage, piece: Piece) -> Piece | None:
    """A place where the box meets that of a piece that is there, or anywhere if there is none."""
    if not stage.pieces:
        return _anywhere(rng, stage, piece)
    own, other = piece.placed, stage.pieces[int(rng.integers(len(stage.pieces)))].placed
    across = (other.x - own.width + 1, other.x + other.width - 1)
    return _within(rng, stage, piece, across, (other.y - own.height + 1, other.y + other.height - 1))


def _around(rng: np.random.Generator, stage: Stage, piece: Piece, anchor: Piece, sides: Sides) -> Piece | None:
    """A place where the boxes meet and the lower edges are as asked for."""
    own, other = piece.placed, anchor.placed
    bottom = other.y + other.height
    lower = (bottom - own.height + _LEAST_STEP_PX, bottom - 1)
    upper = (other.y - own.height + 1, bottom - own.height - _LEAST_STEP_PX)
    return _within(
        rng, stage, piece, (other.x - own.width + 1, other.x + other.width - 1), upper if sides.lower else lower
    )


def _within(
    rng: np.random.Generator, stage: Stage, piece: Piece, across: tuple[int, int], down: tuple[int, int]
) -> Piece | None:
    least_x, most_x = stage.range_x(piece.placed.width)
    least_y, most_y = stage.range_y(piece.placed.height)
    least_x, most_x = max(least_x, across[0]), min(most_x, across[1])
    least_y, most_y = max(least_y, down[0]), min(most_y, down[1])
    if least_x > most_x or least_y > most_y:
        return None
    return piece.at(int(rng.integers(least_x, most_x + 1)), int(rng.integers(least_y, most_y + 1)))


def _is_main(stage: Stage, piece: Piece, anchor: Piece) -> bool:
    """Whether no other piece has more pixels in common with this one."""
    return stage.common(piece, anchor) == max(stage.common(piece, other) for other in stage.pieces)


def _as_wanted(stage: Stage, piece: Piece, sides: Sides) -> bool:
    """Whether the known object that hides most of this one, if any, stands at the sides that are wanted."""
    known = [other for other in stage.pieces if other.placed.known and stage.common(piece, other)]
    if not known:
        return True
    main = max(known, key=lambda other: stage.common(piece, other))
    own, other = piece.placed, main.placed
    lower = other.y + other.height > own.y + own.height
    return Sides(lower, main.area > piece.area, other.height > own.height) == sides
