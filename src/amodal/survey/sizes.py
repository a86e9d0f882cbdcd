"""How large each photo is: what its entry says, beside the file on the disk and the masks drawn on it.

A wrong entry must not take sound annotations out: where the photo itself or most of its masks say another size, it is
the entry that is mended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amodal.data.fields import Field, shortened
from amodal.errors import InputError
from amodal.images import photo_size
from amodal.survey.findings import Notes, child, missing_or
from amodal.survey.layouts import Layout, value_of, xyxy_of

Size = tuple[int, int]  # height, width
LEAST_MASKS = 2  # that agree, where the photo itself cannot be asked
PROPORTIONS = 0.01  # a photo of the same ones is rather a scaled one
MARGIN_PX = 3.0


@dataclass
class Drawings:
    """What the annotations of one photo say of its size.

    Attributes:
        frames: (height, width) of run-length masks -> how many.
        reach: the lowest and the rightmost end of a box: (y, x).
    """

    frames: Counter[Size] = field(default_factory=Counter)
    reach: tuple[float, float] = (0.0, 0.0)

    @property
    def frame(self) -> Size | None:
        """The size of more than half of the masks."""
        (best, count), *_ = self.frames.most_common(1) or [((0, 0), 0)]
        return best if 2 * count > self.frames.total() else None

    def fit(self, size: Size) -> bool:
        """Whether the boxes lie inside."""
        return all(end <= side + MARGIN_PX for end, side in zip(self.reach, size, strict=True))


def drawings_of(root: Field, layout: Layout) -> dict[Any, Drawings]:
    """Id of a photo -> what its annotations say, read as far as they can be."""
    found: dict[Any, Drawings] = {}
    listed = root.value.get("annotations")
    for annotation in listed if isinstance(listed, list) else ():
        number = value_of(annotation, "image_id")
        if not isinstance(number, int | float):
            continue
        drawings = found.setdefault(number, Drawings())
        regions = value_of(annotation, "regions")
        for one in regions if isinstance(regions, list) else (annotation,):
            drawings.frames.update(_frames(value_of(one, key) for key in (layout.whole, layout.visible)))
            box = xyxy_of(value_of(one, layout.whole_box))
            if box is not None:
                drawings.reach = max(drawings.reach[0], box[3]), max(drawings.reach[1], box[2])
    return found


def examined_size(image: Field, folder: Path | None, drawings: Drawings, notes: Notes) -> Size:
    """(height, width) that the entry, mended if need be, says; zeros where nobody knows it."""
    said = image.value.get("height"), image.value.get("width")
    wrong = [side for side, value in zip(("height", "width"), said, strict=True) if not _is_side(value)]
    real = _real_size(image, folder, notes)
    if wrong:
        true = real or _agreed(drawings)
        mended = "" if true is None else "taken from the photo" if real else "taken from the masks"
        for side in wrong:
            found, advice = missing_or(shortened, image.value.get(side)), f"write the photo's {side} in px"
            notes.note(child(image, side), "photo without size", found, advice, mended=mended)
        _change(image, true, notes)
        return true or (0, 0)
    true = _true_size((said[0], said[1]), real, drawings)
    if real is not None and real != said:
        found = f"is said to be {said[0]} × {said[1]} px (height × width), the file has {real[0]} × {real[1]}"
        advice = "use the photo that was annotated" if true is None else "write the photo's own size"
        mended = "" if true is None else "taken from the photo"
        notes.note(child(image, "height"), "photo of another size", found, advice, mended=mended)
    elif true is not None:
        found = f"is said to be {said[0]} × {said[1]} px (height × width), its masks are {true[0]} × {true[1]}"
        advice, mended = "write the size of the photo that they were drawn on", "taken from the masks"
        notes.note(child(image, "height"), "photo of another size", found, advice, mended=mended)
    _change(image, true, notes)
    return true or (said[0], said[1])


def _true_size(said: Size, real: Size | None, drawings: Drawings) -> Size | None:
    """The size that is meant instead of the one that is said; None where that one stands."""
    if real is None:
        agreed = _agreed(drawings)
        # Sides swapped in all masks are rather the masks' fault.
        return agreed if agreed not in (said, said[::-1]) else None
    if real == said:
        return None
    if drawings.frames:
        return real if drawings.frame == real else None
    is_scaled = abs(real[0] * said[1] / (real[1] * said[0]) - 1) < PROPORTIONS
    return real if drawings.fit(real) and not is_scaled else None


def _agreed(drawings: Drawings) -> Size | None:
    frame = drawings.frame
    return frame if frame is not None and drawings.frames[frame] >= LEAST_MASKS and drawings.fit(frame) else None


def _change(image: Field, size: Size | None, notes: Notes) -> None:
    for side, number in zip(("height", "width"), size or (), strict=False):
        if image.value.get(side) != number:
            notes.change(child(image, side), number)


def _frames(masks: Iterable[Any]) -> Iterable[Size]:
    for mask in masks:
        size = value_of(mask, "size")
        if isinstance(size, list) and len(size) == 2 and all(map(_is_side, size)):
            yield size[0], size[1]


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**16


def _real_size(image: Field, folder: Path | None, notes: Notes) -> Size | None:
    name = image.value.get("file_name")
    if folder is None or not isinstance(name, str) or not name:
        return None
    path = folder / name
    try:
        width, height = photo_size(path)
    except InputError as error:
        kind = "photo unreadable" if path.is_file() else "photo missing"
        found = f"cannot be read ({error.found})" if path.is_file() else f"is not in {folder}"
        notes.note(child(image, "file_name"), kind, found, "put the photo there")
        return None
    return height, width
