"""Layout `ground`: things stand on one ground plane, so that the nearer is lower, larger and in front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.free import fits
from amodal.challenge.pieces import MOST_ENLARGED, Piece, cut_out_piece, random_unknown, texture_piece
from amodal.challenge.record import SourceKind
from amodal.challenge.sources import CutOut, Sources
from amodal.challenge.stage import Stage

# Real heights in metres, and the room a thing needs in depth.
HEIGHTS_M = {"person": 1.7, "pedestrian": 1.7, "cyclist": 1.75, "car": 1.5, "bicycle": 1.1, "motorcycle": 1.35,
             "van": 2.1, "truck": 3.1, "bus": 3.1, "tram": 3.4}  # fmt: skip
_OTHER_M = 1.5
DEPTHS_M = {"person": 0.7, "pedestrian": 0.7, "cyclist": 1.2, "bicycle": 0.8, "motorcycle": 1.0}
OTHER_DEPTH_M = 2.0
_LOWEST_PX, _LOWEST_FRONT_PX = 40, 90
_WIDEST = 0.85
_PLACES = 40
_TEXTURE_M2, _TEXTURE_HIGHEST_M = (0.3, 1.2), 1.9


@dataclass
class Ground:
    """The plane of one scene.

    Attributes:
        horizon: row of the horizon in pixels.
        camera_m: the camera's height over the ground in metres.
        focal_px: focal length.
        depth_m: how far the furthest thing is so far, its own depth included.
    """

    sources: Sources
    backgrounds: Backgrounds
    horizon: float
    camera_m: float
    focal_px: float
    depth_m: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator, stage: Stage, sources: Sources, backgrounds: Backgrounds) -> Ground:
        """A plane as photos from a street have it."""
        return cls(
            sources,
            backgrounds,
            horizon=stage.height * rng.uniform(0.38, 0.46),
            camera_m=rng.uniform(1.35, 1.75),
            focal_px=max(stage.width, stage.height) * rng.uniform(0.85, 1.1),
        )

    def first(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int]) -> Piece | None:
        """The nearest object."""
        depth = self.nearest_m(stage) * math.exp(rng.uniform(0.02, 0.5))
        piece = self.standing(rng, stage, self._one(rng, ids), "object", depth, _LOWEST_FRONT_PX)
        return None if piece is None else self.at(rng, stage, piece, depth, None)

    def behind(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int], level: str) -> Piece | None:
        """An object further away than all others, hidden as the level says."""
        cut_out = self._one(rng, ids)
        depth = self.depth_m + DEPTHS_M.get(cut_out.label, OTHER_DEPTH_M) * rng.uniform(0.9, 2.2)
        piece = self.standing(rng, stage, cut_out, "object", depth, _LOWEST_PX)
        if piece is None:
            return None
        before = self.depth_m
        anchor = None if level == "L0" else stage.pieces[int(rng.integers(len(stage.pieces)))]
        for _ in range(_PLACES):
            tried = self.at(rng, stage, piece, depth, anchor)
            if tried is not None and fits(stage, tried, level):
                return tried
        self.depth_m = before
        return None

    def unknown(self, rng: np.random.Generator, stage: Stage, ids: Sequence[int]) -> Piece | None:
        """An unknown occluder on the ground, nearer than what is put behind it."""
        if stage.pieces:
            depth = self.depth_m + rng.uniform(0.5, 1.5)
        else:
            depth = self.nearest_m(stage) * math.exp(rng.uniform(0.05, 0.4))
        return self.unknown_at(rng, stage, depth)

    def unknown_at(self, rng: np.random.Generator, stage: Stage, depth: float) -> Piece | None:
        """An unknown occluder at this distance, anywhere across."""
        cut_out = random_unknown(rng, self.sources, self.backgrounds)
        if cut_out is None:
            px_per_m = self.focal_px / depth
            area = rng.uniform(*_TEXTURE_M2) * px_per_m**2
            highest = min(round(_TEXTURE_HIGHEST_M * px_per_m), stage.height - 4)
            piece = texture_piece(rng, self.sources, self.backgrounds, area, highest, round(0.5 * stage.width))
        else:
            piece = self.standing(rng, stage, cut_out, "unknown", depth, _LOWEST_PX)
        return None if piece is None else self.at(rng, stage, piece, depth, None)

    def nearest_m(self, stage: Stage) -> float:
        """Distance of the ground that the picture's last rows show."""
        return self.focal_px * self.camera_m / (stage.height - 3 - self.horizon)

    def _one(self, rng: np.random.Generator, ids: Sequence[int]) -> CutOut:
        return self.sources.objects[ids[int(rng.integers(len(ids)))]]

    def standing(
        self, rng: np.random.Generator, stage: Stage, cut_out: CutOut, kind: SourceKind, depth: float, lowest: int
    ) -> Piece | None:
        """A cut-out as high as its class is at this distance."""
        height_px = self.focal_px * HEIGHTS_M.get(cut_out.label, _OTHER_M) * rng.uniform(0.94, 1.06) / depth
        scale = height_px / cut_out.height
        fitting = lowest <= height_px <= stage.height - 4 and cut_out.width * scale <= _WIDEST * stage.width
        return cut_out_piece(rng, self.sources, kind, cut_out.id, scale) if fitting and scale <= MOST_ENLARGED else None

    def at(
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
        self.depth_m = depth
        return piece.at(int(rng.integers(least, most + 1)), y)
