"""Photos with their boxes, from COCO JSON or our simple JSON.

The simple JSON is

    [{"file": "a.jpg", "width": 640, "height": 480, "boxes": [{"class": "car", "box": [x0, y0, x1, y1]}]}]

`width`, `height`, `class` and a box's `id` may be missing. The list may stand under `photos` in an object
that also says `boxes_are`. Where one photo is given, its entry or its list of boxes alone is enough.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from jaxtyping import Float64

from amodal.data.checks import XYXY_EXPECTED, check_boxes
from amodal.data.coco import boxes_kind, coco_objects, file_name_of, photo_folder, side_px, text_or_empty
from amodal.data.fields import Field, kind_of, read_json
from amodal.errors import InputError
from amodal.scene import BoxKind

Paths = Sequence[str | os.PathLike[str]]
SHAPES = "COCO JSON (images, annotations, categories) or a list of {file, boxes: [{box, class}]}"


@dataclass(frozen=True, eq=False)
class BoxedPhoto:
    """A photo and its boxes (XYXY pixels, read-only); its size is 0 × 0 where the file does not say."""

    path: Path
    width: int
    height: int
    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str | None, ...]
    ids: tuple[int, ...]
    boxes_are: BoxKind = "amodal"
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Paired:
    """A box file laid beside photos: what can be worked on, and what is wrong with the rest.

    `refused` has an error for every photo whose boxes are bad; `without_boxes` and `without_photo` are photos
    and names in the box file that have no counterpart.
    """

    photos: tuple[BoxedPhoto, ...]
    refused: tuple[InputError, ...]
    without_boxes: tuple[Path, ...]
    without_photo: tuple[str, ...]


def read_boxes(
    json_path: str | os.PathLike[str],
    photos: Paths | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    boxes_are: BoxKind | None = None,
) -> list[BoxedPhoto]:
    """Read the boxes of `photos`, in their order, or of every photo that the file names.

    Photos are found in the file by their name, or by as many of the folders before it as the file gives.
    Crowd regions (`iscrowd`) are left out, they are no single object.

    Args:
        json_path: COCO JSON or our simple JSON.
        photos: paths; further entries of the file are then of no interest.
        images: where photos lie that only the file names; else the file's own folder or `images` in it.
        boxes_are: overrules the file's own `boxes_are`; amodal where neither says.

    Raises:
        InputError: naming file and field; also a photo without an entry, or, without `photos`, an entry
            without its photo.
    """
    paired = pair_boxes(json_path, photos, images=images, boxes_are=boxes_are)
    where = os.fspath(json_path)
    if paired.refused:
        raise paired.refused[0]
    if paired.without_boxes:
        names = _listed([path.name for path in paired.without_boxes])
        raise InputError(where, "file", f"has no entry for {names}", "expected boxes for every photo")
    if photos is None and paired.without_photo:
        found = f"names {_listed(paired.without_photo)}, which cannot be found"
        raise InputError(where, "file", found, "expected every photo it names, or the folder they are in")
    return list(paired.photos)


def pair_boxes(
    json_path: str | os.PathLike[str],
    photos: Paths | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    boxes_are: BoxKind | None = None,
) -> Paired:
    """As `read_boxes`, but what is wrong with one photo does not keep the others from being used.

    Raises:
        InputError: the file as a whole cannot be read, or a photo's entry is not clear.
    """
    paths = None if photos is None else [Path(photo) for photo in photos]
    entries = read_entries(read_json(json_path), paths, images, boxes_are)
    if paths is None:
        found = [(entry.path, entry) for entry in entries if entry.path.is_file()]
        lost = [entry.name for entry in entries if not entry.path.is_file()]
        return _paired(found, [], lost)
    matches = match_photos(entries, paths, os.fspath(json_path))
    used = {id(entry) for entry in matches.values()}
    return _paired(
        [(path, matches[path]) for path in paths if path in matches],
        [path for path in paths if path not in matches],
        [entry.name for entry in entries if id(entry) not in used],
    )


def check_photo_size(photo: BoxedPhoto, width: int, height: int) -> BoxedPhoto:
    """Check boxes against the photo as it was found to be, once it is decoded; gives it back with that size.

    Raises:
        InputError: the box file speaks of another size (its boxes would be in another scale), or a box lies
            wholly outside.
    """
    where = os.fspath(photo.path)
    if (photo.width or width, photo.height or height) != (width, height):
        found = f"is {width} × {height} px"
        raise InputError(where, "size", found, f"expected {photo.width} × {photo.height} px as its boxes say")
    return replace(photo, boxes=check_boxes(photo.boxes, width, height, where), width=width, height=height)


@dataclass(frozen=True, eq=False)
class PhotoEntry:
    """One photo of a box file: its name there, where it should lie, its boxes or what is wrong with them."""

    name: str
    path: Path
    boxed: BoxedPhoto | None
    error: InputError | None = None


def _paired(found: list[tuple[Path, PhotoEntry]], without_boxes: list[Path], without_photo: list[str]) -> Paired:
    return Paired(
        photos=tuple(replace(entry.boxed, path=path) for path, entry in found if entry.boxed is not None),
        refused=tuple(entry.error for _, entry in found if entry.error is not None),
        without_boxes=tuple(without_boxes),
        without_photo=tuple(without_photo),
    )


class Named(Protocol):
    """Part of a file that is about one photo; without a name it is about the one photo given."""

    @property
    def name(self) -> str:
        """The photo's name in the file, with as many of its folders as the file gives."""


