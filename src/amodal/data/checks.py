"""Are these boxes boxes? The same questions for every file format and for arrays from Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from amodal.errors import InputError

# A box may leave the picture and keep its extent, but no object is this far away or this large.
MAX_COORDINATE = 10_000_000.0
XYXY_EXPECTED = "[x0, y0, x1, y1]"


def check_boxes(
    boxes: ArrayLike,
    width: int,
    height: int,
    where: str,
    name: Callable[[int], str] = "boxes[{}]".format,
) -> Float64[np.ndarray, "n 4"]:
    """Check XYXY boxes in pixels against a photo of `width` × `height` (0 × 0 where unknown).

    A box may leave the photo, but some of it must lie inside. No boxes at all are fine.

    Args:
        boxes: n × 4.
        width: of the photo.
        height: of the photo.
        where: the file or call, for the error.
        name: what an error calls box number i (counted from 0).

    Returns:
        The boxes as a read-only float64 array.

    Raises:
        InputError: not n × 4 numbers, NaN, infinite or absurdly far, reversed, without area, wholly outside.
    """
    checked = _as_array(boxes, where)
    for index in _doubtful(checked, width, height):
        problem = box_problem(checked[index].tolist(), width, height)
        if problem is not None:
            raise InputError(where, name(int(index)), *problem)
    checked.setflags(write=False)
    return checked


def box_problem(box: Sequence[float], width: int, height: int) -> tuple[str, str] | None:
    """What is wrong with an XYXY box as (found, expected), or None."""
    x0, y0, x1, y1 = box
    shown = f"[{x0:g}, {y0:g}, {x1:g}, {y1:g}]"
    if not all(math.isfinite(value) for value in box):
        return f"is {shown}", "expected finite numbers"
    if max(abs(value) for value in box) > MAX_COORDINATE:
        return f"is {shown}", f"expected coordinates within ±{MAX_COORDINATE:,.0f} px"
    if x1 < x0 or y1 < y0:
        return f"{shown} has reversed corners", "expected x0 < x1 and y0 < y1"
    if x1 == x0 or y1 == y0:
        return f"{shown} has no area", "expected x0 < x1 and y0 < y1"
    if x1 <= 0 or y1 <= 0 or (width > 0 and x0 >= width) or (height > 0 and y0 >= height):
        size = f" of {width} × {height} px" if width > 0 and height > 0 else ""
        return f"{shown} lies wholly outside", f"expected a box that reaches into the photo{size}"
    return None


def _as_array(boxes: ArrayLike, where: str) -> Float64[np.ndarray, "n 4"]:
    try:
        array = np.array(boxes, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(where, "boxes", f"are no numbers ({error})", "expected n × 4 numbers") from error
    if array.size == 0 and array.ndim <= 2:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        shape = " × ".join(map(str, array.shape)) or "a single number"
        raise InputError(where, "boxes", f"have shape {shape}", f"expected n × 4, {XYXY_EXPECTED} each")
    return array


def _doubtful(boxes: Float64[np.ndarray, "n 4"], width: int, height: int) -> np.ndarray:
    """The numbers of the boxes that fail any test, all tested at once (NaN fails every comparison)."""
    x0, y0, x1, y1 = boxes.T
    fine = (np.abs(boxes) <= MAX_COORDINATE).all(axis=1) & (x0 < x1) & (y0 < y1) & (x1 > 0) & (y1 > 0)
    fine &= (x0 < (width or np.inf)) & (y0 < (height or np.inf))
    return np.flatnonzero(~fine)
