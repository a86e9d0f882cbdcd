"""Compose: propose one scene of a scenario and layout, with the levels that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.balance import FEWEST, Balance, Scenario, targets
from amodal.challenge.free import Free
from amodal.challenge.ground import Ground
from amodal.challenge.pieces import Piece
from amodal.challenge.record import Placed, Record
from amodal.challenge.render import background_of
from amodal.challenge.sources import Sources
from amodal.challenge.stage import Stage
from amodal.challenge.street import fill_street
from amodal.errors import InputError

Layout = Literal["free", "ground"]
MOST_WIDTH_PX, MOST_HEIGHT_PX = 640, 480
_SCENES_TRIED, _PIECES_TRIED = 400, 24
_OUTSIDE = 0.35  # of a side may be cut off where truncation is wanted
_SECOND_UNKNOWN = 0.35
_UNKNOWN_HIDES = 0.03  # of the known object behind it, at least


@dataclass(frozen=True)
class Place:
    """Where a scene stands in a set: the seed of all and its number."""

    seed: int = 0
    index: int = 0


def compose(
    rng: np.random.Generator,
    scenario: Scenario,
    layout: Layout,
    sources: Sources,
    backgrounds: Backgrounds,
    *,
    place: Place | None = None,
    balance: Balance | None = None,
    truncation: bool = False,
) -> Record:
    """Propose scenes until one has the levels that are wanted.

    Args:
        scenario: what is there: `two` or `four` known objects, two and unknown occluders, or a `street` of many.
        layout: `free`, where geometry tells nothing of the order, or `ground`, plausible perspective, which a street
            always has.
        sources: cut-outs.
        backgrounds: photos to paste onto and textures.
        rng: all chance but the levels comes from here; without a `place` these too.
        place: seed and number of the scene in its set, from which its levels follow.
        balance: what was made before, so that rules of geometry stay at one half; without it each side is a coin's.
        truncation: whether objects may leave the picture.

    Raises:
        InputError: no proposal of many kept the levels: too few or unfit objects.
    """
    place = place or Place(int(rng.integers(2**31)), int(rng.integers(2**31)))
    layout = layout_of(scenario, layout)
    wanted = targets(scenario, place.seed, place.index)
    if len(sources.objects) < (least := FEWEST[scenario]):
        found = f"found {len(sources.objects)} usable"
        raise InputError("challenge", "objects", found, f"expected at least {least} for scenario {scenario!r}")
    for _ in range(_SCENES_TRIED):
        window = _window(rng, scenario, layout, backgrounds, place)
        stage = Stage(window.width, window.height, _OUTSIDE if truncation else 0.0)
        if _fill(rng, stage, scenario, layout, sources, backgrounds, wanted, balance or Balance()):
            return replace(window, placed=_finished(rng, stage, window, sources, backgrounds))
    what = f"of {FEWEST[scenario]} objects" if scenario == "street" else f"with levels {', '.join(wanted)}"
    found = f"no scene {what} in {_SCENES_TRIED} tries from {len(sources.objects)} objects"
    raise InputError("challenge", "objects", found, "expected more or larger objects, or larger backgrounds")


def layout_of(scenario: Scenario, layout: Layout) -> Layout:
    """The layout that a scene has: a street stands on the ground whatever is asked for."""
    return "ground" if scenario == "street" else layout


def _window(rng: np.random.Generator, scenario: str, layout: str, backgrounds: Backgrounds, place: Place) -> Record:
    names = sorted(backgrounds.scenes)
    name = names[int(rng.integers(len(names)))]
    whole_width, whole_height = backgrounds.scenes[name]
    width, height = min(whole_width, MOST_WIDTH_PX), min(whole_height, MOST_HEIGHT_PX)
    x, y = int(rng.integers(whole_width - width + 1)), int(rng.integers(whole_height - height + 1))
    if layout == "ground":
        y = whole_height - height  # the ground is below
    flip = bool(rng.random() < 0.5)
    return Record(scenario, layout, place.seed, place.index, name, x, y, width, height, flip, ())


def _fill(
    rng: np.random.Generator,
    stage: Stage,
    scenario: str,
    layout: str,
    sources: Sources,
    backgrounds: Backgrounds,
    wanted: tuple[str, ...],
    balance: Balance,
) -> bool:
    """Put all things on the stage from front to back; False if one finds no place."""
    if scenario == "street":
        return fill_street(rng, stage, sources, backgrounds, min(len(wanted), len(sources.objects)))
    room: Free | Ground
    if layout == "ground":
        room = Ground.random(rng, stage, sources, backgrounds)
    else:
        room = Free(sources, backgrounds, balance, many=len(wanted) > 2)
    rest = sorted(sources.objects)
    for role in _roles(rng, scenario, wanted):
        piece = _one_piece(rng, stage, room, rest, role)
        if piece is None:
            return False
        stage.put(piece)
        if role != "unknown":
            rest.remove(int(piece.placed.source))  # no object twice in a scene
    return _unknowns_hide_something(stage)


def _one_piece(
    rng: np.random.Generator, stage: Stage, room: Free | Ground, ids: Sequence[int], role: str
) -> Piece | None:
    for _ in range(_PIECES_TRIED):
        if role == "unknown":
            piece = room.unknown(rng, stage, ids)
        elif not stage.pieces:
            piece = room.first(rng, stage, ids)
        else:
            piece = room.behind(rng, stage, ids, role)
        if piece is not None:
            return piece
    return None


def _roles(rng: np.random.Generator, scenario: str, wanted: tuple[str, ...]) -> list[str]:
    """From front to back: a level for each known object, and `unknown`."""
    if scenario != "two-unknown":
        return list(wanted)
    roles = list(wanted)
    roles.insert(0 if wanted[0] != "L0" or rng.random() < 0.3 else 1, "unknown")
    if rng.random() < _SECOND_UNKNOWN:
        roles.insert(int(rng.integers(roles.index("unknown") + 1)), "unknown")
    return roles


def _unknowns_hide_something(stage: Stage) -> bool:
    for place, piece in enumerate(stage.pieces):
        behind = [other for other in stage.pieces[place + 1 :] if other.placed.known]
        if not piece.placed.known and all(stage.common(piece, other) < _UNKNOWN_HIDES * other.area for other in behind):
            return False
    return True


def _finished(
    rng: np.random.Generator, stage: Stage, window: Record, sources: Sources, backgrounds: Backgrounds
) -> tuple[Placed, ...]:
    """From back to front, with ids that tell nothing, and brightness loosely that of the place."""
    ids = rng.permutation(len(stage.pieces)) + 1
    photo = background_of(window, backgrounds)
    return tuple(
        replace(piece.placed, id=int(id), gain=_gain(rng, piece, photo, sources))
        for id, piece in zip(ids, reversed(stage.pieces), strict=True)
    )


def _gain(rng: np.random.Generator, piece: Piece, photo: np.ndarray, sources: Sources) -> int:
    placed = piece.placed
    around = photo[max(0, placed.y) : placed.y + placed.height : 4, max(0, placed.x) : placed.x + placed.width : 4]
    if placed.kind == "texture":
        own_mean = 128.0
    else:
        own = sources.pixels(placed.kind, int(placed.source))[::4, ::4]
        own_mean = float(own[own[:, :, 3] > 0][:, :3].mean()) if (own[:, :, 3] > 0).any() else 128.0
    ratio = (float(around.mean()) + 16) / (own_mean + 16)
    return int(np.clip(round(256 * ratio**0.35 * rng.uniform(0.93, 1.07)), 192, 340))
