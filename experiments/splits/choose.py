"""Chooses which hand-drawn cars of the train split are held out from learning, for val has only 17 of them.

    python experiments/splits/choose.py --data DIR

DIR holds `annotations.json` and `images/`. Whole photos are chosen by chance, of each source in proportion to its
fully visible (`clean64`) cars; photos that look alike go together, those without such a car too. The one film of
train stays there: held whole, it would be a fourth of the cars, and val has such films already. Writes held_out.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
from sources import HAND_DRAWN

from amodal.data.coco import CocoBoxes, CocoImage, read_objects
from amodal.images import read_photo

CARS, SEED = 30, 2026
FILMS = "DAVIS 2016"
THUMB_PX, ALIKE = 24, 0.9
"""Photos whose thumbnails of this size correlate more than this are taken for near-duplicates."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("held_out.json"))
    arguments = parser.parse_args()
    boxes = read_objects(arguments.data / "annotations.json", images=arguments.data / "images")
    cars = clean_cars(boxes)
    groups = look_alikes([photo for photo in boxes.images if photo.split == "train" and source_of(photo)])
    shares = shares_of({source: sum(cars[p.file_name] for g in own for p in g) for source, own in groups.items()})
    held, counts = [], {}
    generator = np.random.default_rng(SEED)
    for source, own in groups.items():
        chosen = drawn(own, cars, shares[source], generator)
        held += [photo.file_name for group in chosen for photo in group]
        counts[source] = sum(cars[photo.file_name] for group in chosen for photo in group)
    result = {
        "what": "Photos of the train split that the final models do not learn from: fully visible cars, drawn by hand",
        "command": "python experiments/splits/choose.py --data DIR",
        "seed": SEED,
        "cars_clean64": counts,
        "photos": sorted(held),
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(len(held), "photos,", counts, "of", shares, "wanted")


def clean_cars(boxes: CocoBoxes) -> Counter[str]:
    """How many fully visible cars each photo has."""
    assert boxes.clean64 is not None
    rows = np.flatnonzero(boxes.clean64)
    return Counter(boxes.images[boxes.image_index[row]].file_name for row in rows if boxes.labels[row] == "car")


def source_of(photo: CocoImage) -> str:
    return next((name for name in HAND_DRAWN if photo.source.startswith(name)), "")


def look_alikes(photos: list[CocoImage]) -> dict[str, list[list[CocoImage]]]:
    """Of each source its groups of photos that look alike."""
    by_source: dict[str, list[CocoImage]] = defaultdict(list)
    for photo in photos:
        by_source[source_of(photo)].append(photo)
    found = {}
    for source in HAND_DRAWN:
        own = by_source[source]
        thumbs = np.stack([thumb(photo) for photo in own])
        found[source] = [[own[n] for n in group] for group in connected(thumbs @ thumbs.T > ALIKE)]
    return found


def thumb(photo: CocoImage) -> np.ndarray:
    """Grey, of unit length about its mean."""
    grey = cv2.cvtColor(read_photo(photo.path), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)


def connected(alike: np.ndarray) -> list[list[int]]:
    left, groups = set(range(len(alike))), []
    while left:
        group, new = set(), {min(left)}
        while new:
            group |= new
            new = {int(m) for n in new for m in np.flatnonzero(alike[n])} - group
        left -= group
        groups.append(sorted(group))
    return groups


def shares_of(cars: dict[str, int]) -> dict[str, int]:
    """Cars of each source, in proportion."""
    total = sum(count for source, count in cars.items() if source != FILMS)
    return {source: 0 if source == FILMS else round(CARS * count / total) for source, count in cars.items()}


def drawn(groups: list[list[CocoImage]], cars: Counter[str], wanted: int, generator: np.random.Generator) -> list:
    """Groups by chance until `wanted` cars are there; a group that holds more than are still wanted is passed over."""
    chosen: list[list[CocoImage]] = []
    for number in generator.permutation(len(groups)):
        count = sum(cars[photo.file_name] for photo in groups[number])
        if 0 < count <= wanted:
            chosen.append(groups[number])
            wanted -= count
    return chosen


if __name__ == "__main__":
    main()
