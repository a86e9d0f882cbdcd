"""Between the cells of an object's lattice and the photo's pixels: evidence from posteriors. No torch is needed."""

from __future__ import annotations

import sys
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from amodal.compnet.refine import Refinement
from amodal.features.lattice import XYXY, Lattice, pixel_window
from amodal.reasoning import Evidence
from amodal.reasoning.evidence import Window

LEAST_PROBABILITY = 1e-4  # no pixel is ever certain: log-evidence stays within ±9.2
_MOST_REFINED_PX = 256
_ALLOWED_PX = 1.0  # that a mask may reach beyond the visible box it was given
_NEVER = -12.0  # log-evidence below that of any map (1e-4)


def evidence_from(
    posteriors: Float32[np.ndarray, "3 rows cols"],
    lattice: Lattice,
    photo: UInt8[np.ndarray, "h w 3"],
    refinement: Refinement | None = None,
) -> Evidence:
    """Posteriors of F, O and C, on the cells of a padded lattice or finer, as log-evidence on the photo's pixels."""
    window = pixel_window(lattice.box, photo.shape[1], photo.shape[0])
    if refinement is None:
        pixels = cells_to_pixels(posteriors, lattice, window)
    else:
        pixels = _refined(posteriors, lattice, photo, window, refinement)
    np.maximum(pixels, LEAST_PROBABILITY, out=pixels)
    visible, occluded, context = np.log(pixels, out=pixels)
    return Evidence(window, visible, occluded, context, lattice.box, lattice.cell_area)


def seen_within(evidence: Evidence, box: XYXY) -> Evidence:
    """The evidence of an object of which nothing is seen outside that box: what looks like it there is hidden.

    A pixel more is allowed on each side, since boxes that people draw are about right.
    """
    x0, y0, x1, y1 = evidence.window
    x, y = np.arange(x0, x1), np.arange(y0, y1)
    across = (x + 1 > box[0] - _ALLOWED_PX) & (x < box[2] + _ALLOWED_PX)
    down = (y + 1 > box[1] - _ALLOWED_PX) & (y < box[3] + _ALLOWED_PX)
    inside = np.outer(down, across).reshape(evidence.foreground.shape)
    hidden = np.logaddexp(evidence.foreground, evidence.occluded)
    return replace(
        evidence,
        foreground=np.where(inside, evidence.foreground, np.float32(_NEVER)),
        occluded=np.where(inside, evidence.occluded, hidden),
    )


def cells_to_pixels(
    cells: Float32[np.ndarray, "maps rows cols"], lattice: Lattice, window: tuple[int, int, int, int]
) -> Float32[np.ndarray, "maps h w"]:
    """Bilinear upsampling of maps on a lattice, or finer by a whole number, to the pixels of a window."""
    down, across = lattice.sampling(window, cells.shape[1] // lattice.shape.padded[0])
    return _product(down, cells, across)


def _refined(
    cells: Float32[np.ndarray, "3 rows cols"],
    lattice: Lattice,
    photo: UInt8[np.ndarray, "h w 3"],
    window: Window,
    refinement: Refinement,
) -> Float32[np.ndarray, "3 h w"]:
    """The line between object and context follows the photo's edges; what the outlier explains stays as it is.

    The refinement sees the surroundings too (it learns their colours), in a picture of limited size.
    """
    around = pixel_window(lattice.padded_box, photo.shape[1], photo.shape[0])
    x0, y0, x1, y1 = around
    picture = photo[y0:y1, x0:x1]
    pixels = cells_to_pixels(cells, lattice, around)
    shrink = min(1.0, _MOST_REFINED_PX / max(picture.shape[:2]))
    size = (max(1, round((x1 - x0) * shrink)), max(1, round((y1 - y0) * shrink)))
    explained = pixels[0] + pixels[2]
    object_share = pixels[0] / np.maximum(explained, 1e-6)
    small = refinement(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
        cv2.resize(object_share, size, interpolation=cv2.INTER_AREA),
    )
    share = np.clip(cv2.resize(small, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR), 0.02, 0.98)
    refined = np.stack([explained * share, pixels[1], explained * (1 - share)])
    return refined[:, window[1] - y0 : window[3] - y0, window[0] - x0 : window[2] - x0]


def share_of_cells(
    lattice: Lattice, visible: Bool[np.ndarray, "h w"], width: int, height: int
) -> Float32[np.ndarray, "rows cols"]:
    """Share of each cell that is visible; surroundings beyond the box count as visible."""
    window = pixel_window(lattice.box, width, height)
    down, across = lattice.sampling(window)
    covered = down.sum(0)[:, None] * across.sum(1)[None]
    hidden = _product(down.T, (~visible).astype(np.float32), across.T)
    share: np.ndarray = 1 - hidden / np.maximum(covered, 1e-6)
    return share.astype(np.float32)


def _product(
    left: Float32[np.ndarray, "h rows"],
    maps: Float32[np.ndarray, "... rows cols"],
    right: Float32[np.ndarray, "cols w"],
) -> Float32[np.ndarray, "... h w"]:
    """left @ maps @ right; by torch where it is at work: numpy's BLAS has threads of its own, which get in its way."""
    torch = sys.modules.get("torch")
    if torch is None:
        alone: np.ndarray = left @ maps @ right
        return alone
    product: np.ndarray = (torch.from_numpy(left) @ torch.from_numpy(maps) @ torch.from_numpy(right)).numpy()
    return product
