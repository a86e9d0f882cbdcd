"""An annotation's boxes and areas beside its masks, which they should follow from."""

from __future__ import annotations

from amodal.data.checks import box_problem
from amodal.data.fields import Field, shortened
from amodal.masks import CropMask
from amodal.survey.findings import Notes, child, missing_or
from amodal.survey.layouts import Layout, xyxy_of
from amodal.survey.tables import Photo

BOX_PX = 3.0  # boxes and polygons are rounded each in its own way
AREA_SHARE, AREA_PX = 0.1, 30


def examine_whole_measures(
    annotation: Field, mask: CropMask | None, photo: Photo, layout: Layout, notes: Notes
) -> None:
    """Box and area of the whole object; None as mask is one that cannot be read."""
    if layout.whole_box is not None:
        place = child(annotation, layout.whole_box)
        if place.value is not None or layout.needs_box:
            _examine_box(place, mask, photo, layout, notes)
    if layout.whole_area is not None and mask is not None:
        _examine_area(child(annotation, layout.whole_area), mask, notes)


def examine_visible_measures(annotation: Field, mask: CropMask, photo: Photo, layout: Layout, notes: Notes) -> None:
    """Box and area of the visible part, which may be left out."""
    if layout.visible_box is not None:
        place = child(annotation, layout.visible_box)
        if place.value is not None:
            _examine_box(place, mask, photo, layout, notes)
    if layout.visible_area is not None:
        _examine_area(child(annotation, layout.visible_area), mask, notes)


def _examine_box(place: Field, mask: CropMask | None, photo: Photo, layout: Layout, notes: Notes) -> None:
    box = xyxy_of(place.value)
    tight = None if mask is None or mask.is_empty else mask.box
    new = None if tight is None else [tight[0], tight[1], tight[2] - tight[0], tight[3] - tight[1]]
    mended = "" if new is None else "made from the mask"
    problem = None if box is None else box_problem(box, photo.width, photo.height)
    if box is None or problem is not None:
        found = missing_or(shortened, place.value) if problem is None else problem[0]
        notes.note(place, "broken box", found, "[x, y, width, height] in the photo is expected", mended=mended)
    elif tight is None or layout.free_boxes:
        return
    else:
        frame = (photo.width, photo.height, photo.width, photo.height)
        cut = [min(max(edge, 0.0), side) for edge, side in zip(box, frame, strict=True)]
        apart = max(abs(edge - side) for edge, side in zip(cut, tight, strict=True))
        if apart <= BOX_PX:
            return
        found = f"is {shortened(place.value)}, the mask's is {new}"
        notes.note(place, "box is not the mask's", found, "make it anew", mended=mended, severity="doubtful")
    if new is not None:
        notes.change(place, new)


def _examine_area(place: Field, mask: CropMask, notes: Notes) -> None:
    area = place.value
    if area is None:
        return
    is_number = isinstance(area, int | float) and not isinstance(area, bool)
    if not is_number or not abs(area - mask.area) <= max(AREA_PX, AREA_SHARE * mask.area):  # NaN is not <= either
        found = f"is {shortened(area)}, the mask has {mask.area} px"
        notes.note(place, "area is not the mask's", found, "count it again", mended="counted", severity="doubtful")
        notes.change(place, mask.area)
