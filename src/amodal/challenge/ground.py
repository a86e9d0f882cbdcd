"""Layout `ground`: things stand on one ground plane, so that the nearer is lower, larger and in front."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.free import fits
from amodal.challenge.pieces import MOST_ENLARGED, Piece, known_piece, unknown_piece
from amodal.challenge.sources import Sources
from amodal.challenge.stage import Stage

# Real heights in metres, and the room a thing needs in depth.
HEIGHTS_M = {"person": 1.7, "pedestrian": 1.7, "cyclist": 1.75, "car": 1.5, "bicycle": 1.1, "motorcycle": 1.35,
             "van": 2.1, "truck": 3.1, "bus": 3.1, "tram": 3.4}  # fmt: skip
_OTHER_M = 1.5
_DEPTHS_M = {"person": 0.7, "pedestrian": 0.7, "cyclist": 1.2, "bicycle": 0.8, "motorcycle": 1.0}
_OTHER_DEPTH_M = 2.0
_LOWEST_PX, _LOWEST_FRONT_PX = 40, 90
_WIDEST = 0.85
_PLACES = 40


@dataclass
class Ground:
    """The plane of one scene.

    Attributes:
        horizon: row of the horizon in pixels.
        camera_m: the camera's height over the ground in metres.
        focal_px: focal length.
        depth_m: how far the furthest thing is so far, its own depth included.
    """

    horizon: float
    camera_m: float
    focal_px: float
    depth_m: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator, stage: Stage) -> Ground:
        """A plane as photos from a street have it."""
        return cls(
            horizon=stage.height * rng.uniform(0.36, 0.46),
            camera_m=rng.uniform(1.35, 1.75),
            focal_px=max(stage.width, stage.height) * rng.uniform(0.85, 1.1),
        )

    def first(self, rng: np.random.Generator, stage: Stage, sources: Sources, ids: list[int]) -> Piece | None:
        """The nearest object."""
        id = ids[int(rng.integers(len(ids)))]
        nearest = self.focal_px * self.camera_m / (stage.height - 3 - self.horizon)
        depth = nearest * math.exp(rng.uniform(0.02, 0.5))
        piece = self._standing(rng, stage, sources, id, depth, _LOWEST_FRONT_PX)
        if piece is None:
            return None
        placed = self._at(rng, stage, piece, depth, None)
        if placed is not None:
            self.depth_m = depth
        return placed

    def behind(
        self, rng: np.random.Generator, stage: Stage, sources: Sources, ids: list[int], level: str
    ) -> Piece | None:
        """An object further away than all others, hidden as the level says."""
        id = ids[int(rng.integers(len(ids)))]
        room = _DEPTHS_M.get(sources.objects[id].label, _OTHER_DEPTH_M)
        depth = self.depth_m + room * rng.uniform(0.9, 2.2)
        piece = self._standing(rng, stage, sources, id, depth, _LOWEST_PX)
        if piece is None:
            return None
        anchor = None if level == "L0" else stage.pieces[int(rng.integers(len(stage.pieces)))]
        for _ in range(_PLACES):
            tried = self._at(rng, stage, piece, depth, anchor)
            if tried is not None and fits(stage, tried, level):
                self.depth_m = depth
                return tried
        return None

    def unknown(
        self, rng: np.random.Generator, stage: Stage, sources: Sources, backgrounds: Backgrounds
    ) -> Piece | None:
        """An unknown occluder on the ground, nearer than what is put behind it."""
        nearest = self.focal_px * self.camera_m / (stage.height - 3 - self.horizon)
        depth = self.depth_m + rng.uniform(0.5, 1.5) if stage.pieces else nearest * math.exp(rng.uniform(0.02, 0.3))
        px_per_m = self.focal_px / depth
        height_m = rng.uniform(0.7, 1.9)
        area = 0.5 * (height_m * px_per_m) ** 2
        tallest, widest = round(1.9 * px_per_m), round(_WIDEST * stage.width)
        piece = unknown_piece(rng, sources, backgrounds, area, min(tallest, stage.height - 4), widest)
        if piece is None:
            return None
        if piece.placed.kind == "unknown":
            piece = self._resized_unknown(rng, stage, sources, piece, depth)
        placed = None if piece is None else self._at(rng, stage, piece, depth, None)
        if placed is not None:
            self.depth_m = depth
        return placed

    def _resized_unknown(
        self, rng: np.random.Generator, stage: Stage, sources: Sources, piece: Piece, depth: float
    ) -> Piece | None:
        """A cut-out of a class with a known height gets that height."""
        from amodal.challenge.pieces import _cut_out

        cut_out = sources.cut_out("unknown", int(piece.placed.source))
        scale = self._scale(rng, stage, cut_out.label, cut_out.width, cut_out.height, depth, _LOWEST_PX)
        return None if scale is None else _cut_out(rng, sources, "unknown", cut_out.id, scale)

    def _standing(
        self, rng: np.random.Generator, stage: Stage, sources: Sources, id: int, depth: float, lowest: int
    ) -> Piece | None:
        cut_out = sources.objects[id]
        scale = self._scale(rng, stage, cut_out.label, cut_out.width, cut_out.height, depth, lowest)
        return None if scale is None else known_piece(rng, sources, id, scale)

    def _scale(
        self, rng: np.random.Generator, stage: Stage, label: str, width: int, height: int, depth: float, lowest: int
    ) -> float | None:
        height_px = self.focal_px * HEIGHTS_M.get(label, _OTHER_M) * rng.uniform(0.94, 1.06) / depth
        scale = height_px / height
        fitting = lowest <= height_px <= stage.height - 4 and width * scale <= _WIDEST * stage.width
        return scale if fitting and scale <= MOST_ENLARGED else None

    def _at(
        self, rng: np.random.Generator, stage: Stage, piece: Piece, depth: float, anchor: Piece | None
    ) -> Piece | None:
        """Its feet on the ground at this depth; across, near the anchor if there is one."""
        y = round(self.horizon + self.focal_px * self.camera_m / depth) - piece.placed.height
        least_y, most_y = stage.range_y(piece.placed.height)
        least, most = stage.range_x(piece.placed.width)
        if anchor is not None:
            least = max(least, anchor.placed.x - piece.placed.width + 1)
            most = min(most, anchor.placed.x + anchor.placed.width - 1)
        if least > most or not least_y <= y <= most_y:
            return None
        return piece.at(int(rng.integers(least, most + 1)), y)
