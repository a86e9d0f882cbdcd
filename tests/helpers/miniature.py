"""A tiny street of drawn things, as a COCO file with boxes, masks and flags; it takes a second to make.

Cars and persons stand on a textured ground before a textured wall, some before others; there are enough boxes of
both to learn from, and too few trams. Everything follows from the seed.

    python tests/helpers/miniature.py FOLDER
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

WIDTH, HEIGHT = 320, 240
CATEGORIES = ("car", "person", "tram")
TRAIN_PHOTOS, VAL_PHOTOS = 28, 6
TRAMS = 3
BACKGROUND_PHOTOS = 4
LICENCE = "drawn for this test"
_UPSCALE = 4  # outlines are drawn so much finer, then averaged

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Miniature:
    """Where the pieces are."""

    folder: Path
    annotations: Path
    images: Path
    backgrounds: Path

    def content(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.annotations.read_text(encoding="utf-8"))
        return loaded

    def variant(self, name: str, content: dict[str, Any]) -> Path:
        """Another annotation file beside the first one."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


@dataclass(frozen=True)
class Drawn:
    """One thing of a photo: its box, its whole mask, and its pixels where the mask is set."""

    label: str
    box: tuple[int, int, int, int]
    whole: Bool[np.ndarray, "height width"]
    paint: UInt8[np.ndarray, "height width 3"]


def make_miniature(folder: Path, seed: int = 0) -> Miniature:
    """Draw the photos and write `annotations.json` beside them."""
    images = folder / "images"
    backgrounds = folder / "backgrounds"
    images.mkdir(parents=True, exist_ok=True)
    backgrounds.mkdir(exist_ok=True)
    generator = np.random.default_rng(seed)
    photos: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(TRAIN_PHOTOS + VAL_PHOTOS):
        things = _street(generator, tram=index < TRAMS)
        photo = _background(generator)
        for thing in things:  # from the back to the front
            photo[thing.whole] = thing.paint[thing.whole]
        name = f"street_{index:03d}.png"
        Image.fromarray(photo).save(images / name, compress_level=1)
        split = "train" if index < TRAIN_PHOTOS else "val"
        photos.append(
            {"id": index, "file_name": name, "width": WIDTH, "height": HEIGHT, "split": split, "license": LICENCE}
        )
        annotations += _annotations(things, index, len(annotations))
    for index in range(BACKGROUND_PHOTOS):
        Image.fromarray(_background(generator)).save(backgrounds / f"empty_{index}.png", compress_level=1)
    categories = [{"id": number + 1, "name": name} for number, name in enumerate(CATEGORIES)]
    content = {"images": photos, "annotations": annotations, "categories": categories}
    path = folder / "annotations.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return Miniature(folder, path, images, backgrounds)


def without_masks(content: dict[str, Any]) -> dict[str, Any]:
    """The same file with every trace of a mask taken out."""
    bare = [{k: v for k, v in a.items() if k not in ("segmentation", "area")} for a in content["annotations"]]
    return content | {"annotations": bare}


def with_rubbish_masks(content: dict[str, Any]) -> dict[str, Any]:
    """The same file with masks that are none."""
    rubbish: list[dict[str, Any]] = [
        {"segmentation": "no mask at all", "area": "large"},
        {"segmentation": {"size": [-1, 10**9], "counts": "\u0000~~"}, "area": -5},
        {"segmentation": [[1, 2, 3]], "area": None},
        {"segmentation": None},
    ]
    spoilt = [a | rubbish[number % len(rubbish)] for number, a in enumerate(content["annotations"])]
    return content | {"annotations": spoilt}