Entry = TypeVar("Entry", bound=Named)


def match_photos(entries: Sequence[Entry], photos: Sequence[Path], where: str) -> dict[Path, Entry]:
    """The entry of each photo: the one that agrees with most of its path, counted from the name backwards.

    Raises:
        InputError: `where` has several entries that could mean one photo, or one that could mean several.
    """
    by_name: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_name[Path(entry.name).name].append(entry)
    matches: dict[Path, Entry] = {}
    photo_of: dict[int, Path] = {}
    for photo in photos:
        candidates = by_name.get(photo.name) or [entry for entry in entries if not entry.name]
        if not candidates:
            continue
        agreeing = [_common_tail(photo, Path(entry.name)) for entry in candidates]
        if agreeing.count(max(agreeing)) > 1:
            found = f"{_listed([entry.name for entry in candidates])} could all mean {photo}"
            raise InputError(where, "file", found, "expected one entry for a photo")
        entry = candidates[agreeing.index(max(agreeing))]
        if photo_of.setdefault(id(entry), photo) != photo:
            found = f"{entry.name} could mean {photo_of[id(entry)]} and {photo}"
            raise InputError(where, "file", found, "expected an entry for each photo, named with its folder")
        matches[photo] = entry
    return matches


def _common_tail(photo: Path, name: Path) -> int:
    pairs = zip(reversed(photo.absolute().parts), reversed(name.parts), strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), len(name.parts))


def read_entries(
    root: Field, photos: list[Path] | None, images: str | os.PathLike[str] | None, boxes_are: BoxKind | None
) -> list[PhotoEntry]:
    """Every entry of a parsed file of boxes, good or not."""
    if isinstance(root.value, dict) and {"images", "annotations"} & root.value.keys():
        return coco_entries(root, images, boxes_are)
    kind = boxes_are or (boxes_kind(root) if isinstance(root.value, dict) else None)
    entries = _photo_fields(root, photos)
    first = next((entry.value["file"] for entry in entries if isinstance(entry.value.get("file"), str)), "")
    folder = photo_folder(root.file, images, first)
    found: dict[str, PhotoEntry] = {}
    for entry in entries:
        # Without a name it is about the one photo given; `_photo_fields` has seen to that.
        name = file_name_of(entry["file"]) if "file" in entry.value else ""
        if name in found:
            raise entry.error(f"is about {name or 'the one photo'} again", "one entry for a photo")
        found[name] = simple_entry(entry, name, folder, kind or boxes_kind(entry) or "amodal")
    return list(found.values())


