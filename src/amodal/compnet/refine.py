"""Image-guided refinement: a coarse probability map is bent to the edges of the photo.

Takes a picture and a probability per pixel, gives a probability per pixel. One entry of `REFINEMENTS` each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from scipy.ndimage import binary_fill_holes

Refinement = Callable[
    [UInt8[np.ndarray, "height width 3"], Float32[np.ndarray, "height width"]],
    Float32[np.ndarray, "height width"],
]

_GRABCUT_ITERATIONS = 2
_SURE = 0.95
_GUIDE_SMOOTHNESS = 1e-3
_RADIUS_SHARE = 0.09  # of the shorter side: about 1.5 feature cells


def grabcut(
    picture: UInt8[np.ndarray, "height width 3"], probability: Float32[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width"]:
    """GrabCut started from the map: sure where the map is, colours decide the rest; holes are filled.

    The map itself comes back where it leaves nothing to decide. OpenCV's random state is seeded, so that
    the same input gives the same output.
    """
    sure = np.where(probability > _SURE, cv2.GC_FGD, cv2.GC_PR_FGD)
    unsure = np.where(probability < 1 - _SURE, cv2.GC_BGD, cv2.GC_PR_BGD)
    labels = np.where(probability > 0.5, sure, unsure).astype(np.uint8)
    foreground = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if min(foreground.sum(), (~foreground).sum()) < _FEWEST_PIXELS:
        return probability
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(bgr, labels, None, *models, _GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    mask = binary_fill_holes((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    return np.asarray(mask, np.float32)


_FEWEST_PIXELS = 16  # GrabCut fits five Gaussians to each side; with fewer pixels it fails


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
