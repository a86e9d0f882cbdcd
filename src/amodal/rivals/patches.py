"""Square patches around an object that may be hidden: photo and masks into network input, probabilities back out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from amodal.features.crops import Pyramid
from amodal.masks import CropMask, IntBox

REACH = 1.5
"""How far beyond the visible part the hidden one is looked for, in longest sides of the visible part."""
_LEAST_SIDE = 1.5  # of a patch, in longest sides of the visible part: there is always something around it to see
_BORDER = 1.1


@dataclass(frozen=True)
class Patch:
    """A square window of the photo: its upper left corner and its side in photo pixels; may leave the photo."""

    x0: float
    y0: float
    side: float


def patch_around(visible: IntBox, eraser: IntBox) -> Patch:
    """The square that holds the visible part's box and what lies of the eraser's box within reach of it.

    The object's hidden part lies under the eraser, so this is where it can be; a fixed multiple of the visible part's
    box, as in the published code, would show little hidden parts coarsely and cut large ones off.
    """
    x0, y0, x1, y1 = visible
    longest = max(x1 - x0, y1 - y0, 1)
    reach = REACH * longest
    within = (
        max(eraser[0], x0 - reach),
        max(eraser[1], y0 - reach),
        min(eraser[2], x1 + reach),
        min(eraser[3], y1 + reach),
    )
    left, top, right, bottom = float(x0), float(y0), float(x1), float(y1)
    if within[0] < within[2] and within[1] < within[3]:
        left, top, right, bottom = (
            min(left, within[0]),
            min(top, within[1]),
            max(right, within[2]),
            max(bottom, within[3]),
        )
    side = max(_BORDER * max(right - left, bottom - top), _LEAST_SIDE * longest)
    return Patch((left + right - side) / 2, (top + bottom - side) / 2, side)


def photo_patch(photo: Pyramid, patch: Patch, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The photo inside the patch, `size` × `size` px; beyond the photo it is black."""
    whole = photo.level(0)
    level = photo.level(_halvings(patch, size))
    scale = (level.shape[1] / whole.shape[1], level.shape[0] / whole.shape[0])
    return cv2.cvtColor(_sampled(level, (0, 0), scale, patch, size), cv2.COLOR_RGBA2RGB)


def mask_patch(mask: CropMask, patch: Patch, size: int) -> Float32[np.ndarray, "size size"]:
    """The share of every cell of the patch that the mask covers, 0 to 1."""
    if mask.is_empty:
        return np.zeros((size, size), np.float32)
    whole = mask.to_crop().astype(np.float32)
    level: np.ndarray = whole
    for _ in range(_halvings(patch, size)):
        if min(level.shape) < 2:
            break
        smaller = (max(1, level.shape[1] // 2), max(1, level.shape[0] // 2))
        level = cv2.resize(level, smaller, interpolation=cv2.INTER_AREA)
    scale = (level.shape[1] / whole.shape[1], level.shape[0] / whole.shape[0])
    return _sampled(level, mask.box[:2], scale, patch, size)


def in_photo(values: Float32[np.ndarray, "size size"], patch: Patch, box: IntBox) -> Float32[np.ndarray, "h w"]:
    """A map over the patch, read at every photo pixel of `box`; 0 beyond the patch."""
    x0, y0, x1, y1 = box
    step = values.shape[0] / patch.side
    # Pixel centres are at +0.5 in our coordinates and at integers in OpenCV's.
    matrix = np.array(
        [[step, 0, (x0 + 0.5 - patch.x0) * step - 0.5], [0, step, (y0 + 0.5 - patch.y0) * step - 0.5]], np.float64
    )
    return cv2.warpAffine(values, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def network_input(
    photo: UInt8[np.ndarray, "size size 3"],
    visible: Float32[np.ndarray, "size size"],
    eraser: Float32[np.ndarray, "size size"],
) -> Float32[np.ndarray, "5 size size"]:
    """Normalised image, visible mask, eraser mask; wherever the eraser touches a cell the image is blank (0, its mean).

    In training the photo still shows the object under the eraser, at test it shows the occluder: blank, both look alike
    and nothing of the answer can be seen.
    """
    normal = (photo.astype(np.float32) - 127) / 128  # tf_efficientnet_lite0 was trained with mean and deviation .5
    seen: Bool[np.ndarray, "size size"] = eraser <= 0
    return np.concatenate([(normal * seen[..., None]).transpose(2, 0, 1), visible[None], eraser[None]])


def _halvings(patch: Patch, size: int) -> int:
    return max(0, int(np.log2(max(patch.side / size, 1.0))))


def _sampled(
    level: np.ndarray, origin: Sequence[float], scale: tuple[float, float], patch: Patch, size: int
) -> np.ndarray:
    """`level`, whose first pixel is at `origin` of the photo, `scale` of its pixels per photo pixel, over the patch."""
    step = patch.side / size
    matrix = np.array(
        [
            [step * scale[0], 0, (patch.x0 + 0.5 * step - origin[0]) * scale[0] - 0.5],
            [0, step * scale[1], (patch.y0 + 0.5 * step - origin[1]) * scale[1] - 0.5],
        ],
        np.float64,
    )
    return cv2.warpAffine(level, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
