"""Formats that are COCO's JSON with other fields for the masks: what they differ in, and how they are read.

A format is a `Dialect`: the names of its fields, and a function that writes an object's masks. Reading a photo is its
`Reader` on a file of that one photo, so a single photo is read as the whole file would be; see `dialect_write` for the
way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amodal.data.entries import AsRead, Codes, Entry, Head
from amodal.data.fields import Field
from amodal.data.index import JsonIndex, Rows
from amodal.data.truth import Reader, Truth
from amodal.errors import InputError, NoSplits
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

COMMON = frozenset({"id", "image_id", "category_id", "iscrowd", "score"})
COMMON_PHOTO = frozenset({"id", "file_name", "width", "height"})

Numbers = Mapping[int, Mapping[str, Any]]  # instance id -> the fields that say its place in the order
_PLACE = re.compile(r"\b(annotations|order)\[(\d+)\]")


def no_numbers(scene: Scene) -> Numbers:
    """Of a format without an order."""
    return {}


def own_id(fields: Mapping[str, Any], row: int) -> int:
    """An object's id, or its row where it has none."""
    return int(fields.get("id", row))


def nothing_on_top(first: Entry) -> Mapping[str, Any]:
    """Of a format that says nothing of the file."""
    return {}


def nothing_of_photo(entry: Entry, first: Entry) -> Mapping[str, Any]:
    """Of a format that says no more of a photo than others do."""
    return {}


@dataclass(frozen=True)
class Dialect:
    """A format in COCO's clothes.

    Attributes:
        name: of the format.
        reader: makes truths of a parsed file.
        keys, photo_keys: fields of an object and of a photo that mean something here, beside the common ones.
        whole, visible: the fields of the two masks, where there are.
        says: see `losses.note_losses`.
        masks: the fields of an object's masks and boxes, with the codes of the masks where they are known.
        numbers: the fields that say the order.
        said: the edges (front, behind) that a reader will find in what was written.
        key: an object's fields and its row -> its id in the scene.
        classes: class ids that belong to the format.
        top, photo: fields at the top of a file, made for its first entry; fields of a photo, beside that first one.
        order_from_masks: a reader takes the order from the masks alone.
        needs_numbers: a reader refuses objects without them.
        lists_order: the order is a list at the top of the file.
    """

    name: str
    reader: Reader
    keys: frozenset[str]
    says: frozenset[str]
    masks: Callable[[Instance, Codes, Truth], Mapping[str, Any]]
    said: Callable[[Scene], set[tuple[int, int]]]
    numbers: Callable[[Scene], Numbers] = no_numbers
    whole: str | None = None
    visible: str | None = None
    photo_keys: frozenset[str] = frozenset()
    key: Callable[[Mapping[str, Any], int], int] = own_id
    classes: Mapping[int, str] | None = None
    top: Callable[[Entry], Mapping[str, Any]] = nothing_on_top
    photo: Callable[[Entry, Entry], Mapping[str, Any]] = nothing_of_photo
    order_from_masks: bool = False
    needs_numbers: bool = False
    lists_order: bool = False

    def codes(self, fields: Mapping[str, Any], seen_whole: bool) -> Codes:
        """The masks of an object as written; a whole one that stands alone is visible too, where nothing hides it."""
        whole = None if self.whole is None else fields.get(self.whole)
        visible = None if self.visible is None else fields.get(self.visible)
        return Codes(whole, whole if visible is None and seen_whole else visible)


