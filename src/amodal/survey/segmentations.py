"""One mask of an annotation, read as far as it can be: every broken polygon is noted, the rest makes the mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from amodal.data.fields import Field, kind_of, shortened
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.polygons import MAX_CROSSINGS
from amodal.survey.crossings import first_crossing
from amodal.survey.findings import Notes, child

Size = tuple[int, int]  # height, width
LOOK = "draw it again"
GONE = "the polygon is left out"
MARGIN_PX = 2.0


def examined_mask(
    segmentation: Field, size: Size, box: Sequence[float] | None, notes: Notes, flat: bool = False
) -> CropMask | None:
    """The mask as far as it can be read, None where nothing can; notes problems and the mended value.

    `box`, XYXY: what the annotation says holds the mask; it tells a swapped size from a wrong one. `flat`: the format
    has a single polygon in place of a list of them.
    """
    if isinstance(segmentation.value, dict):
        return _runs(segmentation, size, box, notes)
    if isinstance(segmentation.value, list):
        return _polygons(segmentation, size, box, notes, flat)
    found = "is missing" if segmentation.value is None else f"is {kind_of(segmentation.value)}"
    notes.note(segmentation, "mask missing", found, f"{LOOK}: polygons or RLE are expected")
    return None


def is_empty_rle(value: Any, size: Size) -> bool:
    """Whether it is a sound mask without a pixel, as of an object that is hidden wholly."""
    mask = _with_size(value, size) if isinstance(value, dict) and value.get("size") == list(size) else None
    return mask is not None and mask.is_empty


def _runs(segmentation: Field, size: Size, box: Sequence[float] | None, notes: Notes) -> CropMask | None:
    try:
        mask = CropMask.from_coco_rle(segmentation.value, segmentation.name)
    except InputError as error:
        found = ": ".join(part for part in (error.field, error.found) if part)
        notes.note(segmentation, "broken RLE", found, f"{LOOK}; {error.expected}")
        return None
    if (mask.height, mask.width) == size:
        if mask.is_empty:
            notes.note(segmentation, "empty mask", "covers no pixel", f"{LOOK} or remove the annotation")
            return None
        return mask
    found = f"has size {mask.height} × {mask.width} (height × width), its photo {size[0]} × {size[1]}"
    turned = _with_size(segmentation.value, size) if (mask.width, mask.height) == size else None
    if turned is not None and box is not None and _box_iou(turned.box, box) > 0.5:
        notes.note(segmentation, "RLE of wrong size", found, "swap height and width", mended="swapped")
        notes.change(segmentation, {**segmentation.value, "size": list(size)})
        return turned
    notes.note(segmentation, "RLE of wrong size", found, f"{LOOK} on the photo of that size")
    return None


def _polygons(
    segmentation: Field, size: Size, box: Sequence[float] | None, notes: Notes, flat: bool
) -> CropMask | None:
    value: list[Any] = segmentation.value
    is_flat = bool(value) and not any(isinstance(item, list) for item in value)
    if is_flat and not flat:
        advice = "put it into a list: a mask is a list of polygons"
        notes.note(segmentation, "flat polygon", "is one polygon", advice, mended="put into a list")
        notes.change(segmentation, [value])
    if is_flat:
        segmentation = Field(segmentation.file, segmentation.parent, segmentation.key, [value])
    kept, before = [], len(notes.problems)
    for number in range(len(segmentation.value)):
        kept += _outlines(child(segmentation, number), size, box, notes)
    mask = _filled(kept, size)
    if mask is None or mask.is_empty:
        notes.worsen(before)
        found = "has no polygon" if not segmentation.value else "covers no pixel"
        notes.note(segmentation, "empty mask", found, f"{LOOK} or remove the annotation")
        return None
    if kept != segmentation.value:
        notes.change(segmentation, kept[0] if flat and len(kept) == 1 else kept)
    return mask


def _outlines(polygon: Field, size: Size, box: Sequence[float] | None, notes: Notes) -> list[list[float]]:
    """The polygon itself, mended ones, or none."""
    value = polygon.value
    if not isinstance(value, list):
        notes.note(polygon, "polygon of no numbers", f"is {kind_of(value)}", LOOK, mended=GONE)
        return []
    bad = next((index for index, item in enumerate(value) if not _is_number(item)), None)
    if bad is not None and len(value) % 2 == 0:
        points = [value[k : k + 2] for k in range(0, len(value), 2)]
        fine = [number for point in points if all(map(_is_number, point)) for number in point]
        said = f"has {shortened(value[bad])} among its coordinates"
        mended = "the corner is left out" if len(fine) >= 6 else GONE
        notes.note(polygon, "NaN in a polygon", said, LOOK, mended=mended)
        return [fine] if len(fine) >= 6 else []
    if bad is not None:
        notes.note(polygon, "NaN in a polygon", f"has {shortened(value[bad])} and an odd count", LOOK, mended=GONE)
        return []
    if len(value) % 2:
        fits = len(value) >= 7 and box is not None and _within(value[:-1], box)
        mended = "the last number is left out, the rest fits the box" if fits else GONE
        found = f"has {len(value)} coordinates, an odd number"
        notes.note(polygon, "odd coordinates", found, "find the number that is missing or too many", mended=mended)
        return [value[:-1]] if fits else []
    if len(value) < 6:
        found = f"has {len(value) // 2} points, a polygon needs 3"
        notes.note(polygon, "polygon of fewer than 3 points", found, LOOK, mended=GONE, severity="doubtful")
        return []
    return _uncrossed(polygon, size, notes)


def _uncrossed(polygon: Field, size: Size, notes: Notes) -> list[list[float]]:
    corners = np.array(polygon.value, np.float64).reshape(-1, 2)
    if np.ptp(corners, axis=0).sum() * len(corners) > MAX_CROSSINGS or np.abs(corners).max() > 1e9:
        notes.note(polygon, "polygon far outside", "leaves the photo by far", LOOK, mended=GONE)
        return []
    sides = first_crossing(corners)
    if sides is None:
        return [polygon.value]
    found = f"crosses itself: sides {sides[0]} and {sides[1]}"
    advice = "sort its points; what it encloses twice is read as outside"
    filled = _filled([polygon.value], size)
    mended = "the outlines of the pixels that it is read as"
    notes.note(polygon, "polygon crosses itself", found, advice, mended=mended, severity="doubtful")
    return [] if filled is None else filled.to_polygons()


def _filled(outlines: Sequence[Any], size: Size) -> CropMask | None:
    try:
        return CropMask.from_polygons(outlines, *size) if outlines else None
    except InputError:
        return None


def _with_size(encoded: dict[str, Any], size: Size) -> CropMask | None:
    try:
        return CropMask.from_coco_rle({**encoded, "size": list(size)})
    except InputError:
        return None


def _box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    width, height = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    common = max(0.0, width) * max(0.0, height)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (both - common) if common else 0.0


def _within(coordinates: Sequence[float], box: Sequence[float]) -> bool:
    x, y = coordinates[::2], coordinates[1::2]
    inside = min(x) >= box[0] - MARGIN_PX and max(x) <= box[2] + MARGIN_PX
    return inside and min(y) >= box[1] - MARGIN_PX and max(y) <= box[3] + MARGIN_PX


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
    )
