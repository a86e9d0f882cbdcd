"""A COCO file of drawn things to cut out, and photos to paste them on; the same bytes on every machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from amodal.masks import CropMask

WIDTH, HEIGHT = 260, 200
CLASSES = ("car", "person", "kite")


@dataclass(frozen=True)
class CutOuts:
    """Where the pieces are."""

    folder: Path
    annotations: Path
    images: Path
    backgrounds: Path

    def content(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.annotations.read_text(encoding="utf-8"))
        return loaded

    def variant(self, folder: Path, content: dict[str, Any]) -> Path:
        """Another annotation file over the same photos; give `images` with it."""
        path = folder / "variant.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def make_cut_outs(folder: Path) -> CutOuts:
    """Eight cars, four persons and two kites, each alone in its photo; in turn of split train and val."""
    images, backgrounds = folder / "images", folder / "backgrounds"
    images.mkdir(parents=True)
    (backgrounds / "scenes").mkdir(parents=True)
    (backgrounds / "textures").mkdir()
    entries, annotations = [], []
    for number, label in enumerate(["car"] * 8 + ["person"] * 4 + ["kite"] * 2, start=1):
        mask = _mask(label, number)
        _save(images / f"{number}.png", WIDTH, HEIGHT, number)
        split = "val" if number % 2 else "train"
        entries.append({"id": number, "file_name": f"{number}.png", "width": WIDTH, "height": HEIGHT, "split": split,
                        "source": f"drawn {label}s", "licence": "free"})  # fmt: skip
        annotations.append(annotation(number, number, label, mask))
    for number in range(9):
        _save(backgrounds / "scenes" / f"scene{number}.png", 400 + 20 * number, 320, 100 + number)
    for number in range(4):
        _save(backgrounds / "textures" / f"texture{number}.png", 220, 200, 200 + number)
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": entries, "annotations": annotations, "categories": categories}))
    return CutOuts(folder, path, images, backgrounds)


def annotation(id: int, image_id: int, label: str, mask: np.ndarray, **more: Any) -> dict[str, Any]:
    crop = CropMask.from_dense(mask)
    x0, y0, x1, y1 = crop.box
    return {
        "id": id,
        "image_id": image_id,
        "category_id": CLASSES.index(label) + 1,
        "bbox": [x0, y0, max(x1 - x0, 1), max(y1 - y0, 1)],
        "area": crop.area,
        "iscrowd": 0,
        "clean": True,
        "segmentation": crop.to_coco_rle(),
        **more,
    }


def _mask(label: str, number: int) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    tall, wide = {"car": (50 + number, 90 + 3 * number), "person": (88 + number, 28 + number), "kite": (60, 60)}[label]
    down, across = abs(rows - HEIGHT // 2), abs(columns - WIDTH // 2)
    if label == "kite":
        return np.asarray(down + across < tall)
    return np.asarray((down * wide) ** 2 + (across * tall) ** 2 < (tall * wide) ** 2) & (down < tall - 3)


def _save(path: Path, width: int, height: int, number: int) -> None:
    """Stripes and a ramp in whole numbers: no library's random numbers, which may change."""
    rows, columns = np.mgrid[:height, :width].astype(np.int64)
    waves = (rows * (3 + number % 5) + columns * (2 + number % 7) + rows * columns // 31) % 97
    pixels = np.stack([waves + 40, (waves * 2 + number * 11) % 230, (rows + number * 29) % 200], axis=2)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
