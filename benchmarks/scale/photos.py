"""The photos that are timed: streets of 3 to 9 overlapping objects, drawn from the shipped CC BY photos."""

from __future__ import annotations

import json
from pathlib import Path

from amodal.bench.street import Street, make_street

COUNTS = (5, 3, 8, 4, 6, 9, 7)
SIZES = (1.0, 0.75, 0.55)


def make_streets(folder: Path, *, small: float = 1.0) -> list[Street]:
    """Photos of 375 × 1242; `small` shrinks the objects further."""
    return [make_street(count, folder, size=size * small) for size in SIZES for count in COUNTS]


def write_jsonl(streets: list[Street], photos: int, path: Path) -> Path:
    """A source of so many photos: the same files again and again, each time under a key of its own."""
    with path.open("w") as lines:
        for number in range(photos):
            street = streets[number % len(streets)]
            boxes = [
                {"box": box, "class": label} for box, label in zip(street.boxes.tolist(), street.labels, strict=True)
            ]
            entry = {"key": f"{number:07d}", "file": street.path.name, "boxes": boxes}
            lines.write(json.dumps(entry) + "\n")
    return path
