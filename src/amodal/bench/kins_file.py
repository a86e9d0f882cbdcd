"""An annotation file in KINS's layout of 2020, of any size: outlines of some 34 points, runs, 12.7 objects a photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from amodal.masks import CropMask

HEIGHT, WIDTH = 375, 1242
SEED = 0


def write_kins_file(path: Path, size: int) -> int:
    """Write some `size` bytes photo by photo, of 1,000 different objects; returns how many photos it has."""
    chance = np.random.default_rng(SEED)
    objects = [_object(chance) for _ in range(1000)]
    images: list[dict[str, Any]] = []
    number = 0
    with path.open("w") as stream:
        stream.write('{"info": {"year": 2020}, "annotations": [\n')
        while stream.tell() < size:
            images.append({"id": len(images), "file_name": f"{len(images):06d}.png", "width": WIDTH, "height": HEIGHT})
            for place in range(int(chance.integers(6, 20))):
                ids = {"id": number, "image_id": len(images) - 1, "oco_id": 1, "ico_id": place}
                stream.write((",\n" if number else "") + json.dumps({**ids, **objects[int(chance.integers(1000))]}))
                number += 1
        stream.write('\n], "images": ' + json.dumps(images))
        names = {1: "cyclist", 2: "pedestrian", 4: "car", 5: "tram", 6: "truck", 7: "van", 8: "misc"}
        stream.write(', "categories": ' + json.dumps([{"id": k, "name": v} for k, v in names.items()]) + "}")
    return len(images)


def _object(chance: np.random.Generator) -> dict[str, Any]:
    outline = _outline(chance)
    seen = CropMask.from_polygons([outline], HEIGHT, WIDTH)
    x0, y0, x1, y1 = seen.box
    box = [x0, y0, x1 - x0, y1 - y0]
    return {
        **{"category_id": int(chance.choice([1, 2, 4, 5, 6, 7, 8])), "iscrowd": 0},
        **{"a_segm": [outline], "a_bbox": box, "a_area": seen.area},
        **{"i_segm": seen.to_coco_rle(), "i_bbox": box, "i_area": seen.area},
    }


def _outline(chance: np.random.Generator) -> list[float]:
    """Some 34 points around an ellipse."""
    points = int(chance.integers(24, 45))
    angle = np.sort(chance.uniform(0, 2 * np.pi, points))
    radius = chance.uniform(0.8, 1.2, points)
    cx, cy = chance.uniform(100, WIDTH - 100), chance.uniform(100, HEIGHT - 80)
    x = cx + chance.uniform(10, 90) * radius * np.cos(angle)
    y = cy + chance.uniform(10, 70) * radius * np.sin(angle)
    return [round(float(value), 2) for pair in zip(x, y, strict=True) for value in pair]
