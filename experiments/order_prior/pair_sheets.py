"""Draws every pair of annotated objects that may hide each other, for judging by eye who is in front.

    python experiments/order_prior/pair_sheets.py --data DIR --split val --out DIR

DIR of `--data` holds `annotations.json` and `images/`. A candidate is a pair of two road users of one photo, no crowd
region, both boxes at least 40 px high, whose visible boxes overlap by at least 5 % of the smaller one and whose visible
masks come within 6 px of each other. Sheets show each pair twice, bare and with the outlines of a (red) and b (cyan);
`pairs.json` beside them lists the pairs in the form of judged_pairs.json, but not who is in front. `--only 3 17` draws
these pairs alone, closer up.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from amodal.data.coco import read_masks
from amodal.images import read_photo

LABELS = {"person", "car", "truck", "bus", "van", "motorcycle", "bicycle"}
LEAST_HEIGHT_PX, LEAST_OVERLAP, REACH_PX = 40, 0.05, 6
SEED = 0
COLOURS = {"a": (255, 40, 40), "b": (0, 230, 255)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "val"), default="val")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", type=int, nargs="+", help="numbers of pairs to draw close up")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    masks = read_masks(arguments.data / "annotations.json")
    pairs = candidates(arguments.data / "annotations.json", arguments.split, masks)
    if arguments.only:
        numbers, name, draw, columns, rows = arguments.only, "close", close_up, 1, 3
    else:
        (arguments.out / "pairs.json").write_text("[\n" + ",\n".join(map(json.dumps, pairs)) + "\n]\n")
        numbers, name, draw, columns, rows = list(range(len(pairs))), "sheet", whole, 2, 5
    for first in range(0, len(numbers), columns * rows):
        shown = numbers[first : first + columns * rows]
        tiles = [
            tile(n, pairs[n], draw(read_photo(arguments.data / "images" / pairs[n]["image"]), pairs[n], masks))
            for n in shown
        ]
        cv2.imwrite(str(arguments.out / f"{name}_{shown[0]:03d}_{shown[-1]:03d}.png"), sheet(tiles, columns)[..., ::-1])
    print(f"{len(pairs)} pairs in {len({pair['image'] for pair in pairs})} photos")


def candidates(path, split, masks):
    """All pairs of a split that may hide each other, in the order of the photos; a and b are dealt at random."""
    data = json.loads(path.read_text())
    label = {category["id"]: category["name"] for category in data["categories"]}
    of_photo = defaultdict(list)
    for thing in data["annotations"]:
        high_enough = thing["bbox"][3] >= LEAST_HEIGHT_PX
        if label[thing["category_id"]] in LABELS and not thing["iscrowd"] and high_enough:
            of_photo[thing["image_id"]].append(thing)
    rng = np.random.default_rng(SEED)
    pairs = []
    for photo in data["images"]:
        for some in combinations(of_photo[photo["id"]] if photo["split"] == split else (), 2):
            boxes = [corners(thing["bbox"]) for thing in some]
            if overlap(*boxes) < LEAST_OVERLAP or not near(*(masks[thing["id"]].to_dense() for thing in some)):
                continue
            (a, box_a), (b, box_b) = (list(zip(some, boxes, strict=True))[k] for k in rng.permutation(2))
            pairs.append(
                {"image": photo["file_name"], "split": split, "a": a["id"], "b": b["id"]}
                | {"box_a": box_a, "box_b": box_b}
                | {"label_a": label[a["category_id"]], "label_b": label[b["category_id"]]}
                | {"width": photo["width"], "height": photo["height"]}
            )
    return pairs


def corners(bbox):
    x, y, width, height = bbox
    return [x, y, x + width, y + height]


def overlap(one, other):
    """Of two boxes, as a share of the smaller."""
    width, height = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    return max(width, 0) * max(height, 0) / min((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other))


def near(one, other):
    return meeting(one, other).any()


def meeting(one, other):
    """Pixels of one mask within reach of the other."""
    far = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return one & (far <= REACH_PX)


def whole(pixels, pair, masks):
    """Both objects whole, bare and outlined."""
    window = around([pair["box_a"], pair["box_b"]], pair)
    return [panel(pixels, pair, {}, window, (380, 290)), panel(pixels, pair, masks, window, (380, 290))]


def close_up(pixels, pair, masks):
    """Both objects outlined, then where they meet, bare and outlined."""
    rows, columns = np.nonzero(meeting(masks[pair["a"]].to_dense(), masks[pair["b"]].to_dense()))
    meet = around([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], pair)
    every = around([pair["box_a"], pair["box_b"]], pair)
    return [
        panel(pixels, pair, some, window, (362, 345)) for some, window in ((masks, every), ({}, meet), (masks, meet))
    ]


def around(boxes, pair):
    boxes = np.array(boxes)
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    margin = 8 + (high - low) // 12
    return (*np.maximum(low - margin, 0), *np.minimum(high + margin, (pair["width"], pair["height"])))


def panel(pixels, pair, masks, window, size):
    """A window of the photo as large as fits into width x height, with the outlines of the masks that are given."""
    x0, y0, x1, y1 = window
    scale = min(size[0] / (x1 - x0), size[1] / (y1 - y0))
    fit = round((x1 - x0) * scale), round((y1 - y0) * scale)
    drawn = cv2.resize(pixels[y0:y1, x0:x1], fit, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    for name, colour in COLOURS.items() if masks else ():
        mask = cv2.resize(masks[pair[name]].to_crop(window).astype(np.uint8), fit, interpolation=cv2.INTER_NEAREST)
        outline, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outline, -1, colour, 1)
        depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        write(drawn, name, (int(x) - 5, int(y) + 5), colour)
    canvas = np.full((size[1], size[0], 3), 255, np.uint8)
    canvas[: fit[1], : fit[0]] = drawn
    return canvas


def tile(number, pair, panels):
    title = np.full((20, sum(panel.shape[1] for panel in panels), 3), 255, np.uint8)
    write(
        title, f"{number}: a {pair['label_a']}, b {pair['label_b']}, {pair['image']}", (4, 15), (0, 0, 0), rimmed=False
    )
    return np.pad(np.vstack([title, np.hstack(panels)]), ((0, 4), (0, 4), (0, 0)), constant_values=128)


def write(canvas, text, place, colour, rimmed=True):
    for shade, thickness in ([((0, 0, 0), 4)] if rimmed else []) + [(colour, 1)]:
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, shade, thickness, cv2.LINE_AA)


def sheet(tiles, columns):
    tiles = tiles + [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)])


if __name__ == "__main__":
    main()
