"""Files of every JSON format from the same drawn photos, written without our writers; rectangles, front-most first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as coco_masks

HEIGHT, WIDTH = 24, 32
CLASSES = {1: "cyclist", 4: "car", 7: "van"}

Box = tuple[int, int, int, int]
Content = dict[str, Any]


@dataclass(frozen=True)
class Thing:
    """A rectangle XYXY on whole pixels and what else its annotation says."""

    box: Box
    category: int = 4
    extra: Content = field(default_factory=dict)

    @property
    def whole(self) -> np.ndarray:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        x0, y0, x1, y1 = self.box
        mask[y0:y1, x0:x1] = True
        return mask


@dataclass(frozen=True)
class Photo:
    """Its things, the front-most first; a region to ignore."""

    things: Sequence[Thing]
    crowd: Box | None = None
    extra: Content = field(default_factory=dict)

    def seen(self, number: int) -> np.ndarray:
        covered = [thing.whole for thing in self.things[:number]]
        return self.things[number].whole & ~np.any([np.zeros((HEIGHT, WIDTH), bool), *covered], axis=0)


def content_of(format: str, photos: Sequence[Photo], extra: Content | None = None) -> Content:
    """The parsed file: a COCO-like format, or cocoa-regions."""
    images: list[Content] = []
    annotations: list[Content] = []
    number = 100
    for image_id, photo in enumerate(photos, start=7):
        images.append(
            {"id": image_id, "file_name": f"{image_id:06d}.png", "width": WIDTH, "height": HEIGHT, **photo.extra}
        )
        if format == "cocoa-regions":
            annotations.append(_annotation(photo, image_id))
            continue
        for place, thing in enumerate(photo.things):
            number += 3
            common = {"id": number, "image_id": image_id, "category_id": thing.category, "iscrowd": 0}
            fields = _fields(format, thing.box, thing.whole, photo.seen(place), place)
            annotations.append({**common, **fields, **thing.extra})
        if photo.crowd is not None:
            number += 3
            whole = Thing(photo.crowd).whole
            common = {"id": number, "image_id": image_id, "category_id": 4, "iscrowd": 1}
            annotations.append({**common, **_fields(format, photo.crowd, whole, whole, 0), "why": "far away"})
    content = {**(extra or {}), "images": images, "annotations": annotations}
    if format != "cocoa-regions":
        content["categories"] = [{"id": id, "name": name, "supercategory": "s"} for id, name in CLASSES.items()]
    return content


def _fields(format: str, box: Box, whole: np.ndarray, seen: np.ndarray, place: int) -> Content:
    x0, y0, x1, y1 = box
    outline, bbox = [[x0, y0, x1, y0, x1, y1, x0, y1]], [x0, y0, x1 - x0, y1 - y0]
    area, shown = int(whole.sum()), int(seen.sum())
    if format == "kins-2019":
        return {"segmentation": outline, "bbox": bbox, "area": area, "inmodal_seg": rle(seen), "inmodal_area": shown}
    if format == "kins-2020":
        return {
            **{"a_segm": outline, "a_bbox": bbox, "a_area": area, "i_segm": rle(seen), "i_area": shown},
            **{"oco_id": 1, "ico_id": place},
        }
    if format == "cocoa":
        return {
            **{"segmentation": rle(whole), "bbox": bbox, "inmodal_seg": rle(seen), "order": place + 1},
            **{"is_stuff": 0, "occlude_rate": 1 - shown / area},
        }
    if format == "d2sa":
        hidden = {} if shown == area else {"invisible_mask": rle(whole & ~seen)}
        return {"segmentation": rle(whole), "bbox": bbox, "area": area, "visible_mask": rle(seen), **hidden}
    return {"segmentation": rle(seen), "bbox": bbox, "area": shown}  # coco


def _annotation(photo: Photo, image_id: int) -> Content:
    regions = []
    for place, thing in enumerate(photo.things):
        x0, y0, x1, y1 = thing.box
        seen, whole = photo.seen(place), thing.whole
        region: Content = {
            **{"segmentation": [x0, y0, x1, y0, x1, y1, x0, y1], "name": f"thing {place}", "area": int(whole.sum())},
            **{"isStuff": 0, "order": place + 1, "occlude_rate": 1 - seen.sum() / whole.sum()},
        }
        if (whole & ~seen).any():
            region |= {"visible_mask": rle(seen), "invisible_mask": rle(whole & ~seen)}
        regions.append(region | thing.extra)
    return {
        "id": image_id * 2,
        "image_id": image_id,
        "author": "A",
        "url": "u",
        "size": len(regions),
        "regions": regions,
    }


def rle(mask: np.ndarray) -> Content:
    encoded = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}
