"""COCO JSON. Boxes and labels are read here, masks there, so that learning from boxes never sees a mask."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.data.checks import box_problem
from amodal.data.fields import Field, read_json
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.rle import MAX_FRAME_PX, MAX_SIDE_PX
from amodal.scene import BoxKind

XYWH_EXPECTED = "[x, y, width, height]"
Value = TypeVar("Value")


@dataclass(frozen=True)
class CocoImage:
    """A photo as its file describes it: sizes in pixels, 0 where the file has none; texts may be empty."""

    id: int
    file_name: str
    path: Path
    width: int
    height: int
    source: str
    licence: str
    split: str


@dataclass(frozen=True, eq=False)
class CocoBoxes:
    """All objects of a COCO file as columns, in the file's order; nothing in here was derived from a mask.

    `image_index` counts into `images`; `boxes` are XYXY pixels; `clean` and `clean64` are None where the file
    has no such flag. `skipped` holds (number of the image, what was wrong) of the boxes that were left out.
    """

    images: tuple[CocoImage, ...]
    categories: tuple[str, ...]
    ids: Int64[np.ndarray, " n"]
    image_index: Int64[np.ndarray, " n"]
    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str | None, ...]
    is_crowd: Bool[np.ndarray, " n"]
    clean: Bool[np.ndarray, " n"] | None
    clean64: Bool[np.ndarray, " n"] | None
    boxes_are: BoxKind
    skipped: tuple[tuple[int, InputError], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def splits(self) -> tuple[str, ...]:
        """The split of every object's photo, empty where the file has none."""
        return tuple(self.images[index].split for index in self.image_index)


def read_objects(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    boxes_are: BoxKind | None = None,
    bad_boxes: Literal["refuse", "skip"] = "refuse",
) -> CocoBoxes:
    """Read photos, boxes and labels, and the flags clean, clean64, iscrowd and split where there are any.

    `segmentation` and `area` are never looked at: the same file without them gives the same result.

    Args:
        path: the COCO JSON.
        images: the photos' folder; else the file's own folder or `images` in it.
        boxes_are: overrules the file's own `boxes_are`; amodal where neither says.
        bad_boxes: whether an impossible box (NaN, no area, outside its photo) ends the reading or is skipped.

    Raises:
        InputError: naming the file and the field.
    """
    return coco_objects(read_json(path), images=images, boxes_are=boxes_are, bad_boxes=bad_boxes)


def read_masks(path: str | os.PathLike[str], ids: Collection[int] | None = None) -> dict[int, CropMask]:
    """Read `segmentation` (RLE or polygons) of the annotations `ids`, or of all, for evaluation.

    Raises:
        InputError: an id is not in the file, or has no mask, or a broken one.
    """
    root = read_json(path)
    sizes = {image["id"].integer(): image for image in root["images"].items()}
    masks: dict[int, CropMask] = {}
    wanted = None if ids is None else set(ids)
    for annotation in root["annotations"].items():
        annotation_id = annotation["id"].integer()
        if wanted is None or annotation_id in wanted:
            image = _of(sizes, annotation["image_id"], "images")
            masks[annotation_id] = mask_of(annotation["segmentation"], *size_of(image))
    missing = sorted((wanted or set()) - masks.keys())
    if missing:
        raise root["annotations"].error(f"has no id {missing[0]}", "every id that was asked for")
    return masks


def coco_objects(
    root: Field,
    *,
    images: str | os.PathLike[str] | None = None,
    boxes_are: BoxKind | None = None,
    bad_boxes: Literal["refuse", "skip"] = "refuse",
) -> CocoBoxes:
    """Do what `read_objects` does with a file that is already parsed."""
    photos = _images(root, images)
    index_of = {photo.id: index for index, photo in enumerate(photos)}
    names = {c["id"].integer(): c["name"].text() for c in _list(root, "categories")}
    rows: list[tuple[int, int, tuple[float, ...], str | None]] = []
    flags: dict[str, list[bool | None]] = {"iscrowd": [], "clean": [], "clean64": []}
    skipped: list[tuple[int, InputError]] = []
    for number, annotation in enumerate(root["annotations"].items()):
        index = _of(index_of, annotation["image_id"], "images")
        try:
            box = _xyxy(annotation["bbox"], photos[index])
        except InputError as error:
            if bad_boxes == "refuse":
                raise
            skipped.append((index, error))
            continue
        category = annotation.get("category_id")
        label = None if category is None else _of(names, category, "categories")
        given_id = annotation.get("id")
        rows.append((number if given_id is None else given_id.integer(), index, box, label))
        for key, column in flags.items():
            flag = annotation.get(key)
            column.append(None if flag is None else flag.flag())
    ids = [row[0] for row in rows]
    if len(set(ids)) != len(ids):
        raise root["annotations"].error(f"has id {_first_repeated(ids)} twice", "unique ids")
    return CocoBoxes(
        images=photos,
        categories=tuple(names[key] for key in sorted(names)),
        ids=np.array(ids, dtype=np.int64),
        image_index=np.array([row[1] for row in rows], dtype=np.int64),
        boxes=np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4),
        labels=tuple(row[3] for row in rows),
        is_crowd=np.array([bool(flag) for flag in flags["iscrowd"]], dtype=bool),
        clean=_column(flags["clean"]),
        clean64=_column(flags["clean64"]),
        boxes_are=boxes_are or boxes_kind(root) or "amodal",
        skipped=tuple(skipped),
    )


