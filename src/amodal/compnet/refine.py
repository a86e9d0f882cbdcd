"""Image-guided refinement: a coarse probability map is bent to the edges of the photo.

Takes a picture and a probability per pixel, gives a probability per pixel. One entry of `REFINEMENTS` each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy.ndimage import binary_fill_holes

Refinement = Callable[
    [UInt8[np.ndarray, "height width 3"], Float32[np.ndarray, "height width"]],
    Float32[np.ndarray, "height width"],
]

_GRABCUT_ITERATIONS = 2
_START = 0.38  # what is at least this likely starts as object: GrabCut is better at giving up than at gaining
_SURE = 0.82  # above, and below one minus this, the map decides alone
_FEWEST_PIXELS = 16  # GrabCut fits five Gaussians to each side; with fewer pixels it fails
_LEAST_EXTENT = 0.9  # a cut that loses more of the object's extent has lost a part of it (a roof, the feet)
_GUIDE_SMOOTHNESS = 1e-3
_RADIUS_SHARE = 0.09  # of the shorter side: about 1.5 feature cells


def grabcut(
    picture: UInt8[np.ndarray, "height width 3"], probability: Float32[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width"]:
    """The mean of the map and of GrabCut started from it: where both are half sure, colours decide.

    Holes of the cut are filled. The map itself comes back where it leaves nothing to decide or where the cut lost a
    part of the object. OpenCV's own random state is seeded: same in, same out.
    """
    likely = np.where(probability > _SURE, cv2.GC_FGD, cv2.GC_PR_FGD)
    unlikely = np.where(probability < 1 - _SURE, cv2.GC_BGD, cv2.GC_PR_BGD)
    start = probability > _START
    labels = np.where(start, likely, unlikely).astype(np.uint8)
    if min(start.sum(), (~start).sum()) < _FEWEST_PIXELS:
        return probability
    cv2.setRNGSeed(0)
    background_model, foreground_model = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    cv2.grabCut(bgr, labels, None, background_model, foreground_model, _GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    cut = binary_fill_holes((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    if extent(cut) < _LEAST_EXTENT * extent(probability > 0.5):
        return probability
    return np.asarray(0.5 * cut + 0.5 * probability, np.float32)


def extent(mask: Bool[np.ndarray, "height width"]) -> int:
    """Area of the mask's bounding box in pixels."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int((rows[-1] - rows[0] + 1) * (cols[-1] - cols[0] + 1)) if len(rows) else 0


def guided(
    picture: UInt8[np.ndarray, "height width 3"], probability: Float32[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width"]:
    """The guided filter (He et al. 2010) with the picture's grey values as guide, clipped to [0, 1]."""
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(2, round(_RADIUS_SHARE * min(picture.shape[:2])))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, (2 * radius + 1, 2 * radius + 1))

    mean_guide, mean_map = mean(guide), mean(probability)
    covariance = mean(guide * probability) - mean_guide * mean_map
    variance = mean(guide * guide) - mean_guide**2
    slope = covariance / (variance + _GUIDE_SMOOTHNESS)
    offset = mean_map - slope * mean_guide
    return np.asarray(np.clip(mean(slope) * guide + mean(offset), 0, 1), np.float32)


REFINEMENTS: Mapping[str, Refinement] = {"guided": guided, "grabcut": grabcut}
