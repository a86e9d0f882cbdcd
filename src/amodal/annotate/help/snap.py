"""A polygon drawn by hand, moved onto edges of the photo nearby.

The outline is cut into short steps. Every point of it may move along its normal by some pixels; it earns the strength
of the edge there (the gradient across the outline) and pays for moving apart from its neighbours. The best way round
is found by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float64, Int64, UInt8

from amodal.errors import InputError
from amodal.polygons import check_outline

REACH_PX = 6
STEP_PX = 2.0
MAX_POINTS = 4000
MAX_SIDE_PX = 32_000  # OpenCV's remap counts in 16 bits
STIFFNESS = 0.04  # what a difference of one pixel between neighbours costs, where the strongest edge earns 1
LEASH = 0.02  # what the whole reach costs: without any edge nothing moves
TOLERANCE_PX = 0.5

Points = Float64[np.ndarray, "points 2"]


def snapped(photo: UInt8[np.ndarray, "h w 3"], outline: Sequence[float], reach_px: int = REACH_PX) -> list[float]:
    """The outline [x, y, x, y, …] on edges within `reach_px` of it; what lies outside the photo stays.

    Raises:
        InputError: it is no polygon, or the photo is too long for this.
    """
    if max(photo.shape) > MAX_SIDE_PX:
        raise InputError("photo", "size", f"a side of {max(photo.shape):,} px", f"expected at most {MAX_SIDE_PX:,} px")
    points = _in_steps(check_outline(outline, "polygon"))
    offsets = np.arange(-reach_px, reach_px + 1, dtype=np.float64)
    normals = _normals(points)
    places = points[:, None, :] + offsets[None, :, None] * normals[:, None, :]
    strength = _edges_across(photo, points, places, normals, reach_px)
    strength -= LEASH * np.abs(offsets) / reach_px
    height, width = photo.shape[:2]
    outside = (points <= 0).any(axis=1) | (points[:, 0] >= width) | (points[:, 1] >= height)
    strength[outside] = np.where(offsets == 0, 0.0, -1e6)
    chosen = _best_way_round(strength)
    moved = places[np.arange(len(points)), chosen]
    return [round(float(edge), 2) for edge in _fewer(moved).ravel()]


def _in_steps(corners: Points) -> Points:
    """Points every few pixels along the outline."""
    following = np.roll(corners, -1, axis=0)
    lengths = np.hypot(*(following - corners).T)
    step = max(STEP_PX, float(lengths.sum()) / MAX_POINTS)
    pieces = []
    for start, end, length in zip(corners, following, lengths, strict=True):
        shares = np.arange(max(1, round(length / step))) / max(1, round(length / step))
        pieces.append(start + shares[:, None] * (end - start))
    return np.concatenate(pieces)


def _normals(points: Points) -> Points:
    along = np.roll(points, -2, axis=0) - np.roll(points, 2, axis=0)
    length = np.maximum(np.hypot(*along.T), 1e-9)
    normals: Points = np.stack([along[:, 1], -along[:, 0]], axis=1) / length[:, None]
    return normals


def _edges_across(
    photo: UInt8[np.ndarray, "h w 3"],
    points: Points,
    places: Float64[np.ndarray, "points offsets 2"],
    normals: Points,
    reach_px: int,
) -> Float64[np.ndarray, "points offsets"]:
    """How strongly the photo changes along the normal at each place, 1 for the strongest around."""
    height, width = photo.shape[:2]
    margin = reach_px + 4
    x0, y0 = np.clip(np.floor(points.min(axis=0)).astype(int) - margin, 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(points.max(axis=0)).astype(int) + margin, 1, [width, height])
    window = cv2.GaussianBlur(np.ascontiguousarray(photo[y0:y1, x0:x1]), (0, 0), 1.0).astype(np.float32)
    across, down = (cv2.Sobel(window, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    # A pixel's middle is at + .5.
    map_x = (places[..., 0] - x0 - 0.5).astype(np.float32)
    map_y = (places[..., 1] - y0 - 0.5).astype(np.float32)
    sides = (cv2.remap(one, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for one in (across, down))
    change = sum(side * normals[:, None, None, axis] for axis, side in enumerate(sides))
    strength: Float64[np.ndarray, "points offsets"] = np.abs(change).max(axis=2).astype(np.float64)
    return strength / max(float(strength.max()), 8.0)  # of what changes less, nothing is an edge


def _best_way_round(strength: Float64[np.ndarray, "points offsets"]) -> Int64[np.ndarray, " points"]:
    """For every point one offset, so that the sum of strength less the cost of steps is the largest; a closed way.

    Walked twice: the first walk says where a way through the first point goes, the second begins and ends there.
    """
    first = _best_way(strength, None)
    middle = len(strength) // 2
    fixed = int(first[middle])
    turned = np.roll(strength, -middle, axis=0)
    return np.roll(_best_way(turned, fixed), middle)


def _best_way(strength: Float64[np.ndarray, "points offsets"], fixed: int | None) -> Int64[np.ndarray, " points"]:
    count, choices = strength.shape
    numbers = np.arange(choices)
    cost = STIFFNESS * (numbers[:, None] - numbers[None, :]) ** 2
    best = strength[0].copy()
    if fixed is not None:
        best[numbers != fixed] = -1e9
    came_from = np.zeros((count, choices), np.int64)
    for point in range(1, count):
        ways = best[:, None] - cost
        came_from[point] = ways.argmax(axis=0)
        best = ways.max(axis=0) + strength[point]
    last = int((best if fixed is None else best - cost[:, fixed]).argmax())
    chosen = np.zeros(count, np.int64)
    for point in range(count - 1, -1, -1):
        chosen[point] = last
        last = int(came_from[point, last])
    return chosen


def _fewer(points: Points) -> Points:
    """The same outline with as few corners as half a pixel allows."""
    fewer = cv2.approxPolyDP(points.astype(np.float32)[:, None], TOLERANCE_PX, True)[:, 0].astype(np.float64)
    return fewer if len(fewer) >= 3 else points
