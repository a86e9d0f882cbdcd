"""Tiny copies of KINS, COCOA and KITTI: a script that draws them documents their formats.

Every photo shows a car, and a pedestrian before it (two pedestrians in the second photo, the second one apart), all
of them rectangles on whole pixels, so that masks are exact. Folders are laid out as the real data sets are.

    python tests/helpers/amodal_files.py FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_masks

WIDTH, HEIGHT = 96, 64
CLASSES = ("cyclist", "pedestrian", "car", "tram", "truck", "van", "misc")
CLASS_IDS = (1, 2, 4, 5, 6, 7, 8)  # 3 stands in files of eight classes only
COLOURS = {"car": (200, 40, 40), "pedestrian": (40, 60, 200)}

Box = tuple[int, int, int, int]
Content = dict[str, Any]


@dataclass(frozen=True)
class Thing:
    """A rectangle XYXY; the front-most object of a photo has order 0."""

    label: str
    box: Box
    order: int
    cluster: int
    distance_m: float

    @property
    def whole(self) -> np.ndarray:
        x0, y0, x1, y1 = self.box
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[y0:y1, x0:x1] = True
        return mask


PHOTOS: dict[str, tuple[Thing, ...]] = {
    "000000": (Thing("car", (10, 20, 60, 50), 1, 0, 20.0), Thing("pedestrian", (40, 10, 56, 56), 0, 0, 8.0)),
    "000001": (
        Thing("car", (20, 24, 70, 52), 1, 0, 18.0),
        Thing("pedestrian", (60, 12, 74, 58), 0, 0, 9.0),
        Thing("pedestrian", (2, 12, 14, 50), 0, 1, 15.0),
    ),
}


def visible(photo: str, number: int) -> np.ndarray:
    """What is left of an object when those in front of it are painted over it."""
    things = PHOTOS[photo]
    covered = [t.whole for t in things if t.cluster == things[number].cluster and t.order < things[number].order]
    return things[number].whole & ~np.any([np.zeros((HEIGHT, WIDTH), bool), *covered], axis=0)


def write_kins(folder: Path, layout: str = "2019", classes: int = 7) -> Path:
    """`instances_val.json` (2019) or `update_test_2020.json`, and KITTI's testing/image_2; returns the JSON."""
    write_photos(folder / "testing" / "image_2")
    annotation_of = _kins_2019 if layout == "2019" else _kins_2020
    content = _content(annotation_of, dict(zip(CLASS_IDS, CLASSES, strict=True)))
    if classes == 8:
        content["categories"].append({"id": 3, "name": "person-sitting", "supercategory": "Living Thing"})
    return write_json(folder / ("instances_val.json" if layout == "2019" else "update_test_2020.json"), content)


def write_cocoa(folder: Path) -> Path:
    """`annotations.json` and `images/`: one category, one order for the whole photo, front-most 1."""
    write_photos(folder / "images")
    return write_json(folder / "annotations.json", _content(_cocoa, {1: "object"}))


def write_kitti(folder: Path) -> Path:
    """`label_2/*.txt` and `image_2/*.png`; returns the folder."""
    write_photos(folder / "image_2")
    (folder / "label_2").mkdir(parents=True)
    for photo, things in PHOTOS.items():
        lines = [_kitti_line(thing) for thing in things]
        lines.append("DontCare -1 -1 -10 80.00 2.00 90.00 9.00 -1 -1 -1 -1000 -1000 -1000 -10")
        (folder / "label_2" / f"{photo}.txt").write_text("\n".join(lines) + "\n", "ascii")
    return folder


def write_photos(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0)
    for photo, things in PHOTOS.items():
        pixels = noise.integers(100, 140, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        for thing in sorted(things, key=lambda thing: -thing.order):
            pixels[thing.whole] = COLOURS[thing.label]
        Image.fromarray(pixels).save(folder / f"{photo}.png")


def write_json(path: Path, content: Content) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def _content(annotation_of: Callable[[str, int], Content], classes: dict[int, str]) -> Content:
    images, annotations = [], []
    ids = {name: number for number, name in classes.items()}
    for image_id, (photo, things) in enumerate(PHOTOS.items(), start=1):
        images.append({"id": image_id, "file_name": f"{photo}.png", "width": WIDTH, "height": HEIGHT})
        for number, thing in enumerate(things):
            common = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": ids.get(thing.label, 1),
                "iscrowd": 0,
            }
            annotations.append(common | annotation_of(photo, number))
    categories = [{"id": number, "name": name} for number, name in classes.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def _kins_2019(photo: str, number: int) -> Content:
    thing, seen = PHOTOS[photo][number], visible(photo, number)
    return {
        "segmentation": [_outline(thing.box)],
        "bbox": _xywh(thing.whole),
        "area": int(thing.whole.sum()),
        "inmodal_seg": _rle(seen),
        "inmodal_bbox": _xywh(seen),
        "inmodal_area": int(seen.sum()),
    }


def _kins_2020(photo: str, number: int) -> Content:
    thing, seen = PHOTOS[photo][number], visible(photo, number)
    return {
        "a_segm": [_outline(thing.box)],
        "a_bbox": _xywh(thing.whole),
        "a_area": int(thing.whole.sum()),
        "i_segm": _rle(seen),
        "i_bbox": _xywh(seen),
        "i_area": int(seen.sum()),
        "oco_id": thing.cluster,
        "ico_id": thing.order,
    }


def _cocoa(photo: str, number: int) -> Content:
    thing, seen = PHOTOS[photo][number], visible(photo, number)
    return {
        "name": thing.label,
        "is_stuff": int(number == 2),
        "order": thing.order + 1,
        "occlude_rate": 1 - seen.sum() / thing.whole.sum(),
        "bbox": _xywh(thing.whole),
        "segmentation": _rle(thing.whole),
        "inmodal_seg": _rle(seen),
        "inmodal_bbox": _xywh(seen),
    }


def _kitti_line(thing: Thing) -> str:
    box = " ".join(f"{side:.2f}" for side in thing.box)
    return f"{thing.label.capitalize()} 0.00 {thing.order} -1.50 {box} 1.50 1.60 3.90 1.00 1.60 {thing.distance_m} 0.01"


def _outline(box: Box) -> list[int]:
    x0, y0, x1, y1 = box
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def _xywh(mask: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    size = int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
    return [int(columns[0]), int(rows[0]), *size]


def _rle(mask: np.ndarray) -> Content:
    encoded = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}


if __name__ == "__main__":
    out = Path(sys.argv[1])
    write_kins(out / "kins")
    write_cocoa(out / "cocoa")
    write_kitti(out / "kitti")