def _photo_fields(root: Field, photos: list[Path] | None) -> list[Field]:
    """The entries of our simple JSON, whichever of its shapes the file has."""
    alone = photos is not None and len(photos) == 1
    if isinstance(root.value, dict):
        if "photos" in root.value:
            fields = list(root["photos"].items())
        elif "boxes" in root.value:
            fields = [root]
        else:
            raise root.error(f"has {_listed(list(root.value)) or 'nothing'}", SHAPES)
    elif isinstance(root.value, list):
        if _is_a_box(root.value[0]) if root.value else alone:
            fields = [Field(root.file, None, "", {"boxes": root.value})]
        else:
            fields = list(root.under("photos").items())
    else:
        raise root.error(f"is {kind_of(root.value)}", SHAPES)
    for field in fields:
        if "image_id" in field.object():
            raise field.error("is an annotation of COCO's without its file", SHAPES)
        if "file" not in field.value and not alone:
            raise field.error("does not say which photo it is about", "`file`, or exactly one photo given")
    return fields


def _is_a_box(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and "box" in value and "boxes" not in value)


def simple_entry(entry: Field, name: str, folder: Path, kind: BoxKind) -> PhotoEntry:
    """One photo of our simple JSON; `kind` is what its boxes hold where it does not say."""
    path = folder / name
    try:
        width, height = side_px(entry, "width"), side_px(entry, "height")
        fields = list(entry["boxes"].items())
        places = [box if isinstance(box.value, list) else box["box"] for box in fields]
        rows = [place.numbers(4, XYXY_EXPECTED) for place in places]
        boxes = check_boxes(rows, width, height, entry.file, lambda index: places[index].name)
        labels = [box.get("class", "label") if isinstance(box.value, dict) else None for box in fields]
        ids = [box.get("id") if isinstance(box.value, dict) else None for box in fields]
        boxed = BoxedPhoto(
            path=path,
            width=width,
            height=height,
            boxes=boxes,
            labels=tuple(None if label is None else label.text() for label in labels),
            ids=tuple(index if id is None else id.integer() for index, id in enumerate(ids)),
            boxes_are=kind,
            source=text_or_empty(entry.get("source")),
            licence=text_or_empty(entry.get("licence", "license")),
        )
        if len(set(boxed.ids)) != len(boxed.ids):
            raise entry["boxes"].error("have an id twice", "unique ids")
    except InputError as error:
        return PhotoEntry(name, path, None, error)
    return PhotoEntry(name, path, boxed)


def coco_entries(root: Field, images: str | os.PathLike[str] | None, boxes_are: BoxKind | None) -> list[PhotoEntry]:
    """Every photo of a parsed COCO file."""
    objects = coco_objects(root, images=images, boxes_are=boxes_are, bad_boxes="skip")
    errors = dict(reversed(objects.skipped))  # the first one of each photo
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(~objects.is_crowd).tolist():
        rows[int(objects.image_index[row])].append(row)
    entries = []
    for index, image in enumerate(objects.images):
        chosen = rows[index]
        boxes = objects.boxes[chosen].reshape(-1, 4)
        boxes.setflags(write=False)
        boxed = BoxedPhoto(
            path=image.path,
            width=image.width,
            height=image.height,
            boxes=boxes,
            labels=tuple(objects.labels[row] for row in chosen),
            ids=tuple(objects.ids[chosen].tolist()),
            boxes_are=objects.boxes_are,
            source=image.source,
            licence=image.licence,
        )
        error = errors.get(index)
        entries.append(PhotoEntry(image.file_name, image.path, boxed if error is None else None, error))
    return entries


def _listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
