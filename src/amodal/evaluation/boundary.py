"""Boundary F: how well outlines agree, within a pixel or two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float64, UInt8

from amodal.masks import CropMask

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def boundary_f(
    true: Sequence[CropMask], predicted: Sequence[CropMask], tolerance_px: float
) -> Float64[np.ndarray, " masks"]:
    """F of each pair: harmonic mean of precision and recall of boundary pixels.

    A mask's boundary are its pixels with one of the four neighbours outside the mask; what ends at the frame
    has no boundary there, for nobody sees one. A boundary pixel is right when the other boundary has one within
    `tolerance_px` (distance of centres). 1 where neither has a boundary, 0 where one of them has none.
    """
    return np.array([_f(one, other, tolerance_px) for one, other in zip(true, predicted, strict=True)], np.float64)


def _f(true: CropMask, predicted: CropMask, tolerance_px: float) -> float:
    if true is predicted:
        return 1.0
    if true.is_empty or predicted.is_empty:
        return float(true.is_empty and predicted.is_empty)
    margin = math.ceil(tolerance_px) + 1
    x0, y0 = (max(0, min(true.box[i], predicted.box[i]) - margin) for i in (0, 1))
    x1 = min(true.width, max(true.box[2], predicted.box[2]) + margin)
    y1 = min(true.height, max(true.box[3], predicted.box[3]) + margin)
    edges = [_boundary(mask.to_crop((x0, y0, x1, y1))) for mask in (true, predicted)]
    counts = [int(np.count_nonzero(edge)) for edge in edges]
    if not all(counts):
        return float(not any(counts))
    near = [_grown(edge, tolerance_px) for edge in edges]
    recall = np.count_nonzero(edges[0] & near[1]) / counts[0]
    precision = np.count_nonzero(edges[1] & near[0]) / counts[1]
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _boundary(mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Within the window; its rim is either the frame's or lies outside the mask."""
    dense = mask.astype(np.uint8)
    inner = np.asarray(cv2.erode(dense, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=1))
    return np.asarray(dense - inner, np.uint8)


def _grown(edge: UInt8[np.ndarray, "h w"], tolerance_px: float) -> UInt8[np.ndarray, "h w"]:
    reach = math.floor(tolerance_px)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (y * y + x * x <= tolerance_px * tolerance_px).astype(np.uint8)
    return np.asarray(cv2.dilate(edge, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0))
