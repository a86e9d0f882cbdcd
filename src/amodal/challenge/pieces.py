"""Pieces: things chosen for a scene, with their shapes at their final size, before they have a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.record import Placed, SourceKind
from amodal.challenge.render import silhouette
from amodal.challenge.shapes import KINDS, random_outlines
from amodal.challenge.sources import CutOut, Sources

MOST_ENLARGED = 1.3  # a cut-out is never enlarged more than this
_CUT_OUT_SHARE = 0.5  # of unknown occluders, where there are cut-outs for them
_LEAST_PATCH_PX = 24
# How much of its box a shape fills, and its width / height from and to.
_FILL_AND_ASPECTS = {"blob": (0.75, 0.6, 1.6), "plant": (0.55, 0.5, 1.0), "sign": (0.5, 0.4, 0.9)}


@dataclass(frozen=True, eq=False)
class Piece:
    """A thing and its hard mask at its size; `placed` has no place yet."""

    placed: Placed
    shape: Bool[np.ndarray, "h w"]
    area: int

    def at(self, x: int, y: int) -> Piece:
        """The same piece with its upper left corner at scene pixel (x, y)."""
        return replace(self, placed=replace(self.placed, x=x, y=y))


def cut_out_piece(rng: np.random.Generator, sources: Sources, kind: SourceKind, id: int, scale: float) -> Piece:
    """A cut-out, `scale` times as large as in its photo, mirrored or not."""
    cut_out = sources.cut_out(kind, id)
    size = max(1, round(cut_out.width * scale)), max(1, round(cut_out.height * scale))
    return _piece(Placed(0, kind, str(id), cut_out.label, 0, 0, *size, bool(rng.random() < 0.5)), sources)


def texture_piece(
    rng: np.random.Generator, sources: Sources, backgrounds: Backgrounds, area: float, tallest: int, widest: int
) -> Piece | None:
    """A patch of a texture of about `area` pixels in the shape of a blob, a plant or a sign; None if it gets tiny."""
    names = sorted(backgrounds.textures)
    name = names[int(rng.integers(len(names)))]
    photo_width, photo_height = backgrounds.textures[name]
    kind = KINDS[int(rng.integers(len(KINDS)))]
    fill, narrowest, broadest = _FILL_AND_ASPECTS[kind]
    aspect = rng.uniform(narrowest, broadest)
    height = round((area / fill / aspect) ** 0.5)
    width = round(height * aspect)
    height, width = min(height, photo_height, tallest), min(width, photo_width, widest)
    if min(height, width) < _LEAST_PATCH_PX:
        return None
    cut = int(rng.integers(photo_width - width + 1)), int(rng.integers(photo_height - height + 1))
    flip, outlines = bool(rng.random() < 0.5), random_outlines(rng, width, height, kind)
    placed = Placed(0, "texture", name, "unknown", 0, 0, width, height, flip, cut=cut, outlines=outlines)
    return _piece(placed, sources)


def random_unknown(rng: np.random.Generator, sources: Sources, backgrounds: Backgrounds) -> CutOut | None:
    """The cut-out of an unknown occluder, or None when it shall be a texture."""
    if not sources.unknown or (backgrounds.textures and rng.random() >= _CUT_OUT_SHARE):
        return None
    ids = sorted(sources.unknown)
    return sources.unknown[ids[int(rng.integers(len(ids)))]]


def _piece(placed: Placed, sources: Sources) -> Piece:
    shape = silhouette(placed, sources)
    return Piece(placed, shape, int(np.count_nonzero(shape)))
