"""Makes the pictures of README and docs from the shipped demo photos with the shipped model.

    python docs/pictures/make.py [--model FILE] [--out FOLDER]

Every picture is what the program draws, made smaller; CREDITS.md beside them names the photos.
"""

from __future__ import annotations

import argparse
import io
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

import amodal
from amodal import draw
from amodal.images import read_photo

HERE = Path(__file__).resolve().parent
DEMO = Path(str(files("amodal") / "demo"))
HERO = BUSES = "coco_000000423617.jpg"
SKATER = "coco_000000476119.jpg"
RIDER = "coco_000000571264.jpg"
WIDTH, QUALITY, GAP = 1200, 84, 16


def main() -> None:
    """Segment the photos and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    default = amodal.load(arguments.model, keep_posteriors=True)
    compositional = amodal.load(arguments.model, "orm", keep_posteriors=True)

    def segmented(name: str, segmenter: amodal.Segmenter = default) -> tuple[amodal.Scene, np.ndarray]:
        photo = read_photo(DEMO / "photos" / name)
        return segmenter.segment(photo, *boxes_and_labels(name)), photo

    hero, buses, skater, rider = map(segmented, (HERO, BUSES, SKATER, RIDER))
    pictures = {
        "hero": beside(draw.draw_boxes(*hero), draw.draw_scene(*hero)),
        "boxes": draw.draw_boxes(*buses),
        "likelihood": draw.draw_likelihoods(*buses),
        # The student's maps of this photo leave nothing to settle.
        "before_after": draw.draw_before_after(*segmented(BUSES, compositional)),
        "order": draw.draw_order(*buses),
        "masks": draw.draw_masks(*buses),
        "two_more": beside(draw.draw_scene(*skater), draw.draw_scene(*rider)),
    }
    for name, picture in pictures.items():
        write(picture, arguments.out / f"{name}.jpg")


def boxes_and_labels(name: str) -> tuple[list[list[float]], list[str]]:
    """What the demo's file says about a photo."""
    entries = {entry["file"]: entry["boxes"] for entry in json.loads((DEMO / "boxes.json").read_text("utf-8"))}
    return [entry["box"] for entry in entries[name]], [entry["class"] for entry in entries[name]]


def beside(*pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side, scaled to the height of the lowest."""
    height = min(len(picture) for picture in pictures)
    images = [Image.fromarray(picture) for picture in pictures]
    scaled = [np.asarray(image.resize((round(image.width * height / image.height), height))) for image in images]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    return np.concatenate([part for picture in scaled for part in (gap, picture)][1:], axis=1)


def write(picture: np.ndarray, path: Path) -> None:
    """As a JPEG of at most `WIDTH` pixels in width."""
    image = Image.fromarray(picture)
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    path.write_bytes(buffer.getvalue())
    print(f"{path.name}: {image.width} x {image.height}, {len(buffer.getvalue()) // 1000} kB")


if __name__ == "__main__":
    main()
