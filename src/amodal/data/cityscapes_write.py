"""Cityscapes' instance pictures written: one owner for each pixel, class * 1000 + number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from amodal.data.cityscapes import CLASSES, CLASSES_FILE, FORMAT, NUMBERS, STUFF, SUFFIX
from amodal.data.coco import mask_of
from amodal.data.entries import Entry, Head
from amodal.data.fields import Field
from amodal.data.kins_write import depth_of
from amodal.data.losses import Losses, note_fields, note_ids, note_losses, note_photo_id, place_of
from amodal.data.write import new_folder, writing_to
from amodal.errors import InputError
from amodal.masks import CropMask

SAYS = frozenset({"modal", "ignore"})
MAX_CLASS = 64  # 65 * 1000 + 999 is more than 16 bits


def write_cityscapes(entries: Iterable[Entry], head: Head, out: Path, losses: Losses) -> None:
    """Write `out/NAME_instanceIds.png` for every photo, and `classes.json` where classes are not Cityscapes' own.

    Where two objects claim a pixel, the one in front has it.

    Raises:
        InputError: `out` is there already, two photos of one name, more classes than 16 bits can number.
    """
    ids = _ClassIds(dict(head.classes) if head.format == FORMAT else {}, os.fspath(out))
    with new_folder(out) as building:
        for entry in entries:
            same = entry.read is not None and entry.read.format == FORMAT
            file = building / _name(entry, same)
            if file.exists():
                raise InputError(os.fspath(out), str(entry.scene.image), "two photos of this name", "expected one")
            picture = Image.fromarray(_painted(entry, ids, same, losses))
            with writing_to(out, "folder"):
                file.parent.mkdir(parents=True, exist_ok=True)
                picture.save(file, format="PNG")
            if not same:
                note_losses(entry, SAYS, losses)
                note_fields(entry, losses, of_objects={"cityscapes"}, of_photos={STUFF})
                note_photo_id(entry, losses)
        if ids.names != CLASSES:
            names = {str(number): name for number, name in sorted(ids.names.items())}
            with writing_to(out, "folder"):
                (building / CLASSES_FILE).write_text(json.dumps(names, indent=1, ensure_ascii=False) + "\n", "utf-8")


class _ClassIds:
    """Cityscapes' ids, and free ones for other classes."""

    def __init__(self, given: dict[int, str], where: str) -> None:
        self.names, self._where = given or dict(CLASSES), where
        self._ids = {name: number for number, name in self.names.items()}

    def of(self, label: str) -> int:
        if label not in self._ids:
            free = [number for number in [*range(34, MAX_CLASS + 1), *range(1, 34)] if number not in self.names]
            if not free:
                raise InputError(self._where, label, "one class too many", f"expected at most {MAX_CLASS}")
            self._ids[label] = free[0]
            self.names[free[0]] = label
        return self._ids[label]


def _painted(entry: Entry, ids: _ClassIds, same: bool, losses: Losses) -> np.ndarray:
    scene, depth = entry.scene, depth_of(entry.scene)
    picture = np.zeros((scene.height, scene.width), np.uint16)
    for number, mask in _stuff(entry):
        _paint(picture, mask, number)
    regions = () if entry.read is None or entry.read.truth.ignore != entry.truth.ignore else entry.read.regions
    for number, mask in enumerate(entry.truth.ignore):
        value = regions[number].get("cityscapes") if number < len(regions) else None
        if isinstance(value, int) and value in ids.names:
            _paint(picture, mask, value)
        else:
            losses.note("a region to ignore, of no known class", f"{place_of(entry)}: {mask.box}")
    values: dict[int, int] = {}
    for one in sorted(scene.instances, key=lambda one: -depth[one.id]):
        value = _value(entry.fields_of(one).get("cityscapes"), ids.of(one.label), set(values.values()))
        if value is None:
            losses.note(f"more than {NUMBERS - 1} objects of a class in a photo", place_of(entry, one))
            continue
        values[one.id] = value
        if one.modal.is_empty:
            losses.note("an object without a visible pixel", place_of(entry, one))
        if _paint(picture, one.modal, value):
            losses.note("a pixel's second owner (by objects)", place_of(entry, one))
    if not same:
        note_ids(entry, values, losses)
    return picture


def _stuff(entry: Entry) -> Iterator[tuple[int, CropMask]]:
    """Value and mask of what is neither object nor group; JSON carried it along, so it may be anything."""
    if entry.read is None or STUFF not in entry.read.photo:
        return
    listed = Field(place_of(entry), None, STUFF, entry.read.photo[STUFF])
    size = entry.scene.height, entry.scene.width
    for key in listed.object():
        if not (key.isascii() and key.isdecimal() and 0 < int(key) < NUMBERS):
            raise listed[key].error("is no value of such a pixel", f"1 to {NUMBERS - 1}")
        yield int(key), mask_of(listed[key], *size)


def _value(before: object, category: int, used: set[int]) -> int | None:
    """The value that the object had, if it still fits; else the next that is free."""
    if isinstance(before, int) and before // NUMBERS == category and before not in used:
        return before
    values = range(category * NUMBERS, (category + 1) * NUMBERS)
    return next((value for value in values if value not in used), None)


def _paint(picture: np.ndarray, mask: CropMask, value: int) -> bool:
    """Paint it; returns whether an object stood there."""
    x0, y0, x1, y1 = mask.box
    window, inside = picture[y0:y1, x0:x1], mask.to_crop()
    covers = bool((window[inside] >= NUMBERS).any())
    window[inside] = value
    return covers


def _name(entry: Entry, same: bool) -> str:
    if same and entry.read is not None:
        return str(entry.read.photo["file"])
    return entry.flat_name.removesuffix("_leftImg8bit") + SUFFIX
