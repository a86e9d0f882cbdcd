"""A street of overlapping objects, 375 × 1242, composed of the shipped CC BY photos; the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from amodal.images import read_photo

HEIGHT, WIDTH = 375, 1242
_STEP_SHARE = 0.6  # of an object's width to the next object: neighbours cover about 40 % of each other
_PHOTOS = Path(str(files("amodal") / "demo" / "photos"))
# photo, class, whole pixels of the object's box inside the photo
_CUTTINGS = (
    ("coco_000000476119.jpg", "car", (238, 80, 439, 199)),
    ("coco_000000520707.jpg", "person", (334, 147, 407, 388)),
    ("coco_000000423617.jpg", "car", (127, 290, 265, 402)),
    ("coco_000000571264.jpg", "person", (259, 31, 411, 391)),
    ("coco_000000423617.jpg", "car", (407, 342, 569, 467)),
    ("coco_000000520707.jpg", "person", (100, 183, 206, 411)),
)
_CAR_HEIGHTS, _PERSON_HEIGHTS = (120, 190), (170, 300)


@dataclass(frozen=True)
class Street:
    """A photo on disk, the objects' boxes [n, 4] (XYXY) and their labels."""

    path: Path
    boxes: np.ndarray
    labels: tuple[str, ...]


def make_street(count: int, folder: Path, *, size: float = 1.0) -> Street:
    """`count` objects side by side, each over its neighbours; what reaches lower is nearer and in front.

    At size 1 cars are 120-190 px high and persons 170-300.
    """
    random = np.random.default_rng(7)
    kinds = [_CUTTINGS[k % len(_CUTTINGS)] for k in range(count)]
    sizes = [_size(label, box, size, random) for _, label, box in kinds]
    reach = sum(width for width, _ in sizes) * _STEP_SHARE
    squeeze = min(1.0, (WIDTH - 40) / reach)
    boxes = []
    x = WIDTH / 2 - reach * squeeze / 2
    for width, height in sizes:
        bottom = random.uniform(min(HEIGHT - 4.0, height + 40.0), HEIGHT - 4.0)
        left = np.clip(x - 0.2 * width, 0, WIDTH - width)
        boxes.append((left, bottom - height, left + width, bottom))
        x += width * _STEP_SHARE * squeeze
    array = np.round(np.array(boxes))
    canvas = cv2.resize(_photo("coco_000000423617.jpg")[:300], (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    for n in np.argsort(array[:, 3], kind="stable"):
        _paste(canvas, kinds[n], array[n].astype(int))
    path = folder / f"street_{count}_{size:g}.jpg"
    cv2.imwrite(str(path), canvas[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return Street(path, array, tuple(label for _, label, _ in kinds))


def _size(label: str, box: tuple[int, int, int, int], scale: float, random: np.random.Generator) -> tuple[float, float]:
    low, high = _CAR_HEIGHTS if label == "car" else _PERSON_HEIGHTS
    height = scale * random.uniform(low, high)
    x0, y0, x1, y1 = box
    return height * (x1 - x0) / (y1 - y0), height


def _photo(name: str) -> np.ndarray:
    return read_photo(_PHOTOS / name)


def _paste(canvas: np.ndarray, kind: tuple[str, str, tuple[int, int, int, int]], box: np.ndarray) -> None:
    """The cutting, inside an ellipse that fills the box: objects are not rectangles."""
    name, _, (x0, y0, x1, y1) = kind
    left, top, right, bottom = box
    cutting = cv2.resize(_photo(name)[y0:y1, x0:x1], (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    mask = np.zeros(cutting.shape[:2], np.uint8)
    half = (cutting.shape[1] // 2, cutting.shape[0] // 2)
    cv2.ellipse(mask, half, half, 0, 0, 360, 1, thickness=-1)
    np.copyto(canvas[top:bottom, left:right], cutting, where=mask[:, :, None] > 0)
