"""What a request says, checked: a photo, and the boxes of its objects."""

from __future__ import annotations

import json
from typing import BinaryIO

from amodal.data.checks import XYXY_EXPECTED, check_boxes
from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.http.limits import is_deeper
from amodal.images import read_photo_from
from amodal.scene import BoxKind
from amodal.serve.line import Job
from amodal.serve.settings import Settings

EXPECTED = 'expected a list as [{"box": [x0, y0, x1, y1], "class": "car"}], where class may be left out'
_DEEPEST = 4
_LONGEST_NAME = 200


def job_of(photo: BinaryIO, boxes: str | None, boxes_are: BoxKind, least_score: float, settings: Settings) -> Job:
    """The job that a request asks for; decodes the photo.

    Raises:
        InputError: what is wrong with it.
    """
    fields = None if boxes is None or not boxes.strip() else _box_fields(boxes, settings.max_boxes)
    pixels = read_photo_from(photo, "", int(settings.max_megapixels * 1e6))
    if fields is None:
        return Job(pixels, None, (), boxes_are, least_score)
    places = [field if isinstance(field.value, list) else field["box"] for field in fields]
    rows = [place.numbers(4, XYXY_EXPECTED) for place in places]
    checked = check_boxes(rows, pixels.shape[1], pixels.shape[0], "", lambda index: places[index].name)
    return Job(pixels, checked, tuple(map(_label, fields)), boxes_are, least_score)


def plain_name(name: str | None) -> str:
    """The last part of a file's name, of which nothing but letters that can be printed is left."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:_LONGEST_NAME] or "photo"


def _box_fields(text: str, most: int) -> list[Field]:
    found = "is nested too deeply" if is_deeper(text.encode("utf-8", "replace"), _DEEPEST) else ""
    try:
        value = [] if found else json.loads(text)
    except ValueError as error:  # also an integer of 5,000 digits
        found = f"is not JSON ({error})"
    if found:
        raise InputError("", "boxes", found, EXPECTED)
    root = Field("", None, "boxes", value)
    if not isinstance(value, list):
        raise InputError("", "boxes", "is no list", EXPECTED)
    if len(value) > most:
        raise InputError("", "boxes", f"has {len(value):,}", f"expected at most {most:,}")
    return list(root.items())


def _label(field: Field) -> str | None:
    label = None if isinstance(field.value, list) else field.get("class", "label")
    return None if label is None else label.text()
