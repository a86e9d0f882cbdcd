"""Sheets on which the whole, partly hidden boxes of real objects are judged by eye, and checks of what was judged.

    python experiments/real_occlusion/box_sheets.py --data DIR --out DIR           # sheets to judge from
    python experiments/real_occlusion/box_sheets.py --data DIR --out DIR --drawn   # the judged boxes, drawn back
    python experiments/real_occlusion/box_sheets.py --data DIR --check             # does the judged file hold together?

DIR holds `annotations.json` and `images/`. Every tile shows one object with its surroundings: the outline of its
visible mask (cyan), its visible box (yellow), the judged box (red) with --drawn, and a grid with numbers in pixels
of the photo. `--only` and `--margin` draw some objects again, with wider surroundings; `--again SEED N` draws N of
the judged objects at random without their first answer, to measure how well the judge agrees with itself.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from amodal.data.coco import CocoBoxes, read_masks, read_objects
from amodal.data.fields import read_json
from amodal.images import read_photo
from amodal.masks import CropMask

JUDGED = Path(__file__).with_name("amodal_boxes.json")
VEHICLES = ("car", "truck", "bus", "van", "motorcycle")
LABELS = ("person", *VEHICLES)
LEAST_HEIGHT_PX = 40
LEAST_OVERLAP = 0.05
"""Of the smaller of two visible boxes."""
NEAR_PX = 6
TRAIN_OBJECTS, TRAIN_PER_PHOTO, TRAIN_SEED = 64, 2, 2026
"""Val has nearly only persons, so that many vehicles of train photos, drawn at random, are judged besides."""
TILE_PX, RULER_PX, TITLE_PX = 740, 34, 30
GRID_STEPS_PX = (5, 10, 20, 25, 50, 100)
LEAST_STEP_ON_TILE_PX = 46
CYAN, YELLOW, RED, BLACK, WHITE = (0, 255, 255), (255, 235, 0), (255, 30, 30), (0, 0, 0), (255, 255, 255)
SLACK_PX = 1.0

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One object that takes part in an overlap. `box` is XYXY in pixels of its photo, half-open, visible part."""

    id: int
    label: str
    box: Box
    mask: CropMask
    photo: Path
    split: str

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the photo."""
        return self.mask.width, self.mask.height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder for the sheets")
    parser.add_argument("--only", type=int, nargs="+", help="ids of the annotations to draw")
    parser.add_argument("--margin", type=float, default=1.0, help="surroundings on every side, in sizes of the box")
    parser.add_argument("--again", type=int, nargs=2, metavar=("SEED", "N"), help="N random judged objects, blank")
    parser.add_argument("--drawn", action="store_true", help="draw the judged boxes too")
    parser.add_argument("--check", action="store_true", help="check the judged boxes, draw nothing")
    arguments = parser.parse_args()
    judged = read_judged()
    if arguments.check:
        check(arguments.data, judged)
        return
    if arguments.out is None:
        parser.error("--out says where the sheets go")
    ids = arguments.only or (sorted(judged) if arguments.drawn else None)
    if arguments.again:
        seed, count = arguments.again
        ids = np.random.default_rng(seed).choice(sorted(judged), count, replace=False).tolist()
    chosen = choose(arguments.data, ids)
    tiles = (
        tile(candidate, arguments.margin, judged[candidate.id]["amodal_box"] if arguments.drawn else None)
        for candidate in chosen
    )
    write_sheets(tiles, arguments.out)
    print(f"{len(chosen)} objects", dict(Counter((c.split, c.label) for c in chosen)))


def choose(data: Path, ids: Sequence[int] | None) -> list[Candidate]:
    """All overlapping objects of val photos and a random part of the vehicles of train photos; or just `ids`."""
    found = overlapping(data)
    if ids is not None:
        return [candidate for candidate in found if candidate.id in set(ids)]
    order = np.random.default_rng(TRAIN_SEED).permutation(len(found))
    per_photo: Counter[Path] = Counter()
    drawn: set[int] = set()
    for candidate in (found[index] for index in order):
        wanted = candidate.split == "train" and candidate.label in VEHICLES
        if wanted and per_photo[candidate.photo] < TRAIN_PER_PHOTO and len(drawn) < TRAIN_OBJECTS:
            per_photo[candidate.photo] += 1
            drawn.add(candidate.id)
    val = [candidate for candidate in found if candidate.split == "val"]
    return val + [candidate for candidate in found if candidate.id in drawn]


def overlapping(data: Path) -> list[Candidate]:
    """Objects of fully annotated photos that overlap another one, photo by photo."""
    path = data / "annotations.json"
    objects, masks, full = read_objects(path), read_masks(path), fully_annotated(path)
    found = []
    for index, photo in enumerate(objects.images):
        here = [n for n in np.flatnonzero(objects.image_index == index) if not objects.is_crowd[n]]
        if photo.file_name in full:
            for n in here:
                others = [other for other in here if other != n]
                if is_candidate(objects, n) and any(overlap(objects, masks, n, other) for other in others):
                    box = tuple(objects.boxes[n].tolist())
                    mask = masks[int(objects.ids[n])]
                    found.append(Candidate(int(objects.ids[n]), objects.labels[n], box, mask, photo.path, photo.split))
    return found


def fully_annotated(path: Path) -> set[str]:
    """File names of the photos in which every object has a mask."""
    images = read_json(path)["images"].items()
    return {image["file_name"].text() for image in images if image["annotated"].text() == "full"}


def is_candidate(objects: CocoBoxes, n: int) -> bool:
    _, y0, _, y1 = objects.boxes[n]
    return objects.labels[n] in LABELS and y1 - y0 >= LEAST_HEIGHT_PX


def overlap(objects: CocoBoxes, masks: dict[int, CropMask], n: int, other: int) -> bool:
    """Whether two visible boxes overlap enough and the visible masks come near each other."""
    a, b = objects.boxes[n], objects.boxes[other]
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    smaller = min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2]))
    if sides.min() <= 0 or sides.prod() < LEAST_OVERLAP * smaller:
        return False
    here, there = (masks[int(objects.ids[k])].to_dense() for k in (n, other))
    away = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return bool(here.any() and there.any() and away[here].min() <= NEAR_PX)


def tile(candidate: Candidate, margin: float, judged: Box | None) -> np.ndarray:
    """One object as a square picture with a title and rulers."""
    window = surroundings(candidate, margin, judged)
    x0, y0, x1, y1 = window
    scale = TILE_PX / max(x1 - x0, y1 - y0)
    size = round((x1 - x0) * scale), round((y1 - y0) * scale)
    picture = cv2.resize(read_photo(candidate.photo)[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC)
    draw_grid(picture, window, scale)
    dense = candidate.mask.to_dense()[y0:y1, x0:x1].astype(np.uint8)
    large = cv2.resize(dense, size, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, CYAN, 1)
    draw_box(picture, candidate.box, window, scale, YELLOW, 1)
    if judged is not None:
        draw_box(picture, judged, window, scale, RED, 2)
    return framed(picture, window, scale, title(candidate, judged))


def surroundings(candidate: Candidate, margin: float, judged: Box | None) -> tuple[int, int, int, int]:
    """The part of the photo that a tile shows: the box and `margin` of its longer side around it."""
    x0, y0, x1, y1 = candidate.box
    if judged is not None:
        x0, y0, x1, y1 = min(x0, judged[0]), min(y0, judged[1]), max(x1, judged[2]), max(y1, judged[3])
    around = margin * max(x1 - x0, y1 - y0)
    width, height = candidate.frame
    left, top = max(0, int(x0 - around)), max(0, int(y0 - around))
    return left, top, min(width, int(np.ceil(x1 + around))), min(height, int(np.ceil(y1 + around)))


def title(candidate: Candidate, judged: Box | None) -> str:
    numbers = " ".join(f"{edge:g}" for edge in candidate.box)
    answer = "" if judged is None else " -> " + " ".join(f"{edge:g}" for edge in judged)
    width, height = candidate.frame
    return f"{candidate.id} {candidate.label} [{numbers}]{answer}  photo {width} x {height}"


def grid_lines(start: int, stop: int, scale: float) -> Iterator[int]:
    """Round pixel numbers of the photo, far enough from each other on the tile."""
    step = next((step for step in GRID_STEPS_PX if step * scale >= LEAST_STEP_ON_TILE_PX), GRID_STEPS_PX[-1])
    return iter(range(-(-start // step) * step, stop + 1, step))


def draw_grid(picture: np.ndarray, window: tuple[int, int, int, int], scale: float) -> None:
    """Thin, half-transparent lines, so that what is under them can be seen."""
    x0, y0, x1, y1 = window
    lines = np.zeros(picture.shape[:2], dtype=bool)
    lines[:, [min(int((x - x0) * scale), lines.shape[1] - 1) for x in grid_lines(x0, x1, scale)]] = True
    lines[[min(int((y - y0) * scale), lines.shape[0] - 1) for y in grid_lines(y0, y1, scale)]] = True
    picture[lines] = (0.65 * picture[lines] + 0.35 * 255).astype(np.uint8)


def draw_box(
    picture: np.ndarray, box: Box, window: Sequence[int], scale: float, colour: Sequence[int], px: int
) -> None:
    height, width = picture.shape[:2]
    corners = [round((edge - window[side % 2]) * scale) for side, edge in enumerate(box)]
    x0, y0 = max(corners[0], 0), max(corners[1], 0)
    cv2.rectangle(picture, (x0, y0), (min(corners[2], width - 1), min(corners[3], height - 1)), colour, px)


def framed(picture: np.ndarray, window: tuple[int, int, int, int], scale: float, text: str) -> np.ndarray:
    """The picture on a tile of fixed size, rulers on all four sides, a title above."""
    side = TILE_PX + 2 * RULER_PX
    canvas = np.full((side + TITLE_PX, side, 3), 255, dtype=np.uint8)
    top, left = TITLE_PX + RULER_PX, RULER_PX
    height, width = picture.shape[:2]
    canvas[top : top + height, left : left + width] = picture
    write(canvas, text, (6, 21), 0.5)
    for x in grid_lines(window[0], window[2], scale):
        at = left + int((x - window[0]) * scale) - 11
        write(canvas, str(x), (at, top - 6), 0.4)
        write(canvas, str(x), (at, top + height + 14), 0.4)
    for y in grid_lines(window[1], window[3], scale):
        at = top + int((y - window[1]) * scale) + 4
        write(canvas, str(y), (3, at), 0.4)
        write(canvas, str(y), (left + width + 3, at), 0.4)
    return canvas


def write(canvas: np.ndarray, text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, BLACK, 1, cv2.LINE_AA)


def write_sheets(tiles: Iterator[np.ndarray], out: Path) -> None:
    """Four tiles a sheet, two by two."""
    out.mkdir(parents=True, exist_ok=True)
    blank, row, rows, number = None, [], [], 0
    for picture in tiles:
        blank = np.full_like(picture, 255)
        row.append(picture)
        if len(row) == 2:
            rows.append(np.hstack(row))
            row = []
        if len(rows) == 2:
            save(np.vstack(rows), out, number)
            rows, number = [], number + 1
    if row and blank is not None:
        rows.append(np.hstack([*row, blank]))
    if rows:
        save(np.vstack(rows), out, number)


def save(sheet: np.ndarray, out: Path, number: int) -> None:
    cv2.imwrite(str(out / f"sheet_{number:02}.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def read_judged() -> dict[int, dict]:
    """The judged objects by annotation; none where nothing was judged yet."""
    return (
        {entry["annotation"]: entry for entry in json.loads(JUDGED.read_text())["objects"]} if JUDGED.exists() else {}
    )


def check(data: Path, judged: dict[int, dict]) -> None:
    """Every judged box holds its visible box and lies in its photo; every object is one that was to be judged.

    Raises:
        SystemExit: naming the objects for which that is not so.
    """
    known = {candidate.id: candidate for candidate in choose(data, None)}
    wrong = [f"{number}: {problem}" for number, entry in judged.items() for problem in problems(entry, known)]
    counts = json.loads(JUDGED.read_text())["counts"] if JUDGED.exists() else {}
    if counts.get("objects") != len(judged):
        wrong.append(f"counts says {counts.get('objects')} objects, found {len(judged)}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(judged)} judged boxes hold their visible boxes and lie in their photos")


def problems(entry: dict, known: dict[int, Candidate]) -> Iterator[str]:
    candidate = known.get(entry["annotation"])
    if candidate is None:
        yield "is no object that was to be judged"
        return
    if (entry["image"], entry["split"], entry["label"]) != (candidate.photo.name, candidate.split, candidate.label):
        yield "image, split or label differ from the annotation's"
    if tuple(entry["visible_box"]) != candidate.box:
        yield f"visible_box is {entry['visible_box']}, expected {candidate.box}"
    whole, visible, frame = np.array(entry["amodal_box"]), np.array(candidate.box), np.array(candidate.frame)
    if (whole[:2] > visible[:2] + SLACK_PX).any() or (whole[2:] < visible[2:] - SLACK_PX).any():
        yield f"{whole.tolist()} does not hold the visible box {visible.tolist()}"
    if (whole[:2] < 0).any() or (whole[2:] > frame).any():
        yield f"{whole.tolist()} leaves the photo of {frame.tolist()}"


if __name__ == "__main__":
    main()