@dataclass(frozen=True, eq=False)
class DialectSource:
    """The photos of an indexed file, one by one."""

    dialect: Dialect
    index: JsonIndex
    images: Path | None
    numbers: tuple[int, ...]  # photos of the index that belong to the split

    @classmethod
    def of(cls, dialect: Dialect, index: JsonIndex, images: Path | None, split: str | None) -> DialectSource:
        """All photos, or those of the split.

        Raises:
            InputError: the file has no splits.
        """
        numbers = tuple(range(len(index)))
        if split is not None:
            splits = [index.rows(number).image.value.get("split") for number in numbers]
            if not any(splits):
                raise NoSplits(str(index.path), "images", "have no splits", "expected no --split")
            numbers = tuple(number for number, own in zip(numbers, splits, strict=True) if own == split)
        return cls(dialect, index, images, numbers)

    @property
    def head(self) -> Head:
        """What the file says once."""
        root = Field(str(self.index.path), None, "", self.index.head)
        listed = root.get("categories")
        if listed is None:
            return Head(self.dialect.name, self.dialect.classes or {}, self.index.head)
        classes = {entry["id"].integer(): entry["name"].text() for entry in listed.items()}
        return Head(self.dialect.name, classes, self.index.head)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int, /) -> Entry:
        """Read one photo.

        Raises:
            InputError: naming the file, the place in its list, the annotation's id and the field.
        """
        rows = self.index.rows(self.numbers[number])
        content = {**self.index.head, "images": [rows.image.value], "annotations": list(rows.annotations)}
        if "order" not in self.index.head:
            content["order"] = list(rows.order)
        try:
            (truth,) = self.dialect.reader(Field(str(self.index.path), None, "", content), self.images, None)
        except InputError as error:
            raise _in_the_file(error, rows, self.numbers[number]) from error
        read = self._as_read(truth, rows)
        truth = _with_extras(truth, read.objects)
        return Entry(truth, replace(read, truth=truth))

    def _as_read(self, truth: Truth, rows: Rows) -> AsRead:
        crowd = [bool(fields.get("iscrowd")) for fields in rows.annotations]
        is_ours = "instance_id" in self.dialect.keys
        objects = {
            self.dialect.key(fields, row): fields
            for row, fields in enumerate(rows.annotations)
            if is_ours or not crowd[row]
        }
        hidden = {one.id for one in truth.scene.instances if one.modal != one.amodal}
        return AsRead(
            format=self.dialect.name,
            truth=truth,
            photo=rows.image.value,
            objects=objects,
            regions=() if is_ours else tuple(f for f, hidden in zip(rows.annotations, crowd, strict=True) if hidden),
            codes={number: self.dialect.codes(fields, number not in hidden) for number, fields in objects.items()},
            own=(self.dialect.keys | COMMON) - {"meta", "instance_id"},  # other formats carry these along
            own_photo=self.dialect.photo_keys | COMMON_PHOTO,
        )


def rle_of(mask: CropMask, code: Any) -> Any:
    """The mask as written before, else as RLE."""
    return code if _usable(code) else mask.to_coco_rle()


def polygons_of(mask: CropMask, code: Any) -> Any:
    """The mask as written before, else as polygons along its pixels' edges, which give the same pixels back."""
    return code if _usable(code) else mask.to_polygons()


def xywh(box: Sequence[float]) -> list[float]:
    """XYXY as COCO has it."""
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def whole_box(instance: Instance, truth: Truth) -> list[float]:
    """The box of the whole object, XYWH: its own, or its mask's where its own is of the visible part."""
    return xywh(instance.box if truth.scene.boxes_are == "amodal" else instance.amodal.box)


def _usable(code: Any) -> bool:
    """Fragments of one or two corners are let pass by some of our readers, and by nobody else's."""
    if isinstance(code, list):
        return bool(code) and all(isinstance(outline, list) and len(outline) >= 6 for outline in code)
    return isinstance(code, dict)


def _in_the_file(error: InputError, rows: Rows, number: int) -> InputError:
    """The same error with places of the file instead of the photo, and the annotation's id."""
    places = {"annotations": (rows.annotation_places, rows.annotations), "order": (rows.order_places, rows.order)}

    def there(match: re.Match[str]) -> str:
        name, row = match[1], int(match[2])
        place, fields = places[name][0][row], places[name][1][row]
        own = fields.get("id") if name == "annotations" else None
        return f"{name}[{place}]" if own is None else f"{name}[{place}] (id {own})"

    def mended(text: str) -> str:
        return _PLACE.sub(there, text.replace("images[0]", f"images[{number}]"))

    return InputError(mended(error.where), mended(error.field), error.found, error.expected)


def _with_extras(truth: Truth, objects: Mapping[int, Mapping[str, Any]]) -> Truth:
    """Score and `meta` are ours, but other formats carry them along: an object has them again when read."""
    instances = [_with_own_extras(one, objects.get(one.id, {})) for one in truth.scene.instances]
    return replace(truth, scene=truth.scene.with_instances(instances))


def _with_own_extras(instance: Instance, fields: Mapping[str, Any]) -> Instance:
    score, meta = fields.get("score"), fields.get("meta")
    if isinstance(score, int | float) and not isinstance(score, bool) and score != instance.score:
        instance = replace(instance, score=float(score))
    if isinstance(meta, dict) and any(key not in instance.meta for key in meta):
        instance = replace(instance, meta={**meta, **instance.meta})
    return instance
