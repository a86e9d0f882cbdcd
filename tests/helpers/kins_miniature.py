"""A tiny KINS, laid out as it is downloaded: annotations of 2020 and 2019, photos in KITTI's folders.

Cars, pedestrians and a tram are drawn on a street, some before others, and annotated whole and visible, with clusters
and their order. Both parts have a 000000.png, as the real ones do. Everything follows from the seed.

    python tests/helpers/kins_miniature.py FOLDER
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool
from PIL import Image
from pycocotools import mask as coco_mask

from amodal.masks import CropMask

WIDTH, HEIGHT = 248, 76  # KITTI's proportions
TRAIN_PHOTOS, TEST_PHOTOS = 8, 4
CATEGORIES = {1: "cyclist", 2: "pedestrian", 4: "car", 5: "tram", 6: "truck", 7: "van", 8: "misc"}
"""Of a file of seven classes: 3 is left out."""
_PAINT = {2: (60, 60, 190), 4: (190, 40, 40), 5: (220, 200, 50)}


@dataclass(frozen=True)
class Thing:
    """Whole mask and class of one object; things are listed from back to front."""

    category: int
    whole: Bool[np.ndarray, "height width"]


def make_kins_miniature(folder: Path, seed: int = 0) -> Path:
    """Write it into the folder, which is returned."""
    rng = np.random.default_rng(seed)
    for part, photos, files in (
        ("training", TRAIN_PHOTOS, ("update_train_2020.json", "instances_train.json")),
        ("testing", TEST_PHOTOS, ("update_test_2020.json", "instances_val.json")),
    ):
        images: list[dict[str, Any]] = []
        newer: list[dict[str, Any]] = []
        older: list[dict[str, Any]] = []
        (folder / part / "image_2").mkdir(parents=True)
        for number in range(photos):
            things = _things(rng)
            name = f"{number:06d}.png"
            Image.fromarray(_photo(rng, things)).save(folder / part / "image_2" / name)
            images.append({"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH})
            for one, two in _annotations(things, number, len(newer)):
                newer.append(one)
                older.append(two)
        categories = [{"id": key, "name": name, "supercategory": "thing"} for key, name in CATEGORIES.items()]
        for name, objects in zip(files, (newer, older), strict=True):
            content = {"images": images, "annotations": objects, "categories": categories}
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _things(rng: np.random.Generator) -> list[Thing]:
    """Two to five objects, farther ones higher up and smaller; a tram now and then."""
    things = []
    for far in sorted(rng.uniform(0, 1, int(rng.integers(2, 6))), reverse=True):
        category = int(rng.choice([2, 4, 4, 4, 5]))
        height = round((0.75 - 0.35 * far) * HEIGHT)
        width = round(height * {2: 0.4, 4: 1.7, 5: 2.2}[category])
        bottom, left = round(HEIGHT * (0.98 - 0.25 * far)), int(rng.integers(0, WIDTH - width))
        whole = np.zeros((HEIGHT, WIDTH), np.uint8)
        corners = np.array([[0, 0.35], [0.2, 0], [0.8, 0], [1, 0.35], [1, 1], [0, 1]]) * (width, height)
        cv2.fillPoly(whole, [np.round(corners + np.array([left, bottom - height])).astype(np.int32)], 1)
        things.append(Thing(category, whole.astype(bool)))
    return things


def _photo(rng: np.random.Generator, things: list[Thing]) -> np.ndarray:
    photo = np.full((HEIGHT, WIDTH, 3), (150, 170, 190), np.int64)
    photo[HEIGHT // 2 :] = (95, 95, 95)
    for thing in things:
        photo[thing.whole] = np.array(_PAINT[thing.category]) + rng.integers(-30, 30, 3)
    return np.asarray((photo + rng.normal(0, 6, photo.shape)).clip(0, 255), np.uint8)


def _annotations(things: list[Thing], image_id: int, first: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each object in the layout of 2020 and in that of 2019."""
    seen = []
    for place, thing in enumerate(things):
        in_front = np.any([other.whole for other in things[place + 1 :]] or [np.zeros_like(thing.whole)], axis=0)
        seen.append(thing.whole & ~in_front)
    kept = [place for place, visible in enumerate(seen) if visible.sum() >= 20]
    made = []
    for number, place in enumerate(kept):
        whole, visible = things[place].whole, seen[place]
        cluster, order = _numbers(things, kept, place)
        common = {"id": first + number + 1, "image_id": image_id, "category_id": things[place].category, "iscrowd": 0}
        a_box, i_box = _box(whole), _box(visible)
        newer = {
            **{"a_segm": _polygons(whole), "a_bbox": a_box, "a_area": int(whole.sum())},
            **{"i_segm": _polygons(visible), "i_bbox": i_box, "i_area": int(visible.sum())},
            **{"oco_id": cluster, "ico_id": order},
        }
        older = {
            **{"segmentation": _polygons(whole), "bbox": a_box, "area": int(whole.sum())},
            **{"inmodal_seg": _rle(visible), "inmodal_bbox": i_box, "inmodal_area": int(visible.sum())},
        }
        made.append(({**common, **newer}, {**common, **older}))
    return made


def _numbers(things: list[Thing], kept: list[int], place: int) -> tuple[int, int]:
    """The cluster, named by its farthest object, and how many of the chain in front of the object hide one another."""

    def meet(one: int, other: int) -> bool:
        return bool((things[one].whole & things[other].whole).any())

    cluster, waiting = {place}, [place]
    while waiting:
        now = waiting.pop()
        new = [other for other in kept if other not in cluster and meet(now, other)]
        cluster.update(new)
        waiting += new
    orders: dict[int, int] = {}
    for one in sorted(cluster, reverse=True):  # from front to back
        orders[one] = 1 + max((orders[other] for other in orders if meet(one, other)), default=-1)
    return min(cluster), orders[place]


def _polygons(mask: Bool[np.ndarray, "height width"]) -> list[list[float]]:
    return CropMask.from_dense(mask).to_polygons()


def _rle(mask: Bool[np.ndarray, "height width"]) -> dict[str, Any]:
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(code["size"]), "counts": code["counts"].decode()}


def _box(mask: Bool[np.ndarray, "height width"]) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]


if __name__ == "__main__":
    make_kins_miniature(Path(sys.argv[1]))
