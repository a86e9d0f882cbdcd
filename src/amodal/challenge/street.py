"""Street: many known objects of all classes on one ground plane, and sometimes unknown things among them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.balance import FEWEST
from amodal.challenge.free import fits
from amodal.challenge.ground import DEPTHS_M, OTHER_DEPTH_M, Ground
from amodal.challenge.pieces import Piece
from amodal.challenge.sources import Sources
from amodal.challenge.stage import Stage

_UNKNOWN = (0.45, 0.35, 0.2)  # chance of none, one, two unknown things
_NEAREST, _NEAREST_CUT = 1.05, 0.8  # times the distance of the picture's lower edge; nearer where things may leave it
_PERSON_M, _FURTHEST_PX = 1.7, 38  # the furthest depth is where a person is so high
_LOWEST_PX = 32
_BY_ANOTHER = 0.5  # of the objects are put where their box meets that of one in front
_PIECES_TRIED, _PLACES = 12, 12
_ROOM = 0.8  # of what a thing needs in depth; things that are nearer to each other than that stand apart


def fill_street(
    rng: np.random.Generator, stage: Stage, sources: Sources, backgrounds: Backgrounds, wanted: int
) -> bool:
    """Put up to `wanted` known objects and a few unknown things on an empty stage, from front to back.

    What finds no place is left out. A class is drawn by the square root of how many cut-outs it has, so that rare
    ones are seen; no cut-out comes twice.

    Returns:
        Whether there are as many known objects as a street has at least.
    """
    ground = Ground.random(rng, stage, sources, backgrounds)
    rest: dict[str, list[int]] = {}
    for id, cut_out in sorted(sources.objects.items()):
        rest.setdefault(cut_out.label, []).append(id)
    chances = {label: math.sqrt(count) for label, count in Counter(c.label for c in sources.objects.values()).items()}
    unknown = int(rng.choice(len(_UNKNOWN), p=_UNKNOWN)) if sources.unknown or backgrounds.textures else 0
    roles = rng.permutation(np.repeat([True, False], [wanted, unknown])).tolist()
    depths: list[float] = []  # of the pieces on the stage
    for known, depth in zip(roles, _depths(rng, stage, ground, len(roles)), strict=True):
        for _ in range(_PIECES_TRIED):
            if known:
                piece = _known(rng, stage, ground, rest, chances, depth, depths)
            else:
                piece = ground.unknown_at(rng, stage, depth)
            if piece is not None and _has_room(stage, piece, depth, depths):
                stage.put(piece)
                depths.append(depth)
                if known:
                    rest[piece.placed.label].remove(int(piece.placed.source))
                break
    return sum(piece.placed.known for piece in stage.pieces) >= FEWEST["street"]


def _depths(rng: np.random.Generator, stage: Stage, ground: Ground, count: int) -> list[float]:
    """Distances in metres from near to far, as many in any depth as in its double."""
    nearest = ground.nearest_m(stage) * (_NEAREST_CUT if stage.outside else _NEAREST)
    furthest = max(ground.focal_px * _PERSON_M / _FURTHEST_PX, 1.5 * nearest)
    return sorted(np.exp(rng.uniform(math.log(nearest), math.log(furthest), count)).tolist())


def _known(
    rng: np.random.Generator,
    stage: Stage,
    ground: Ground,
    rest: Mapping[str, list[int]],
    chances: Mapping[str, float],
    depth: float,
    depths: list[float],
) -> Piece | None:
    """An object at this depth, behind all others, that can still be seen and has room."""
    labels = sorted(label for label, ids in rest.items() if ids)
    if not labels:
        return None
    weights = np.array([chances[label] for label in labels])
    ids = rest[labels[int(rng.choice(len(labels), p=weights / weights.sum()))]]
    cut_out = ground.sources.objects[ids[int(rng.integers(len(ids)))]]
    piece = ground.standing(rng, stage, cut_out, "object", depth, _LOWEST_PX)
    if piece is None:
        return None
    anchor = None
    if stage.pieces and rng.random() < _BY_ANOTHER:
        anchor = stage.pieces[int(rng.integers(len(stage.pieces)))]
    for _ in range(_PLACES):
        tried = ground.at(rng, stage, piece, depth, anchor)
        if tried is None or not _has_room(stage, tried, depth, depths) or not fits(stage, tried, "any"):
            continue
        if rng.random() >= stage.hidden(tried)[0]:  # the more is hidden, the rarer
            return tried
    return None


def _has_room(stage: Stage, piece: Piece, depth: float, depths: list[float]) -> bool:
    """Whether nothing that is about as far away stands at the same place."""
    own = piece.placed
    for other, other_depth in zip(stage.pieces, depths, strict=True):
        placed = other.placed
        needed = _ROOM * (_depth_m(own.label) + _depth_m(placed.label)) / 2
        apart = own.x >= placed.x + placed.width or placed.x >= own.x + own.width
        if not apart and depth - other_depth < needed:
            return False
    return True


def _depth_m(label: str) -> float:
    return DEPTHS_M.get(label, OTHER_DEPTH_M)
