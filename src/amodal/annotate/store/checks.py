"""What rows may hold: names, boxes, outlines and masks, checked before anything is written."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from amodal.annotate.errors import Forbidden, Invalid
from amodal.annotate.store.tables import PHOTO_NAME_LENGTH, Person, Photo
from amodal.errors import InputError
from amodal.masks import CropMask

MAX_NAME = 100  # characters
MAX_CORNERS = 100_000
MAX_SECONDS = 7 * 24 * 3600
_FARTHEST = 10  # a box may reach this many picture sizes beyond the picture
_SHORT = 8000  # characters of run lengths
_FORBIDDEN = '<>"\\\x7f'


def permit(by: Person, *roles: str) -> None:
    """Refuse who has none of the roles, or is no longer active.

    Raises:
        Forbidden: that is so.
    """
    if not by.active:
        raise Forbidden(f"{by.name} is not active any more")
    if not set(roles) & set(by.roles):
        raise Forbidden(f"this needs the role {' or '.join(roles)}; {by.name} is {', '.join(by.roles)}")


def check_name(name: str, field: str, longest: int = MAX_NAME) -> str:
    """The name of a person, class or project without spaces around it.

    Raises:
        Invalid: empty, too long, with slashes, angle brackets or characters that do not print.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > longest:
        raise Invalid(f"{field}: found {len(name)} characters, expected 1 to {longest}", field)
    bad = next((one for one in name if one in _FORBIDDEN + "/" or not one.isprintable()), None)
    if bad is not None:
        raise Invalid(f'{field}: found the character {bad!r}, expected none of / \\ < > " or control characters', field)
    return name


def check_photo_name(name: str) -> str:
    """The path of a photo below its folder, with forward slashes.

    Raises:
        Invalid: it leads elsewhere or has characters that no photo's name needs.
    """
    if not name or len(name) > PHOTO_NAME_LENGTH:
        raise Invalid(f"name: found {len(name)} characters, expected 1 to {PHOTO_NAME_LENGTH}", "name")
    if any(one in _FORBIDDEN or not one.isprintable() for one in name):
        raise Invalid(f'name: found {name!r}, expected none of \\ < > " or control characters', "name")
    if any(part in ("", ".", "..") for part in name.split("/")) or ":" in name.split("/", maxsplit=1)[0]:
        raise Invalid(f"name: found {name!r}, expected a path below the folder of the photos", "name")
    return name


def check_box(box: Sequence[float], photo: Photo) -> tuple[float, float, float, float]:
    """A box XYXY that has a size and meets the picture; it may leave it.

    Raises:
        Invalid: it does not.
    """
    numbers = tuple(float(edge) for edge in box)
    if len(numbers) != 4 or not all(math.isfinite(edge) for edge in numbers):
        raise Invalid(f"box: found {list(box)}, expected four finite numbers x0, y0, x1, y1", "box")
    x0, y0, x1, y1 = numbers
    if x0 >= x1 or y0 >= y1:
        raise Invalid(f"box: found {list(numbers)}, expected x0 < x1 and y0 < y1", "box")
    if min(x1, photo.width - x0, y1, photo.height - y0) <= 0:
        raise Invalid(f"box: {list(numbers)} lies outside the picture of {photo.width} × {photo.height} px", "box")
    if max(x1 - x0, -x0) > _FARTHEST * photo.width or max(y1 - y0, -y0) > _FARTHEST * photo.height:
        raise Invalid(f"box: {list(numbers)} is more than {_FARTHEST} pictures large", "box")
    return x0, y0, x1, y1


def check_polygons(polygons: Sequence[Sequence[float]]) -> list[list[float]]:
    """Outlines [[x, y, x, y, …]] with three corners and more.

    Raises:
        Invalid: one is no outline, or they have too many corners.
    """
    listed = [[float(number) for number in outline] for outline in polygons]
    if sum(map(len, listed)) > 2 * MAX_CORNERS:
        raise Invalid(f"polygons: found more than {MAX_CORNERS} corners in all", "polygons")
    for number, outline in enumerate(listed):
        if len(outline) < 6 or len(outline) % 2:
            found = f"polygons: outline {number} has {len(outline)} numbers"
            raise Invalid(f"{found}, expected x, y of at least three corners", "polygons")
        if not all(math.isfinite(value) and abs(value) < 1e6 for value in outline):
            raise Invalid(f"polygons: outline {number} has a coordinate that is no pixel", "polygons")
    return listed


def mask_from_polygons(polygons: Sequence[Sequence[float]], photo: Photo) -> CropMask:
    """The pixels of outlines; even-odd within one, all of them together.

    Raises:
        Invalid: all of them lie outside the picture.
    """
    if polygons and not any(_meets(outline, photo) for outline in polygons):
        raise Invalid(f"polygons: all lie outside the picture of {photo.width} × {photo.height} px", "polygons")
    try:
        return CropMask.from_polygons(polygons, photo.height, photo.width)
    except InputError as error:
        raise Invalid(str(error), "polygons") from error


def mask_from_rle(code: Any, photo: Photo, field: str) -> CropMask:
    """A mask from COCO's run lengths of the photo's size.

    Raises:
        Invalid: it is none.
    """
    try:
        mask = CropMask.from_coco_rle(code, field)
    except InputError as error:
        raise Invalid(str(error), field) from error
    if (mask.height, mask.width) != (photo.height, photo.width):
        found = f"{field}: found a mask of {mask.width} × {mask.height} px"
        raise Invalid(f"{found}, expected the photo's {photo.width} × {photo.height}", field)
    return mask


def counts(mask: CropMask) -> str:
    """A mask as the tables keep it."""
    return str(mask.to_coco_rle()["counts"])


def mask_of(kept: str, photo: Photo) -> CropMask:
    """A mask from what the tables keep."""
    if len(kept) > _SHORT:
        return _decoded.__wrapped__(kept, photo.height, photo.width)
    return _decoded(kept, photo.height, photo.width)


@lru_cache(2048)  # the same masks are looked at over and over, and never change; long ones would fill the memory
def _decoded(kept: str, height: int, width: int) -> CropMask:
    return CropMask.from_coco_rle({"size": [height, width], "counts": kept})


def rle_of(kept: str, photo: Photo) -> dict[str, Any]:
    """COCO's object around what the tables keep."""
    return {"size": [photo.height, photo.width], "counts": kept}


def _meets(outline: Sequence[float], photo: Photo) -> bool:
    x, y = outline[::2], outline[1::2]
    return min(x) < photo.width and max(x) > 0 and min(y) < photo.height and max(y) > 0
