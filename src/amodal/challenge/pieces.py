"""Pieces: things chosen for a scene, with their shapes at their final size, before they have a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.record import Placed
from amodal.challenge.render import silhouette
from amodal.challenge.shapes import KINDS, random_outlines
from amodal.challenge.sources import Sources

MOST_ENLARGED = 1.3  # a cut-out is never enlarged more than this
_SOURCE_SHARE = 0.5  # of unknown occluders, where there are cut-outs for them


@dataclass(frozen=True, eq=False)
class Piece:
    """A thing and its hard mask at its size; `placed` has no place yet."""

    placed: Placed
    shape: Bool[np.ndarray, "h w"]
    area: int

    def at(self, x: int, y: int) -> Piece:
        """The same piece with its upper left corner at scene pixel (x, y)."""
        return replace(self, placed=replace(self.placed, x=x, y=y))


def known_piece(rng: np.random.Generator, sources: Sources, id: int, scale: float) -> Piece:
    """An object of the known classes, `scale` times as large as in its photo."""
    return _cut_out(rng, sources, "object", id, scale)


def unknown_piece(
    rng: np.random.Generator, sources: Sources, backgrounds: Backgrounds, area: float, tallest: int, widest: int
) -> Piece | None:
    """An unknown occluder of about `area` pixels: a cut-out of another class or a patch of texture."""
    if sources.unknown and (not backgrounds.textures or rng.random() < _SOURCE_SHARE):
        ids = sorted(sources.unknown)
        id = ids[int(rng.integers(len(ids)))]
        cut_out = sources.unknown[id]
        scale = min((area / max(1, cut_out.mask.area)) ** 0.5, MOST_ENLARGED)
        if cut_out.height * scale > tallest or cut_out.width * scale > widest or cut_out.height * scale < 24:
            return None
        return _cut_out(rng, sources, "unknown", id, scale)
    names = sorted(backgrounds.textures)
    name = names[int(rng.integers(len(names)))]
    photo_width, photo_height = backgrounds.textures[name]
    kind = KINDS[int(rng.integers(len(KINDS)))]
    fill, aspect = {"blob": (0.75, rng.uniform(0.6, 1.6)), "plant": (0.55, rng.uniform(0.5, 1.0)),
                    "sign": (0.5, rng.uniform(0.4, 0.9))}[kind]  # fmt: skip
    height = round((area / fill / aspect) ** 0.5)
    width = round(height * aspect)
    height, width = min(height, photo_height, tallest), min(width, photo_width, widest)
    if min(height, width) < 16:
        return None
    cut = int(rng.integers(photo_width - width + 1)), int(rng.integers(photo_height - height + 1))
    placed = Placed(
        0, "texture", name, "unknown", 0, 0, width, height, bool(rng.random() < 0.5), 256, cut,
        random_outlines(rng, width, height, kind),
    )  # fmt: skip
    return _piece(placed, sources)


def _cut_out(rng: np.random.Generator, sources: Sources, kind: str, id: int, scale: float) -> Piece:
    cut_out = sources.cut_out(kind, id)
    size = max(1, round(cut_out.width * scale)), max(1, round(cut_out.height * scale))
    flip = bool(rng.random() < 0.5)
    return _piece(Placed(0, kind, str(id), cut_out.label, 0, 0, *size, flip), sources)  # type: ignore[arg-type]


def _piece(placed: Placed, sources: Sources) -> Piece:
    shape = silhouette(placed, sources)
    return Piece(placed, shape, int(np.count_nonzero(shape)))
