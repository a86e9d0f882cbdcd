"""A dense conditional random field over one object's crop, by mean field (Krähenbühl & Koltun 2011).

No library that is kept alive has one (pydensecrf is not built for current Pythons). A crop of 48 × 48 is small enough
that the kernel between all pairs of pixels is one matrix, exact, with no lattice to approximate it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from amodal.scene import XYXY


@dataclass(frozen=True)
class CrfSettings:
    """Weights and widths of the two kernels, as pydensecrf's example has them, in pixels of the crop."""

    side: int = 48
    """The crop is resampled to this many pixels each way."""
    rounds: int = 5
    """Of mean field."""
    colour_weight: float = 5.0
    """Of the kernel that joins pixels near each other and alike in colour."""
    colour_px: float = 12.0
    """How near."""
    colour: float = 12.0
    """How alike, in 8-bit values."""
    smooth_weight: float = 2.0
    """Of the kernel that joins pixels near each other, whatever their colour."""
    smooth_px: float = 2.0
    """How near."""


def polish(
    photo: UInt8[np.ndarray, "h w 3"],
    roi: XYXY,
    probabilities: Float32[np.ndarray, "rows cols"],
    settings: CrfSettings | None = None,
) -> Float32[np.ndarray, "side side"]:
    """Probabilities over the RoI that follow the colours of the photo below it, at the settings' resolution."""
    settings = settings or CrfSettings()
    side = settings.side
    colours = _crop(photo, roi, side).reshape(-1, 3).astype(np.float32)
    chances = cv2.resize(probabilities, (side, side), interpolation=cv2.INTER_LINEAR).reshape(-1)
    rows, columns = (axis.reshape(-1).astype(np.float32) for axis in np.mgrid[:side, :side])
    places = np.stack([rows, columns], axis=1)
    near = _squared_distances(places)
    alike = np.exp(-near / (2 * settings.colour_px**2) - _squared_distances(colours) / (2 * settings.colour**2))
    kernel = settings.colour_weight * _normalised(alike)
    kernel += settings.smooth_weight * _normalised(np.exp(-near / (2 * settings.smooth_px**2)))
    polished: np.ndarray = mean_field(chances, kernel, settings.rounds).reshape(side, side)
    return polished


def mean_field(
    chances: Float32[np.ndarray, " n"], kernel: Float32[np.ndarray, "n n"], rounds: int
) -> Float32[np.ndarray, " n"]:
    """Two labels, Potts penalty: each pixel's log odds plus what its neighbours say through the kernel."""
    clipped = np.clip(chances, 1e-3, 1 - 1e-3)
    unary = np.log(clipped) - np.log1p(-clipped)
    current: np.ndarray = clipped.astype(np.float32)
    for _ in range(rounds):
        # Σ_j k_ij [Q_j(1) − Q_j(0)]: a penalty of k for every pair that differs.
        field = unary + kernel @ (2 * current - 1)
        current = (1 / (1 + np.exp(-field))).astype(np.float32)
    return current


def _crop(photo: UInt8[np.ndarray, "h w 3"], roi: XYXY, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """The RoI resampled to a square; beyond the photo its edge goes on."""
    x0, y0, x1, y1 = roi
    step_x, step_y = (x1 - x0) / side, (y1 - y0) / side
    # From crop pixel centres to photo pixel centres.
    matrix = np.array([[step_x, 0, x0 + step_x / 2 - 0.5], [0, step_y, y0 + step_y / 2 - 0.5]])
    if max(step_x, step_y) > 1:
        photo = cv2.blur(photo, (max(1, round(step_x)), max(1, round(step_y))))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop: np.ndarray = cv2.warpAffine(photo, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return crop


def _squared_distances(values: Float32[np.ndarray, "n k"]) -> Float32[np.ndarray, "n n"]:
    squares = (values**2).sum(axis=1)
    distances: np.ndarray = np.maximum(squares[:, None] + squares - 2 * values @ values.T, 0)
    return distances


def _normalised(kernel: Float32[np.ndarray, "n n"]) -> Float32[np.ndarray, "n n"]:
    """Without self, divided by the roots of both pixels' sums, so that a weight means the same in any crop."""
    np.fill_diagonal(kernel, 0)
    roots = np.sqrt(kernel.sum(axis=1) + 1e-6)
    normal: np.ndarray = kernel / roots[:, None] / roots
    return normal
