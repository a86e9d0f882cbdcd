"""Visible masks of photos, from any COCO file or from our own: what a completing method starts from.

`visible_segmentation` is the visible mask where an annotation has it (our own files), else `segmentation` is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amodal.data.boxes import match_photos
from amodal.data.coco import file_name_of, mask_of, size_of
from amodal.data.fields import Field, read_json
from amodal.errors import InputError
from amodal.masks import CropMask


@dataclass(frozen=True)
class VisiblePhoto:
    """A photo's objects by their visible masks; `name` is the photo's in the file, sizes are pixels."""

    name: str
    width: int
    height: int
    ids: tuple[int, ...]
    labels: tuple[str | None, ...]
    masks: tuple[CropMask, ...]


def pair_visible_masks(path: str | os.PathLike[str], photos: Sequence[Path]) -> dict[Path, VisiblePhoto | InputError]:
    """The visible masks that the file has for each photo, or what is wrong with them.

    Photos are found by their name, or by as many of the folders before it as the file gives. Crowd regions (`iscrowd`)
    are left out. Ids are the annotations' `id`, in our own files `instance_id`.

    Raises:
        InputError: the file as a whole cannot be used: no JSON, no images or annotations, an annotation of an unknown
            image, ids that are not unique, a photo whose entry is not clear; names file and field.
    """
    root = read_json(path)
    images: dict[int, Field] = {}
    for image in root["images"].items():
        if images.setdefault(image["id"].integer(), image) is not image:
            raise image["id"].error(f"is {image['id'].integer()} again", "unique ids")
    categories = root.get("categories")
    labels = {} if categories is None else {c["id"].integer(): c["name"].text() for c in categories.items()}
    annotations_of: dict[int, list[Field]] = {image_id: [] for image_id in images}
    seen: set[int] = set()
    for annotation in root["annotations"].items():
        image_id, number = annotation["image_id"].integer(), annotation["id"].integer()
        if image_id not in images:
            raise annotation["image_id"].error(f"is {image_id}", f"an id among the {len(images)} of images")
        if number in seen:
            raise annotation["id"].error(f"is {number} again", "unique ids")
        seen.add(number)
        annotations_of[image_id].append(annotation)
    entries = [_Entry(file_name_of(image["file_name"]), image, annotations_of[id]) for id, image in images.items()]
    matches = match_photos(entries, photos, root.file)
    found: dict[Path, VisiblePhoto | InputError] = {}
    for photo in photos:
        try:
            if photo not in matches:
                raise InputError(root.file, "images", f"has no entry for {photo}", "expected masks for every photo")
            found[photo] = _read(matches[photo], labels)
        except InputError as error:
            found[photo] = error
    return found


@dataclass(frozen=True, eq=False)
class _Entry:
    """An image of the file and its annotations."""

    name: str
    image: Field
    annotations: list[Field]


def _read(entry: _Entry, labels: dict[int, str]) -> VisiblePhoto:
    height, width = size_of(entry.image)
    ids: list[int] = []
    names: list[str | None] = []
    masks: list[CropMask] = []
    for annotation in entry.annotations:
        crowd = annotation.get("iscrowd")
        if crowd is not None and crowd.flag():
            continue
        own_id, category = annotation.get("instance_id", "id"), annotation.get("category_id")
        number = annotation["id"].integer() if own_id is None else own_id.integer()
        if number in ids:
            raise (own_id or annotation["id"]).error(f"is {number} again", "unique ids in a photo")
        if category is not None and category.integer() not in labels:
            raise category.error(f"is {category.integer()}", f"an id among the {len(labels)} of categories")
        segmentation = annotation.get("visible_segmentation") or annotation["segmentation"]
        mask = mask_of(segmentation, height, width)
        if mask.is_empty:
            raise segmentation.error("is an empty mask", "at least one visible pixel; leave out what is not seen")
        ids.append(number)
        names.append(None if category is None else labels[category.integer()])
        masks.append(mask)
    return VisiblePhoto(entry.name, width, height, tuple(ids), tuple(names), tuple(masks))