def mask_of_polygon(annotation: dict[str, Any]) -> Bool[np.ndarray, "height width"]:
    """The whole object as it was drawn."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for flat in annotation["segmentation"]:
        cv2.fillPoly(mask, [np.round(np.array(flat).reshape(-1, 2)).astype(np.int32)], 1)
    return mask.astype(bool)


def _street(generator: np.random.Generator, *, tram: bool) -> list[Drawn]:
    """A car and a person apart, or the person before the car; sometimes a tram behind them."""
    car_width, car_height = int(generator.integers(124, 150)), int(generator.integers(66, 80))
    person_width, person_height = int(generator.integers(36, 46)), int(generator.integers(100, 130))
    overlapping = generator.random() < 0.3
    car_left = int(generator.integers(8, 40)) if generator.random() < 0.5 else int(generator.integers(90, 150))
    if overlapping:
        person_left = car_left + int(generator.integers(10, car_width - 40))
    else:
        right_of_car = car_left + car_width + 12
        person_left = right_of_car if car_left < 50 else int(generator.integers(4, car_left - person_width - 8))
        person_left += int(generator.integers(0, 40)) if car_left < 50 else 0
    car_bottom = int(generator.integers(185, 200))
    person_bottom = car_bottom + int(generator.integers(6, 25))
    things = [
        _car(generator, (car_left, car_bottom - car_height, car_left + car_width, car_bottom)),
        _person(generator, (person_left, person_bottom - person_height, person_left + person_width, person_bottom)),
    ]
    if tram:
        things.insert(0, _tram(generator, (60, 40, 260, 150)))
    return things


def _car(generator: np.random.Generator, box: tuple[int, int, int, int]) -> Drawn:
    """A body with a cabin on it, dark windows and wheels."""
    body = [(0, 0.45), (0.2, 0.4), (0.32, 0), (0.75, 0), (0.88, 0.4), (1, 0.5), (1, 0.85), (0, 0.85)]
    if generator.random() < 0.5:
        body = [(1 - x, y) for x, y in body]
    paint = _textured(generator, (190, 50, 40), "stripes across")
    whole = _filled(box, body)
    glass = _filled(box, [(0.36, 0.08), (0.7, 0.08), (0.74, 0.38), (0.32, 0.38)])
    wheels = _ellipse(box, (0.22, 0.82), (0.09, 0.18)) | _ellipse(box, (0.78, 0.82), (0.09, 0.18))
    paint[glass & whole] = (40, 50, 70)
    paint[wheels] = (20, 20, 20)
    return _drawn("car", whole | wheels, paint)


def _person(generator: np.random.Generator, box: tuple[int, int, int, int]) -> Drawn:
    """A head, a trunk and two legs."""
    head = _ellipse(box, (0.5, 0.1), (0.24, 0.1))
    trunk = _filled(box, [(0.35, 0.18), (0.65, 0.18), (1, 0.3), (0.98, 0.58), (0.02, 0.58), (0, 0.3)])
    legs = _filled(box, [(0.12, 0.56), (0.88, 0.56), (0.8, 1), (0.56, 1), (0.5, 0.68), (0.44, 1), (0.2, 1)])
    paint = _textured(generator, (40, 80, 190), "checks")
    paint[head] = (220, 180, 150)
    paint[legs & ~trunk] = (60, 50, 40)
    return _drawn("person", head | trunk | legs, paint)


def _tram(generator: np.random.Generator, box: tuple[int, int, int, int]) -> Drawn:
    paint = _textured(generator, (230, 200, 40), "stripes along")
    return _drawn("tram", _filled(box, [(0, 0), (1, 0), (1, 1), (0, 1)]), paint)


def _background(generator: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    """Bricks above, gravel below, another shade in every photo."""
    horizon = int(generator.integers(130, 160))
    shade = int(generator.integers(-20, 20))
    photo = np.full((HEIGHT, WIDTH, 3), (150 + shade, 140 + shade, 125 + shade), np.int64)
    photo[:horizon:9] -= 35
    photo[:horizon, :: int(generator.integers(14, 20))] -= 25
    grain = generator.normal(0, 1, (HEIGHT // 4, WIDTH // 4, 1))
    photo += (cv2.resize(grain, (WIDTH, HEIGHT))[..., None] * 14).astype(np.int64)
    photo[horizon:] += (-50, -40, -45)
    photo += generator.normal(0, 6, photo.shape).astype(np.int64)
    return np.asarray(photo.clip(0, 255), np.uint8)


def _textured(generator: np.random.Generator, colour: Colour, pattern: str) -> UInt8[np.ndarray, "height width 3"]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = {
        "stripes across": (x // 5) % 2,
        "stripes along": (y // 7) % 2,
        "checks": (x // 6 + y // 6) % 2,
    }[pattern]
    tone = np.array(colour) + generator.integers(-15, 15, 3)
    noise = generator.normal(0, 8, (HEIGHT, WIDTH, 1))
    return np.asarray((tone + 40 * waves[..., None] + noise).clip(0, 255), np.uint8)


def _filled(box: tuple[int, int, int, int], corners: list[tuple[float, float]]) -> Bool[np.ndarray, "height width"]:
    """A polygon whose corners are places in the box, 0 to 1 each way."""
    x0, y0, x1, y1 = box
    points = np.array([(x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in corners])
    fine = np.zeros((HEIGHT * _UPSCALE, WIDTH * _UPSCALE), np.uint8)
    cv2.fillPoly(fine, [np.round(points * _UPSCALE).astype(np.int32)], 255)
    return np.asarray(cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) > 127)


def _ellipse(
    box: tuple[int, int, int, int], centre: tuple[float, float], radii: tuple[float, float]
) -> Bool[np.ndarray, "height width"]:
    x0, y0, x1, y1 = box
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    across = ((x - x0) / (x1 - x0) - centre[0]) / radii[0]
    down = ((y - y0) / (y1 - y0) - centre[1]) / radii[1]
    return np.asarray(across**2 + down**2 <= 1)


def _drawn(label: str, whole: Bool[np.ndarray, "height width"], paint: UInt8[np.ndarray, "height width 3"]) -> Drawn:
    rows, cols = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    box = int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1
    return Drawn(label, box, whole, paint)


def _annotations(things: list[Drawn], image_id: int, first_id: int) -> list[dict[str, Any]]:
    made = []
    for number, thing in enumerate(things):
        in_front = np.any([other.whole for other in things[number + 1 :]] or [np.zeros_like(thing.whole)], axis=0)
        x0, y0, x1, y1 = thing.box
        outlines, _ = cv2.findContours(thing.whole.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        made.append(
            {
                "id": first_id + number + 1,
                "image_id": image_id,
                "category_id": CATEGORIES.index(thing.label) + 1,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "segmentation": [outline.reshape(-1).tolist() for outline in outlines if len(outline) >= 3],
                "area": int(thing.whole.sum()),
                "iscrowd": 0,
                "clean": not bool((in_front & thing.whole).any()),
            }
        )
    return made


if __name__ == "__main__":
    make_miniature(Path(sys.argv[1]))
