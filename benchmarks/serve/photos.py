"""The photos that are sent: streets as other benchmarks use them, and small ones where only their number counts."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

import amodal
from amodal.bench.street import make_street

STREETS = tuple((count, size) for size in (1.0, 0.6) for count in (4, 7, 10, 13, 16))
SMALL = (160, 120)
_DEMO = Path(amodal.__file__).parent / "demo"


def make_streets(folder: Path) -> Path:
    """Ten photos of 375 × 1242 with 4 to 16 objects, and their boxes.json; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for count, size in STREETS:
        street = make_street(count, folder, size=size)
        boxes = [{"box": box, "class": label} for box, label in zip(street.boxes.tolist(), street.labels, strict=True)]
        entries.append({"file": street.path.name, "boxes": boxes})
    return _written(folder, entries)


def make_small(folder: Path) -> Path:
    """Six photos of 160 × 120 with one or two objects, and their boxes.json; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for entry in json.loads((_DEMO / "boxes.json").read_text()):
        photo = Image.open(_DEMO / "photos" / entry["file"])
        across, down = SMALL[0] / photo.width, SMALL[1] / photo.height
        photo.resize(SMALL).save(folder / entry["file"], quality=90)
        boxes = [
            {
                "class": one["class"],
                "box": [round(v * s, 1) for v, s in zip(one["box"], (across, down) * 2, strict=True)],
            }
            for one in entry["boxes"][:2]
        ]
        entries.append({"file": entry["file"], "boxes": boxes})
    return _written(folder, entries)


def _written(folder: Path, entries: list[dict[str, object]]) -> Path:
    place = folder / "boxes.json"
    place.write_text(json.dumps(entries))
    return place
