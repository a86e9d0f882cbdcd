"""Convexity and simplicity of masks: how far a shape is from its convex hull, and from a circle [KINS, Eq 1].

A mask's pixel edges are a staircase, whose length says nothing of the length of the outline. So shapes are measured on
the outline through the middles of the pixel edges: a slanted side is straight there, and a corner loses an eighth of a
pixel. For the length, what departs from a straight line by less than half a pixel's diagonal is taken as straight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from amodal.masks import CropMask

STRAIGHT_PX = 0.71  # half a diagonal of a pixel: any straight line's pixels keep within it
CORNERS_LOST_PX = 0.5  # four right angles more to the one side than to the other, an eighth each


@dataclass(frozen=True)
class Shape:
    """Measured in pixels; holes make the area smaller and the perimeter longer."""

    area: float
    hull_area: float
    perimeter: float

    @property
    def convexity(self) -> float:
        """Area over the convex hull's area; 1 for a convex shape."""
        return min(1.0, self.area / self.hull_area)

    @property
    def simplicity(self) -> float:
        """√(4π · area) / perimeter; 1 for a circle, less for all else."""
        return min(1.0, math.sqrt(4 * math.pi * self.area) / self.perimeter)


def shape_of(mask: CropMask) -> Shape | None:
    """The shape of all parts of a mask together; None for an empty mask."""
    if mask.is_empty:
        return None
    x0, y0 = mask.box[:2]  # counted from there, because OpenCV reckons in float32
    outlines = [middles_of_edges(ring) - (x0, y0) for ring in mask.rings()]
    return Shape(
        area=mask.area,
        hull_area=hull_area(np.concatenate(outlines)) + CORNERS_LOST_PX,
        perimeter=sum(length(straightened(outline)) for outline in outlines),
    )


def shape_of_outline(corners: Float64[np.ndarray, "corners 2"]) -> Shape:
    """The shape of a polygon that does not cross itself, exactly as it is drawn."""
    return Shape(abs(signed_area(corners)), hull_area(corners), length(corners))


def middles_of_edges(ring: Int64[np.ndarray, "corners 2"]) -> Float64[np.ndarray, "n 2"]:
    """The middle of every pixel edge along a ring of pixel corners."""
    following = np.roll(ring, -1, axis=0)
    edges = np.abs(following - ring).sum(axis=1)
    step = np.sign(following - ring)
    place = np.arange(int(edges.sum())) - np.repeat(np.cumsum(edges) - edges, edges) + 0.5
    middles: Float64[np.ndarray, "n 2"] = (
        np.repeat(ring, edges, axis=0) + np.repeat(step, edges, axis=0) * place[:, None]
    )
    return middles


def straightened(outline: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "m 2"]:
    """The outline with fewer corners, none of those left out further than `STRAIGHT_PX` from it."""
    import cv2

    kept = cv2.approxPolyDP(outline.astype(np.float32)[:, None], STRAIGHT_PX, closed=True)
    return outline if len(kept) < 3 else kept[:, 0].astype(np.float64)


def hull_area(points: Float64[np.ndarray, "n 2"]) -> float:
    """Area of the convex hull."""
    import cv2

    hull = cv2.convexHull(points.astype(np.float32))
    return abs(signed_area(hull[:, 0].astype(np.float64)))


def signed_area(corners: Float64[np.ndarray, "n 2"]) -> float:
    """Shoelace formula; the sign tells which way round the corners go."""
    x, y = corners.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2


def length(corners: Float64[np.ndarray, "n 2"]) -> float:
    """Length of the closed line."""
    return float(np.hypot(*(np.roll(corners, -1, axis=0) - corners).T).sum())