def mask_of(segmentation: Field, height: int, width: int) -> CropMask:
    """A mask of a photo of `height` × `width` pixels from COCO's RLE or its list of polygons."""
    where = f"{segmentation.file}: {segmentation.name}"
    if isinstance(segmentation.value, dict):
        mask = CropMask.from_coco_rle(segmentation.value, where)
        if (mask.height, mask.width) != (height, width):
            found = f"is {mask.height} × {mask.width} px (height × width)"
            raise segmentation.error(found, f"{height} × {width} as its photo")
        return mask
    polygons = [_outline(polygon) for polygon in segmentation.items()]
    try:
        return CropMask.from_polygons(polygons, height, width, segmentation.name)
    except InputError as error:
        raise InputError(segmentation.file, str(error)) from error


def boxes_kind(root: Field) -> BoxKind | None:
    """What the file says its boxes hold, or None where it says nothing."""
    kind = root.get("boxes_are")
    if kind is None:
        return None
    return "visible" if kind.one_of("amodal", "visible") == "visible" else "amodal"


def photo_folder(json_path: str, images: str | os.PathLike[str] | None, some_file: str) -> Path:
    """The photos' folder: the one given, else the file's own or `images` in it, wherever `some_file` is."""
    if images is not None:
        return Path(images)
    own = Path(json_path).parent
    return own / "images" if not (own / some_file).exists() and (own / "images" / some_file).exists() else own


def _outline(polygon: Field) -> list[float]:
    coordinates = [item.number() for item in polygon.items()]
    if len(coordinates) < 6 or len(coordinates) % 2:
        raise polygon.error(f"has {len(coordinates)} coordinates", "an even number, at least 6")
    return coordinates


def _images(root: Field, folder: str | os.PathLike[str] | None) -> tuple[CocoImage, ...]:
    licences = {entry["id"].integer(): entry.get("name") for entry in _list(root, "licenses")}
    photos: dict[int, CocoImage] = {}
    for image in root["images"].items():
        file_name, image_id = file_name_of(image["file_name"]), image["id"].integer()
        if not photos:
            folder = photo_folder(root.file, folder, file_name)
        if image_id in photos:
            raise image["id"].error(f"is {image_id} again", "unique ids")
        photos[image_id] = CocoImage(
            id=image_id,
            file_name=file_name,
            path=Path(folder or "") / file_name,
            width=side_px(image, "width"),
            height=side_px(image, "height"),
            source=text_or_empty(image.get("source")),
            licence=_licence(image.get("licence", "license"), licences),
            split=text_or_empty(image.get("split")),
        )
    return tuple(photos.values())


def file_name_of(field: Field) -> str:
    """A photo's file name, which must not be empty."""
    name = field.text()
    if not name or "\0" in name:
        raise field.error("is empty" if not name else "holds a NUL", "the name of a photo's file")
    return name


def size_of(image: Field) -> tuple[int, int]:
    """Height and width of a photo in pixels.

    Raises:
        InputError: one is missing, no whole number, or more than a mask can have.
    """
    height, width = image["height"].integer(1, MAX_SIDE_PX), image["width"].integer(1, MAX_SIDE_PX)
    if height * width > MAX_FRAME_PX:
        raise image.error(f"is {height} × {width} px (height × width)", f"at most {MAX_FRAME_PX:,} px")
    return height, width


def side_px(image: Field, key: str) -> int:
    """Width or height in pixels; 0 where the file has none."""
    side = image.get(key)
    return 0 if side is None else side.integer(1, MAX_SIDE_PX)


def text_or_empty(field: Field | None) -> str:
    """An optional text."""
    return "" if field is None else field.text()


def _licence(field: Field | None, names: dict[int, Field | None]) -> str:
    """A licence is text in our files, a number into `licenses` in COCO's own."""
    if field is None or isinstance(field.value, str):
        return text_or_empty(field)
    number = field.integer()
    return text_or_empty(names[number]) if number in names else str(number)


def _list(root: Field, key: str) -> list[Field]:
    found = root.get(key)
    return [] if found is None else list(found.items())


def _of(known: dict[int, Value], reference: Field, where: str) -> Value:
    number = reference.integer()
    if number not in known:
        raise reference.error(f"is {number}", f"an id among the {len(known)} of {where}")
    return known[number]


def _xyxy(bbox: Field, photo: CocoImage) -> tuple[float, ...]:
    x, y, width, height = bbox.numbers(4, XYWH_EXPECTED)
    box = (x, y, x + width, y + height)
    problem = box_problem(box, photo.width, photo.height)
    if problem is not None:
        found = f"has width {width:g} and height {height:g}" if min(width, height) <= 0 else problem[0]
        raise bbox.error(found, f"{XYWH_EXPECTED} of a box that reaches into the photo")
    return box


def _first_repeated(ids: list[int]) -> int:
    seen: set[int] = set()
    return next(i for i in ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]


def _column(flags: list[bool | None]) -> Bool[np.ndarray, " n"] | None:
    """None where no object has the flag; an object without it among others that have it counts as not."""
    if all(flag is None for flag in flags):
        return None
    return np.array([bool(flag) for flag in flags], dtype=bool)
